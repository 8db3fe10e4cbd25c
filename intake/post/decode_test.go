package post_test

import (
	"strings"
	"testing"
)

// A text is read in the encoding that it, the form or the whole body names.
func TestATextIsReadInTheEncodingItNames(t *testing.T) {
	t.Parallel()
	const kind = "multipart/form-data; boundary=b"
	pairs := func(extra string) string {
		v := good()
		v.Del("subject")
		return v.Encode() + "&" + extra
	}
	for name, c := range map[string]struct{ kind, body, want string }{
		"the part's own": {kind, parts(
			part(`name="subject"`, "Jos\xe9 Mu\xf1oz", "Content-Type: text/plain; charset=windows-1252")), "José Muñoz"},
		"in quotation marks": {kind, parts(
			part(`name="subject"`, "Jos\xe9", `Content-Type: text/plain; charset="ISO-8859-1"`)), "José"},
		"two bytes a letter": {kind, parts(
			part(`name="subject"`, "\x8eR\x93c", "Content-Type: text/plain; charset=Shift_JIS")), "山田"},
		"a stateful one": {kind, parts(
			part(`name="subject"`, "\x1b$B;3ED\x1b(B", "Content-Type: text/plain; charset=iso-2022-jp")), "山田"},
		"of IANA's list alone": {kind, parts(part(`name="subject"`, "Jos\x82", "Content-Type: text/plain; charset=cp850")),
			"José"},
		"with a mark": {kind, parts(
			part(`name="subject"`, "\xfe\xff\x00J\x00o", "Content-Type: text/plain; charset=utf-16")), "Jo"},
		"UTF-8 called ASCII": {kind, parts(part(`name="subject"`, "José", "Content-Type: text/plain; charset=US-ASCII")),
			"José"},
		"the form's, before": {kind, parts(part(`name="_charset_"`, "windows-1251"),
			part(`name="subject"`, "\xc0\xed\xed\xe0")), "Анна"},
		"the form's, after": {kind, parts(part(`name="subject"`, "\xc0\xed\xed\xe0"),
			part(`name="_charset_"`, "windows-1251")), "Анна"},
		"a part's before the form's": {kind, parts(part(`name="_charset_"`, "windows-1251"),
			part(`name="subject"`, "Jos\xe9", "Content-Type: text/plain; charset=latin1")), "José"},
		"the whole body's": {kind + "; charset=gbk", parts(part(`name="subject"`, "\xcd\xf5")), "王"},
		"pairs, of their type": {"application/x-www-form-urlencoded; charset=ISO-8859-1", pairs("subject=Jos%E9+Mu%F1oz"),
			"José Muñoz"},
		"pairs, of their form": {"application/x-www-form-urlencoded", pairs("_charset_=windows-1256&subject=%E3%ED"),
			"مي"},
		"a vendor's name": {kind, parts(
			part(`name="subject"`, "\x8eR\x93c", "Content-Type: text/plain; charset=cp932")), "山田"},
		"a code page's number": {kind, parts(
			part(`name="subject"`, "\xb1\xe8", "Content-Type: text/plain; charset=MS949")), "김"},
		"a name written wrong": {kind, parts(part(`name="_charset_"`, "eucjp"),
			part(`name="subject"`, "\xbb\xb3\xc5\xc4")), "山田"},
		"UTF-8 under another's name": {kind, parts(
			part(`name="subject"`, "José", "Content-Type: text/plain; charset=utf8mb4")), "José"},
		"pairs, by a wrong name": {"application/x-www-form-urlencoded; charset=iso_8859_1", pairs("subject=Jos%E9"), "José"},
		"UTF-8 by name": {kind, parts(part(`name="subject"`, "José", "Content-Type: text/plain; charset=UTF-8")),
			"José"},
		"for its transfer": {kind, parts(part(`name="subject"`, "Sm9zw6k=", "Content-Transfer-Encoding: base64")),
			"José"},
		"for its transfer, printed": {kind, parts(
			part(`name="subject"`, "Jos=C3=A9", "Content-Transfer-Encoding: quoted-printable")), "José"},
	} {
		w := newWorld(t)
		if got := w.raw(c.kind, c.body); got.Code != 201 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		} else if got := w.last().Subject; got != c.want {
			t.Errorf("%s: the subject became %q, want %q", name, got, c.want)
		}
	}
}

func TestAnUnknownEncodingIsSaidAndLosesNoFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, label := range []string{"x-klingon", "utf-7", "hz-gb-2312", "binary", "unknown", "x-unknown", "default"} {
		for kind, body := range map[string]string{
			"multipart/form-data; boundary=b": parts(
				part(`name="subject"`, "x", "Content-Type: text/plain; charset="+label)),
			"multipart/form-data; boundary=b; charset=" + label:   parts(),
			"application/x-www-form-urlencoded; charset=" + label: good().Encode(),
			"application/x-www-form-urlencoded":                   good().Encode() + "&_charset_=" + label,
		} {
			got := w.raw(kind, body)
			status(t, got, 415)
			contains(t, got.Body.String(), `"errors"`, `"form"`, label, "UTF-8")
		}
	}
	page := w.send("multipart/form-data; boundary=b", strings.NewReader(
		parts(part(`name="_charset_"`, "x-klingon"), part(`name="files"; filename="notes.txt"`, "kept"))))
	status(t, page, 415)
	contains(t, page.Body.String(), typed, "“x-klingon”", "notes.txt")
	lacks(t, page.Body.String(), "not with us yet")
	if len(w.taken) != 0 {
		t.Errorf("%d notes were taken", len(w.taken))
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
		if files := w.last().Files; len(files) != 1 || files[0].Name != want {
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
	contains(t, w.send("multipart/form-data", strings.NewReader("x")).Body.String(), "<form>", "boundary")
}
