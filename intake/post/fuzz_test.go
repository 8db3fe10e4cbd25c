package post

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/text"
)

// nowhere takes every file and keeps none.
type nowhere struct{}

func (nowhere) Put(_ context.Context, r io.Reader, _ int64) (store.BlobHash, int64, error) {
	n, err := io.Copy(io.Discard, r)
	return store.BlobHash(strings.Repeat("0", 64)), n, err
}
func (nowhere) Renew(context.Context, store.BlobHash) error { return nil }

// note is what a post to a small form said.
type note struct {
	Draft
	Subject, Body, Token string
}

// readNote reads a body as a door does, and hands the draft out.
func readNote(tb testing.TB) func(contentType string, body []byte) *note {
	ring, err := ident.New([]byte(strings.Repeat("k", ident.SecretBytes)))
	must(tb, err)
	posts, err := New(Defaults(), Deps{Blobs: nowhere{}, Signer: ring})
	must(tb, err)
	langs, err := lang.Load()
	must(tb, err)
	s, err := web.New(web.Defaults(), langs, slog.New(slog.DiscardHandler))
	must(tb, err)
	var last *note
	s.Handle(web.Route{Method: "POST", Path: "/read", Handler: func(x *web.Exchange) error {
		last = &note{}
		last.Fields = []Field{
			{Name: "subject", Into: &last.Subject},
			{Name: "body", Into: &last.Body, Kind: Text},
			{Name: "token", Into: &last.Token, Kind: Opaque},
		}
		_ = posts.Read(x, &last.Draft)
		return x.JSON(200, nil)
	}})
	return func(contentType string, body []byte) *note {
		r := httptest.NewRequest("POST", "/read", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		return last
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Whatever is posted, the draft holds only what can be stored and shown.
func FuzzWhateverIsPostedTheDraftIsClean(f *testing.F) {
	read := readNote(f)
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	const pairs, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	f.Add(pairs, []byte("subject=Export&lang=%ff&body=%00%ff&kept=x&%zz"))
	f.Add(pairs, []byte("idempotency_key=a%00b&subject=x"))
	f.Add(pairs, []byte("idempotency_key=%ff&_charset_=x-klingon"))
	f.Add(parts, []byte(part(`name="idempotency_key"`, strings.Repeat("k", 300))))
	f.Add(parts, []byte(part(`name="subject"`, "Export")+part(`name="files"; filename="../a.txt"`, "hello")+"--b--\r\n"))
	f.Add(parts, []byte(part(`name="files"; filename="C:\\x\u202E.exe"`, "MZ")+part(`name="kept"`, "AAAA")))
	f.Add(parts, []byte(part(`name="files"; filename*=UTF-8''%e2%82%ac%00.png`, "\x89PNG\r\n\x1a\n")))
	f.Add("multipart/form-data; boundary=\"\"", []byte("--\r\n"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d := read(contentType, body)
		for _, line := range []string{d.Subject, d.Lang} {
			if !text.IsValid(line) || strings.ContainsFunc(line, unicode.IsControl) ||
				strings.ContainsFunc(line, reorders) {
				t.Errorf("line %q", line)
			}
		}
		if !text.IsValid(d.Key) || len(d.Key) > store.MaxIdempotencyKey {
			t.Errorf("key %q", d.Key)
		}
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
		if !text.IsValid(d.Body) || strings.ContainsFunc(d.Body, control) {
			t.Errorf("body %q", d.Body)
		}
		for _, file := range d.Files {
			checkName(t, file.Name)
		}
	})
}

type failer interface{ Errorf(string, ...any) }

func checkName(t failer, name string) {
	bad := func(r rune) bool { return unicode.IsControl(r) || reorders(r) || r == '/' || r == '\\' }
	if name == "" || len(name) > maxFileName || !text.IsValid(name) || strings.HasPrefix(name, ".") ||
		strings.ContainsFunc(name, bad) {
		t.Errorf("file name %q", name)
	}
}

func TestAFileNameIsCleanAndStaysSo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.StringMatching(`[./\\a-z ]{0,300}\.[a-z]{0,20}`)
		once := FileName(rapid.OneOf(rapid.String(), paths).Draw(t, "name"))
		checkName(t, once)
		if twice := FileName(once); twice != once {
			t.Errorf("cleaned again %q becomes %q", once, twice)
		}
	})
}

func TestSizesReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 KB", 18000: "18 KB", 1 << 20: "1 MB", 1_500_000: "1.4 MB", 20 << 20: "20 MB",
	} {
		if got := text.Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
