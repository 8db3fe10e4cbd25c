package form_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"signpost/store"
)

// part writes one part of a multipart body whose boundary is b.
func part(disposition, content string, head ...string) string {
	head = append([]string{"--b", "Content-Disposition: form-data; " + disposition}, head...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + content + "\r\n"
}

// parts is a whole post without a fault, with other parts before it.
func parts(extra ...string) string {
	body := strings.Join(extra, "")
	for _, field := range []string{"name", "email", "country", "description"} {
		if !strings.Contains(body, `name="`+field+`"`) {
			body += part(`name="`+field+`"`, good().Get(field))
		}
	}
	return body + "--b--\r\n"
}

func (w *world) raw(contentType, body string) *httptest.ResponseRecorder {
	return w.send("POST", "/contact", contentType, strings.NewReader(body), "Accept", "application/json")
}

// A text is read in the encoding that it, the form or the whole body names.
func TestATextIsReadInTheEncodingItNames(t *testing.T) {
	t.Parallel()
	const kind = "multipart/form-data; boundary=b"
	pairs := func(extra string) string {
		v := good()
		v.Del("name")
		return v.Encode() + "&" + extra
	}
	for name, c := range map[string]struct{ kind, body, want string }{
		"the part's own": {kind, parts(
			part(`name="name"`, "Jos\xe9 Mu\xf1oz", "Content-Type: text/plain; charset=windows-1252")), "José Muñoz"},
		"in quotation marks": {kind, parts(
			part(`name="name"`, "Jos\xe9", `Content-Type: text/plain; charset="ISO-8859-1"`)), "José"},
		"two bytes a letter": {kind, parts(
			part(`name="name"`, "\x8eR\x93c", "Content-Type: text/plain; charset=Shift_JIS")), "山田"},
		"a stateful one": {kind, parts(
			part(`name="name"`, "\x1b$B;3ED\x1b(B", "Content-Type: text/plain; charset=iso-2022-jp")), "山田"},
		"of IANA's list alone": {kind, parts(part(`name="name"`, "Jos\x82", "Content-Type: text/plain; charset=cp850")),
			"José"},
		"with a mark": {kind, parts(
			part(`name="name"`, "\xfe\xff\x00J\x00o", "Content-Type: text/plain; charset=utf-16")), "Jo"},
		"UTF-8 called ASCII": {kind, parts(part(`name="name"`, "José", "Content-Type: text/plain; charset=US-ASCII")),
			"José"},
		"the form's, before": {kind, parts(part(`name="_charset_"`, "windows-1251"),
			part(`name="name"`, "\xc0\xed\xed\xe0")), "Анна"},
		"the form's, after": {kind, parts(part(`name="name"`, "\xc0\xed\xed\xe0"),
			part(`name="_charset_"`, "windows-1251")), "Анна"},
		"a part's before the form's": {kind, parts(part(`name="_charset_"`, "windows-1251"),
			part(`name="name"`, "Jos\xe9", "Content-Type: text/plain; charset=latin1")), "José"},
		"the whole body's": {kind + "; charset=gbk", parts(part(`name="name"`, "\xcd\xf5")), "王"},
		"pairs, of their type": {"application/x-www-form-urlencoded; charset=ISO-8859-1", pairs("name=Jos%E9+Mu%F1oz"),
			"José Muñoz"},
		"pairs, of their form": {"application/x-www-form-urlencoded", pairs("_charset_=windows-1256&name=%E3%ED"),
			"مي"},
		"a vendor's name": {kind, parts(
			part(`name="name"`, "\x8eR\x93c", "Content-Type: text/plain; charset=cp932")), "山田"},
		"a code page's number": {kind, parts(
			part(`name="name"`, "\xb1\xe8", "Content-Type: text/plain; charset=MS949")), "김"},
		"a name written wrong": {kind, parts(part(`name="_charset_"`, "eucjp"),
			part(`name="name"`, "\xbb\xb3\xc5\xc4")), "山田"},
		"UTF-8 under another's name": {kind, parts(part(`name="name"`, "José", "Content-Type: text/plain; charset=utf8mb4")),
			"José"},
		"pairs, by a wrong name": {"application/x-www-form-urlencoded; charset=iso_8859_1", pairs("name=Jos%E9"), "José"},
		"UTF-8 by name": {kind, parts(part(`name="name"`, "José", "Content-Type: text/plain; charset=UTF-8")),
			"José"},
		"for its transfer": {kind, parts(part(`name="name"`, "Sm9zw6k=", "Content-Transfer-Encoding: base64")),
			"José"},
		"for its transfer, printed": {kind, parts(
			part(`name="name"`, "Jos=C3=A9", "Content-Transfer-Encoding: quoted-printable")), "José"},
	} {
		w := newWorld(t)
		if got := w.raw(c.kind, c.body); got.Code != 201 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		} else if got := w.ticket("US-1001").Requester.Name; got != c.want {
			t.Errorf("%s: the name became %q, want %q", name, got, c.want)
		}
	}
}

func TestAnUnknownEncodingIsSaidAndLosesNoFile(t *testing.T) {
	t.Parallel()
	w := filesWorld(t)
	for _, label := range []string{"x-klingon", "utf-7", "hz-gb-2312", "binary", "unknown", "x-unknown", "default"} {
		for kind, body := range map[string]string{
			"multipart/form-data; boundary=b": parts(
				part(`name="title"`, "x", "Content-Type: text/plain; charset="+label)),
			"multipart/form-data; boundary=b; charset=" + label:   parts(),
			"application/x-www-form-urlencoded; charset=" + label: good().Encode(),
			"application/x-www-form-urlencoded":                   good().Encode() + "&_charset_=" + label,
		} {
			got := w.raw(kind, body)
			status(t, got, 415)
			contains(t, got.Body.String(), `"errors"`, `"form"`, label, "UTF-8")
		}
	}
	page := w.send("POST", "/contact", "multipart/form-data; boundary=b",
		strings.NewReader(parts(part(`name="_charset_"`, "x-klingon"), part(`name="files"; filename="notes.txt"`, "kept"))))
	status(t, page, 415)
	contains(t, page.Body.String(), typed, "“x-klingon”", "notes.txt")
	lacks(t, page.Body.String(), "not with us yet")
	if tickets, err := w.db.TicketsByRequester(t.Context(), "ana@partner.example", 0, 10); err != nil ||
		len(tickets) != 0 {
		t.Errorf("%d tickets were opened, %v", len(tickets), err)
	}
}

// Browsers write a quotation mark in a file's name as %22, and a percent sign as
// itself.
func TestAFilesNameIsReadAsBrowsersWriteIt(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`filename="5%22 screen.png"`:            `5" screen.png`,
		`filename="say %22hi%22.txt"`:           `say "hi".txt`,
		`filename="two%0D%0Alines.txt"`:         "two lines.txt",
		`filename="100%25 sure.txt"`:            "100%25 sure.txt",
		`filename="50%.txt"`:                    "50%.txt",
		`filename="a \"b\".txt"`:                `a "b".txt`,
		`filename*=UTF-8''r%C3%A9sum%C3%A9.txt`: "résumé.txt",
		`filename="résumé.txt"`:                 "résumé.txt",
	} {
		w := newWorld(t)
		status(t, w.raw("multipart/form-data; boundary=b", parts(part(`name="files"; `+sent, "hello"))), 201)
		if files := filesOf(t, w, "US-1001"); len(files) != 1 || files[0].Name != want {
			t.Errorf("%s: %+v, want %q", sent, files, want)
		}
	}
	w := newWorld(t)
	refused := w.raw("multipart/form-data; boundary=b", parts(part(`name="files"; filename="b%22.exe"`, "hello")))
	contains(t, refused.Body.String(), "b\\\".exe")
}

func TestABoundaryThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []string{
		"multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary=", `multipart/form-data; boundary=""`,
		"multipart/form-data; boundary=a b",
		"multipart/form-data; boundary=a/b", "multipart/form-data; boundary=a=b", "multipart/form-data; boundary=(b)",
		"multipart/form-data; boundary=a; boundary=b",
		"Multipart/Form-Data; boundary=?b", `multipart/form-data; boundary="b`, "multipart/form-data; boundary=b:c",
	} {
		got := w.raw(kind, parts())
		status(t, got, 400)
		contains(t, got.Body.String(), `"errors"`, "boundary", "quotation marks")
	}
	got := w.raw("multipart/form-data; boundary=other", parts())
	status(t, got, 400)
	contains(t, got.Body.String(), "no part that begins with the boundary")
	status(t, w.raw(`multipart/form-data; boundary="a/b=?"`, strings.ReplaceAll(parts(), "--b", "--a/b=?")), 201)
	status(t, w.raw("Multipart/Form-Data; BOUNDARY=b", parts()), 201)
	contains(t, w.send("POST", "/contact", "multipart/form-data", strings.NewReader("x")).Body.String(),
		`action="/contact"`, "boundary")
}

func TestACountryByAnotherNameIsAnsweredWithItsCode(t *testing.T) {
	t.Parallel()
	w := filesWorld(t)
	for given, code := range map[string]string{
		"UK": "GB", "uk": "GB", "deu": "DE", "Germany": "DE", "Deutschland": "DE", "Alemania": "DE", "USA": "US",
		"United States": "US", "United States of America": "US",
		"840": "US", "Côte d’Ivoire": "CI", "Cote d'Ivoire": "CI", "Österreich": "AT", "中国": "CN", "Jerman": "DE",
		"ألمانيا": "DE", "日本": "JP", "Brasil": "BR", "South Korea": "KR",
		"Great Britain": "GB", "The Netherlands": "NL", "Россия": "RU", "Czech Republic": "CZ", "IDN": "ID", "España": "ES",
		"U.S.A.": "US", "U.K.": "GB", "Hong Kong": "HK", "Macau": "MO", "Palestine": "PS", "DR Congo": "CD",
		"Bosnia and Herzegovina": "BA", "Bosnia": "BA", "Trinidad and Tobago": "TT", "Trinidad & Tobago": "TT",
		"Republic of Korea":   "KR",
		"Republic of Moldova": "MD", "Saint Lucia": "LC", "St. Lucia": "LC", "Macedonia": "MK", "Cape Verde": "CV",
		"Laos":  "LA",
		"Syria": "SY", "Czechia": "CZ", "Antigua and Barbuda": "AG", "Timor-Leste": "TL", "Polska": "PL", "Italia": "IT",
		"Nederland": "NL", "Danmark": "DK", "Ελλάδα": "GR", "대한민국": "KR",
	} {
		got := w.asJSON(with(good(), "country", given))
		status(t, got, 422)
		contains(t, got.Body.String(), `{"errors":{"country":`, "ISO 3166): "+code)
	}
	for _, given := range []string{"XX", "EU", "Atlantis", "!", "12345", strings.Repeat("x", 5000)} {
		got := w.asJSON(with(good(), "country", given))
		status(t, got, 422)
		contains(t, got.Body.String(), `"country":`, "two letters")
		if got.Body.Len() > 1000 {
			t.Errorf("the answer to %.20q… has %d bytes", given, got.Body.Len())
		}
	}
	contains(t, w.asJSON(url.Values{}).Body.String(), "Please choose your country")
}

// What no relay takes is refused at the field, with what is probably meant.
func TestAnAddressThatNoMailReachesIsRefusedAtItsField(t *testing.T) {
	t.Parallel()
	takes := false
	w := newWorld(t, func(s *setting) { s.deps.BeyondASCII = func() bool { return takes } })
	for email, says := range map[string]string{
		`"a@b"@c.example`: "more than one @", "victim%third@relay.example": "by way of another server",
		"a!b@relay.example":    "by way of another server",
		"josé@partner.example": "our mail server does not take", "ana@example,com": "Did you mean ana@example.com?",
		"ana@@example.com":   "Did you mean ana@example.com?",
		"ana at example.com": "Did you mean ana@example.com?", "ana@gmailcom": "Did you mean ana@gmail.com?",
		"ana@раypal.com": "Did you mean ana@paypal.com?",
	} {
		got := w.asJSON(with(good(), "email", email))
		status(t, got, 422)
		contains(t, got.Body.String(), `{"errors":{"email":`, says)
	}
	for email, want := range map[string]string{
		"Ana <ana@partner.example>": "ana@partner.example", "mailto:ana@partner.example?x": "ana@partner.example",
		"a\u00adna\u200b@partner.example": "ana@partner.example",
		"\u202aana@partner.example\u202c": "ana@partner.example", "Ａna＿1＠partner。example": "Ana_1@partner.example",
	} {
		world := newWorld(t)
		status(t, world.asJSON(with(good(), "email", email)), 201)
		if got := world.ticket("US-1001").Requester.Email; got != want {
			t.Errorf("%q became %q, want %q", email, got, want)
		}
	}
	takes = true
	status(t, w.asJSON(with(good(), "email", "jose\u0301@partner.example")), 201)
	if got := w.ticket("US-1001").Requester.Email; got != "josé@partner.example" {
		t.Errorf("the address became %q", got)
	}
}

func TestAnAddressThatPassesForAnotherIsAskedBackAlsoOfAProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := with(good(), "email", "ana@gооgle.com")
	page := w.post(post)
	status(t, page, 422)
	contains(t, page.Body.String(), "different alphabets", `data-fix="ana@google.com"`)
	status(t, w.asJSON(post), 422)
	sure := hidden(page.Body.String(), "sure")
	if len(sure) != 1 {
		t.Fatalf("the form carries %q as asked about", sure)
	}
	status(t, w.asJSON(with(post, "sure", sure[0])), 201)
	if got := w.ticket("US-1001").Requester.Email; !strings.HasPrefix(got, "ana@xn--") ||
		got == store.AddressKey("ana@google.com") {
		t.Errorf("the address became %q", got)
	}
}
