package form

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
)

// nowhere takes every file and keeps none.
type nowhere struct{}

func (nowhere) Put(_ context.Context, r io.Reader, _ int64) (store.BlobHash, int64, error) {
	n, err := io.Copy(io.Discard, r)
	return store.BlobHash(strings.Repeat("0", 64)), n, err
}
func (nowhere) Renew(context.Context, store.BlobHash) error { return nil }
func (nowhere) Open(context.Context, store.BlobHash) (io.ReadSeekCloser, int64, error) {
	return nil, 0, store.ErrNotFound
}

// noStore is a store nobody gets to.
type noStore struct{ Tickets }

// readForm reads a body as POST /contact does, and hands the draft out.
func readForm(tb testing.TB) func(contentType string, body []byte) *draft {
	ring, err := ident.New([]byte(strings.Repeat("k", ident.SecretBytes)))
	must(tb, err)
	f, err := New(Defaults(), Deps{
		Tickets: noStore{}, Blobs: nowhere{}, Ring: ring, Kick: func() {},
		Regions: []store.Region{{ID: "all", Zone: "UTC", Languages: []string{"en"}}},
		Promise: func(string, time.Time) (store.Promise, error) { return store.Promise{}, nil },
	})
	must(tb, err)
	langs, err := lang.Load()
	must(tb, err)
	s, err := web.New(web.Defaults(), langs, slog.New(slog.DiscardHandler))
	must(tb, err)
	var last *draft
	s.Handle(web.Route{Method: "POST", Path: "/read", Handler: func(x *web.Exchange) error {
		last, err = f.read(x, true)
		return x.JSON(200, nil)
	}})
	return func(contentType string, body []byte) *draft {
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
	read := readForm(f)
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	f.Add("application/x-www-form-urlencoded", []byte("name=Ana&email=a%40b.example&description=%00%ff&kept=x&%zz"))
	f.Add("multipart/form-data; boundary=b", []byte(part(`name="name"`, "Ana")+part(`name="files"; filename="../a.txt"`, "hello")+"--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte(part(`name="files"; filename="C:\\x\u202E.exe"`, "MZ")+part(`name="kept"`, "AAAA")))
	f.Add("multipart/form-data; boundary=b", []byte(part(`name="files"; filename*=UTF-8''%e2%82%ac%00.png`, "\x89PNG\r\n\x1a\n")))
	f.Add("multipart/form-data; boundary=\"\"", []byte("--\r\n"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d := read(contentType, body)
		for _, line := range []string{d.Name, d.Email, d.Company, d.Country, d.Category, d.Title, d.Lang} {
			if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || strings.ContainsFunc(line, reorders) {
				t.Errorf("line %q", line)
			}
		}
		if !utf8.ValidString(d.Description) || strings.ContainsFunc(d.Description, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("description %q", d.Description)
		}
		for _, file := range d.Files {
			checkName(t, file.Name)
		}
	})
}

type failer interface{ Errorf(string, ...any) }

func checkName(t failer, name string) {
	if name == "" || len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\") ||
		strings.HasPrefix(name, ".") || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsFunc(name, reorders) {
		t.Errorf("file name %q", name)
	}
}

func TestAFileNameIsCleanAndStaysSo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once := cleanFileName(rapid.OneOf(rapid.String(), rapid.StringMatching(`[./\\a-z ]{0,300}\.[a-z]{0,20}`)).Draw(t, "name"))
		checkName(t, once)
		if twice := cleanFileName(once); twice != once {
			t.Errorf("cleaned again %q becomes %q", once, twice)
		}
	})
}

func TestSizesReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 KB", 18000: "18 KB", 1 << 20: "1 MB", 1_500_000: "1.4 MB", 20 << 20: "20 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
