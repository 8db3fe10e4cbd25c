package header

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"signpost/store/charset"
)

// Labels as mail has them: the standards' names, vendors' names, numbers of code
// pages, and spellings that no standard knows.
func TestTextIsReadUnderAnyNameOfItsCharset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		labels, text string
		e            encoding.Encoding
	}{
		{"shift_jis Shift-JIS sjis x-sjis ms_kanji ms932 cp932 CP-932 windows-31j windows-932 csShiftJIS 932", "自動応答です",
			japanese.ShiftJIS},
		{"euc-jp eucjp EUCJP x-euc-jp x-eucjp ujis eucJP-ms cp51932", "自動応答です", japanese.EUCJP},
		{"iso-2022-jp ISO2022JP iso-2022-jp-ms cp50220 csISO2022JP jis us-ascii", "自動応答です", japanese.ISO2022JP},
		{"euc-kr euckr cp949 ms949 windows-949 uhc ks_c_5601 ks_c_5601-1987 KSC5601 ksc_5601 x-windows-949 korean",
			"자동 응답입니다", korean.EUCKR},
		{"gb2312 GB_2312-80 gbk x-gbk cp936 ms936 euc-cn x-euc-cn chinese gb18030 windows-936", "自动回复邮件",
			simplifiedchinese.GBK},
		{"big5 big5-hkscs cn-big5 x-x-big5 cp950 Big5-ETEN", "自動回覆", traditionalchinese.Big5},
		{"windows-874 cp874 tis-620 tis620 iso-8859-11 x-windows-874", "ตอบกลับอัตโนมัติ", charmap.Windows874},
		{"windows-1254 iso-8859-9 latin5 latin-5 l5 cp1254 cswindows1254 iso8859-9 1254 88599", "Ofis dışındayım şu an",
			charmap.Windows1254},
		{"windows-1252 iso-8859-1 iso_8859-1:1987 latin1 l1 cp1252 ansi 1252 iso8859_1 iso88591 x-unknown unknown-8bit " +
			"us-ascii utf-8 nonsense", "Réponse automatique à", charmap.Windows1252},
		{"iso-8859-15 latin9 latin-9 885915 iso8859-15 cp28605", "œuvre à 5 €", charmap.ISO8859_15},
		{"iso-8859-2 latin2 iso8859-2 ISO_8859-2:1987 28592", "Automatická odpověď", charmap.ISO8859_2},
		{"windows-1251 cp1251 win-1251 windows1251 x-cp1251 microsoft-cp1251", "Автоответ", charmap.Windows1251},
		{"koi8-r koi8 koi8r cskoi8r cp20866", "Автоответ", charmap.KOI8R},
		{"cp866 ibm866 866 dos-866 cp-866", "Автоответ", charmap.CodePage866},
		{"cp850 cp-850 ibm850 850", "für Köln", charmap.CodePage850},
		{"cp858", "für 5 €", charmap.CodePage858},
		{"windows-1256 cp1256", "رد تلقائي", charmap.Windows1256},
		{"iso-8859-8-i iso-8859-8 hebrew logical", "תשובה", charmap.ISO8859_8},
		{"macintosh x-mac-roman mac", "Réponse", charmap.Macintosh},
		{"utf-16 ucs-2 unicode", "Abwesenheit: für", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
		{"utf-16 utf-16le cp1200", "Abwesenheit: für", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"utf-32 ucs-4", "Abwesenheit", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)},
		{"utf8 UTF8 utf-8 utf8mb4 cp65001 unicode-1-1-utf-8 x-utf-8 iso-8859-1 gb2312", "Réponse 自動", unicode.UTF8},
	} {
		raw, err := c.e.NewEncoder().Bytes([]byte(c.text))
		if err != nil {
			t.Fatal(c.text, err)
		}
		for _, label := range strings.Fields(c.labels) {
			if got := strings.TrimPrefix(ToUTF8(label, raw), "\uFEFF"); got != c.text {
				t.Errorf("%s is read as %q, want %q", label, got, c.text)
			}
			// The same in a subject.
			subject := "=?" + label + "?B?" + base64.StdEncoding.EncodeToString(raw) + "?="
			if got := DecodeWords(subject); got != c.text {
				t.Errorf("%s is read as %q, want %q", subject, got, c.text)
			}
		}
	}
}

// What WHATWG's standard calls a charset must mean the same here.
func TestNamesOfTheStandardAreKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ibm866", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
		"iso-8859-7", "iso-8859-8", "iso-8859-10",
		"iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "macintosh", "windows-874",
		"windows-1250", "windows-1251",
		"windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
		"x-mac-cyrillic", "gbk", "gb18030",
		"big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr", "utf-16be", "utf-16le"} {
		want, err := htmlindex.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := encodingOf(charset.Name(name), nil); got != want {
			t.Errorf("%s is taken for %q", name, charset.Name(name))
		}
	}
}

// A host that adds a byte of its own, or cuts a character, must not cost the text.
func TestBadBytesInUTF8AloneAreReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ label, raw, want string }{
		{"utf-8", "Я в отпуске.\n\xE9Luc", "Я в отпуске.\n\uFFFDLuc"},
		{"utf-8", "отпуск\xd0", "отпуск\uFFFD"},
		{"", "Réponse après le 3 à 5\xA0h", "Réponse après le 3 à 5\uFFFDh"},
		{"iso-8859-1", "Я в отпуске до \xAB30\xBB", "Я в отпуске до \uFFFD30\uFFFD"},
		{"utf-8", "R\xe9ponse apr\xe8s", "Réponse après"},              // all of it is Latin-1
		{"utf-8", "\xc0\xe2\xf2\xee\xee\xf2\xe2\xe5\xf2", "Àâòîîòâåò"}, // another charset: legible is no claim
	} {
		if got := ToUTF8(c.label, []byte(c.raw)); got != c.want {
			t.Errorf("%q: %q, want %q", c.raw, got, c.want)
		}
	}
}

func TestEncodedWordsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	encode := func(e encoding.Encoding, s string) string {
		b, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b64 := base64.StdEncoding.EncodeToString
	raw64 := base64.RawStdEncoding.EncodeToString
	gb, jis, utf := encode(simplifiedchinese.GBK, "自动回复: 您的请求"), encode(japanese.ISO2022JP, "自動応答不在通知"),
		"Réponse automatique : à demain"
	for name, c := range map[string]struct{ raw, want string }{
		"a character cut in two": {"=?gb2312?B?" + b64([]byte(gb[:3])) + "?=\n\t=?GB2312?b?" + b64([]byte(gb[3:])) +
			"?=", "自动回复: 您的请求"},
		"a state that goes on": {"=?iso-2022-jp?B?" + b64([]byte(jis[:7])) + "?= =?iso-2022-jp?B?" +
			b64([]byte(jis[7:])) + "?=", "自動応答不在通知"},
		"a character cut, Q": {"=?utf-8?Q?R=C3?= =?utf-8?Q?=A9ponse?=", "Réponse"},
		"no padding":         {"=?utf-8?B?" + raw64([]byte(utf)) + "?=", utf},
		"no padding, twice": {"=?utf-8?B?" + raw64([]byte(utf[:10])) + "?= =?utf-8?B?" + raw64([]byte(utf[10:])) +
			"?=", utf},
		"cut within a group": {"=?utf-8?B?" + raw64([]byte(utf))[:11] + "?= =?utf-8?B?" + raw64([]byte(utf))[11:] +
			"?=", utf},
		"padding in the middle": {"=?utf-8?B?" + b64([]byte(utf[:4])) + "?= =?utf-8?B?" + b64([]byte(utf[4:])) + "?=",
			utf},
		"two charsets":                  {"=?iso-8859-1?Q?=E9t=E9?= =?utf-8?B?" + b64([]byte("自動")) + "?=", "été自動"},
		"two encodings":                 {"=?utf-8?Q?=C3=A9?= =?utf-8?B?" + b64([]byte("à")) + "?=", "éà"},
		"text between":                  {"Re: =?utf-8?Q?caf=C3=A9?= and =?utf-8?Q?th=C3=A9?=", "Re: café and thé"},
		"a space, as an underscore":     {"=?utf-8?Q?out_of_office?=", "out of office"},
		"spaces within":                 {"=?utf-8?Q?R=C3=A9ponse automatique : x?=", "Réponse automatique : x"},
		"a language":                    {"=?utf-8*fr?Q?R=C3=A9ponse?=", "Réponse"},
		"bytes put there bare":          {"=?UTF-8?B?Kévin?= =?UTF-8?Q?Kévin?=", "KévinKévin"},
		"an unknown charset":            {"=?x-nothing?Q?a=E9b?=", "aéb"},
		"no encoding of that name":      {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		"never closed":                  {"=?utf-8?B?QUJD", "=?utf-8?B?QUJD"},
		"bare, beside a word":           {"Réponse =?utf-8?Q?=C3=A0?=", "Réponse à"},
		"an equals sign at a Q's end":   {"=?utf-8?Q?a=?= b", "a= b"},
		"question marks that are words": {"=? what =?utf-8?Q?=C3=A0?=", "=? what à"},
	} {
		if got := DecodeWords(Unfold([]byte(c.raw))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
