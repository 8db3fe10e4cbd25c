package header

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever hosts and exports did to a header, its fields are read, and the body begins
// where the author's text does.
func TestHeadersAsMailHasThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw    string
		fields []string
		body   string
	}{
		"plain":                    {"A: 1\r\nB: 2\r\n\r\ntext\r\n", []string{"A: 1", "B: 2"}, "text\r\n"},
		"folded":                   {"A: 1\r\n 2\r\n\t3\r\nB: 4\r\n\r\n", []string{"A: 1 2 3", "B: 4"}, ""},
		"a space before the colon": {"A : 1\n\ntext", []string{"A: 1"}, "text"},
		"an mbox line": {"From ana Mon Nov 2 10:00:00 2026\n>From x\nA: 1\n\ntext",
			[]string{"A: 1"}, "text"},
		"a byte order mark":             {"\xef\xbb\xbfA: 1\n\ntext", []string{"A: 1"}, "text"},
		"blank lines first":             {"\r\n\r\nA: 1\r\n\r\ntext", []string{"A: 1"}, "text"},
		"line ends of old Macs":         {"A: 1\r 2\rB: 3\r\rtext\r", []string{"A: 1 2", "B: 3"}, "text\n"},
		"doubled carriage returns":      {"A: 1\r\r\nB: 2\r\r\n\r\r\ntext", []string{"A: 1", "B: 2"}, "text"},
		"no blank line":                 {"A: 1\nthis is text\nand more", []string{"A: 1"}, "this is text\nand more"},
		"no body":                       {"A: 1\nB: 2", []string{"A: 1", "B: 2"}, ""},
		"a line that is no field":       {"A: 1\nno field\nB: 2\n\ntext", []string{"A: 1", "B: 2"}, "text"},
		"a fold of such a line":         {"A: 1\nno field\n ; b=2\nB: 3\n\ntext", []string{"A: 1", "B: 3"}, "text"},
		"a fold of nothing":             {" x\nA: 1\n\ntext", []string{"A: 1"}, "text"},
		"a fold of white space":         {"A: 1\r\n\t \r\n\t2\r\nB: 3\r\n\r\ntext", []string{"A: 1 2", "B: 3"}, "text"},
		"white space, then a field":     {"A: 1\n \n\t\nB : 2\n\ntext", []string{"A: 1", "B: 2"}, "text"},
		"white space, then text":        {"A: 1\r\n  \r\ntext\r\n", []string{"A: 1"}, "text\r\n"},
		"white space, then no more":     {"A: 1\n \n", []string{"A: 1"}, ""},
		"white space, twice, then text": {"A: 1\n \n \ntext", []string{"A: 1"}, " \ntext"},
		"white space below no field":    {"A: 1\nno field\n \n x\nB: 2\n\n", []string{"A: 1", "B: 2"}, ""},
		"white space first":             {" \nA: 1\n\ntext", []string{"A: 1"}, "text"},
		"NUL":                           {"A: 1\x002\n\n", []string{"A: 12"}, ""},
		"nothing":                       {"", nil, ""},
		"text alone":                    {"Hello,\nwhere is it?\n", nil, "Hello,\nwhere is it?\n"},
	} {
		h, body := Read([]byte(c.raw))
		var fields []string
		for _, f := range h {
			fields = append(fields, string(f.Name)+": "+Unfold(f.Value))
		}
		if diff := cmp.Diff(c.fields, fields); diff != "" || string(body) != c.body {
			t.Errorf("%s: the body %q, want %q; the fields (-want +got):\n%s", name, body, c.body, diff)
		}
	}
}

func TestFieldsAreFoundInAnyCase(t *testing.T) {
	t.Parallel()
	h, _ := Read([]byte("received: 2\nReceived: 1\nSUBJECT: x\n y\nx-: \n\n"))
	if name, value, ok := h.First("Date", "Subject"); name != "Subject" || value != "x y" || !ok {
		t.Errorf("%q %q %v", name, value, ok)
	}
	if _, _, ok := h.First("Date"); ok || h.Value("Date") != "" || h.Count("RECEIVED") != 2 || h.Value("Received") != "2" {
		t.Errorf("%q", h)
	}
	var all []string
	h.All("received", func(v []byte) bool { all = append(all, Unfold(v)); return len(all) < 1 })
	if len(all) != 1 {
		t.Errorf("%q was called on after it said to stop", all)
	}
}

// A header may be as long as it likes: what is beyond the bounds is not read.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*MaxValue)
	for name, raw := range map[string]string{
		"fields":    strings.Repeat("A: 1\n", 2*maxFields),
		"a value":   "A: " + long + "\nB: 2\n\n",
		"folds":     "A: 1\n" + strings.Repeat(" "+strings.Repeat("x", 998)+"\n", 500) + "B: 2\n\n",
		"white":     "A: 1\n" + strings.Repeat(" \n", 2*MaxHeader) + " x\nB: 2\n\n",
		"header":    strings.Repeat("A: "+strings.Repeat("x", 60_000)+"\n", 40),
		"addresses": "A: " + strings.Repeat("a@b,", MaxValue) + "\n\n",
	} {
		h, _ := Read([]byte(raw))
		size := 0
		for _, f := range h {
			size += len(Unfold(f.Value))
			if n := len(Unfold(f.Value)); n > MaxValue {
				t.Errorf("%s: %d bytes of a value", name, n)
			}
		}
		if len(h) > maxFields || size > MaxHeader+MaxValue || len(Addresses(h.Value("A"))) > MaxAddresses {
			t.Errorf("%s: %d fields of %d bytes, %d addresses", name, len(h), size, len(Addresses(h.Value("A"))))
		}
	}
}

func TestAddressesAsMailHasThem(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]Mailbox{
		"Ana <ana@partner.example>":                 {{"Ana", "ana@partner.example"}},
		`"Lopez, Ana" <ana@x.example>, b@y.example`: {{"Lopez, Ana", "ana@x.example"}, {"", "b@y.example"}},
		"ana@x.example (Ana (at work))":             {{"Ana (at work)", "ana@x.example"}},
		"team: a@x.example, b@y.example;":           {{"", "a@x.example"}, {"", "b@y.example"}},
		"<@hop.example:ana@x.example>":              {{"", "ana@x.example"}},
		"=?utf-8?q?Jos=C3=A9?= <jose@x.example>":    {{"José", "jose@x.example"}},
		"Ana ana@x.example":                         {{"", "ana@x.example"}},
		"mailto:ana@x.example":                      {{"", "ana@x.example"}},
		"":                                          nil,
		" , ;":                                      nil,
	} {
		if diff := cmp.Diff(want, Addresses(value)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
}

func TestTheFirstAddressIsOneThatMailCanBeSentTo(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"Ana <ana@x.example>, b@y.example":       "ana@x.example",
		"support, Ana <ana@x.example>":           "ana@x.example",
		"<>, <@>, @x.example, ana@, b@y.example": "b@y.example",
		"undisclosed-recipients:;":               "",
		"support":                                "",
		"":                                       "",
	} {
		if got := FirstAddress(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestMessageIDsAreReadWhateverStandsAroundThem(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]string{ // first, usable
		"<1@x.example>":           {"1@x.example", "1@x.example"},
		"re: <1@x> <2@x>":         {"1@x", "1@x"},
		"1@x.example":             {"1@x.example", "1@x.example"},
		"<a\t b@x>":               {"ab@x", "ab@x"},
		"<a b@x>":                 {"ab@x", "ab@x"},
		"<a<b@x>":                 {"b@x", "b@x"},
		"<1@x <2@x>":              {"2@x", "2@x"},
		"<a\u200b.b@x>":           {"", ""},
		"<a\u200b.b@x> <c@x>":     {"c@x", "c@x"},
		"<a\x01b@x>":              {"", ""},
		"<a\xffb@x>":              {"a\uFFFDb@x", ""},
		"<>":                      {"", ""},
		"<1@x":                    {"", ""},
		"<ä@x>":                   {"ä@x", ""},
		"no id":                   {"", ""},
		strings.Repeat("a", 600):  {"", ""},
		"":                        {"", ""},
		"no-at-sign-but-one-word": {"", "no-at-sign-but-one-word"},
	} {
		if got := [2]string{FirstID(value), UsableID(value)}; got != want {
			t.Errorf("%.40q: %q, want %q", value, got, want)
		}
	}
}

// FuzzRead: the fields and the body are slices of the mail in their order, and every
// reader of values takes whatever stands in them.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\r\n", "A: b\r\n c\r\n\r\nd", "From x\nA: b\n\nc", "a : b\nno field\n c\nd: e\n", "\xef\xbb\xbfA: \x00\xff\n",
		"Subject: =?utf-8?b?w7w=?= =?utf-8?q?_x?=\nFrom: \"a, b\" <@r:x@y.example>, (c) z@w\n\n",
		"Date: Mon, 2 Nov 26 04:05:00 -0500 (EST)\rReferences: <a@b> <c\r d@e>\r\rtext",
		"Subject: =?iso-2022-jp?B?GyRCPCs=?=\n\t=?utf-7?Q?+AGEAYg-?=\n\n",
		"Received: from a (b [192.0.2.7]) by c; 2 Nov 2026 10:00\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, body := Read(raw)
		whole, at := unixLines(raw), 0
		for _, field := range h {
			end := endOfField(whole, at, field)
			if end < 0 {
				t.Fatalf("field %q does not follow byte %d of %q", field, at, raw)
			}
			at = end
			checkValue(t, Unfold(field.Value))
		}
		if len(h) > maxFields || at > len(whole)-len(body) || !bytes.HasSuffix(whole, body) {
			t.Fatalf("%d fields up to byte %d, and the body %q is not the rest of %q", len(h), at, body, raw)
		}
	})
}

// endOfField is where a field that begins at a line's start, not before from, ends; -1 without one.
func endOfField(whole []byte, from int, f Field) int {
	for at := from; len(f.Name) > 0; at++ {
		i := bytes.Index(whole[at:], f.Name)
		if i < 0 {
			return -1
		}
		at += i
		spaces := bytes.TrimLeft(whole[at+len(f.Name):], " \t")
		isLine := at == 0 || whole[at-1] == '\n' || bytes.HasSuffix(whole[:at], []byte("\xef\xbb\xbf"))
		if value, ok := bytes.CutPrefix(spaces, []byte(":")); ok && isLine && bytes.HasPrefix(value, f.Value) {
			return len(whole) - len(value) + len(f.Value)
		}
	}
	return -1
}

func checkValue(t *testing.T, value string) {
	t.Helper()
	if strings.ContainsAny(value, "\r\n\x00") || len(value) > MaxValue {
		t.Errorf("%d bytes, which are not one line: %q", len(value), value)
	}
	if text := DecodeWords(value); text != Clean(text) {
		t.Errorf("%q decodes to %q, which is not clean", value, text)
	}
	for _, a := range Addresses(value) {
		if len(a.Address) > 320 || len(a.Name) > 200 || strings.ContainsAny(a.Address, "\r\n\x00 ") {
			t.Errorf("%q has the address %q", value, a)
		}
	}
	IDs(value, func(id string) bool {
		if id == "" || len(id) > 998 || strings.ContainsAny(id, "<> \r\n\x00") {
			t.Errorf("%q has the id %q", value, id)
		}
		return true
	})
	if id := UsableID(value); id != UsableID("<"+id+">") {
		t.Errorf("%q has the id %q, which is not usable", value, id)
	}
	Date(value)
}
