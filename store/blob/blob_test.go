package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"signpost/store"
	"signpost/store/blob"
)

// keepers are the ways blobs are kept; every story of this file holds for each.
var keepers = map[string]func(testing.TB) blob.Store{
	"local": func(t testing.TB) blob.Store { return local(t, t.TempDir()) },
}

func local(t testing.TB, dir string) *blob.Local {
	t.Helper()
	l, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// each runs a story once a keeper.
func each(t *testing.T, story func(t *testing.T, s blob.Store)) {
	t.Helper()
	t.Parallel()
	for name, open := range keepers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, open(t))
		})
	}
}

const mebibyte = 1 << 20

func put(t testing.TB, s blob.Store, content string) store.BlobHash {
	t.Helper()
	hash, size, err := s.Put(t.Context(), strings.NewReader(content), 64*mebibyte)
	if err != nil || size != int64(len(content)) || hash != hashOf(content) {
		t.Fatalf("put %d bytes: %s, %d, %v", len(content), hash, size, err)
	}
	return hash
}

func hashOf(content string) store.BlobHash {
	sum := sha256.Sum256([]byte(content))
	return store.BlobHash(hex.EncodeToString(sum[:]))
}

func read(t testing.TB, s blob.Store, hash store.BlobHash) string {
	t.Helper()
	r, size, err := s.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil || int64(len(content)) != size {
		t.Fatalf("read %d bytes of %d: %v", len(content), size, err)
	}
	return string(content)
}

func all(t testing.TB, s blob.Store) map[store.BlobHash]int64 {
	t.Helper()
	found := map[store.BlobHash]int64{}
	err := s.Walk(t.Context(), func(i blob.Info) error {
		found[i.Hash] = i.Size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatIsPutIsReadBack(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		for _, content := range []string{"", "x", "a picture", strings.Repeat("0123456789abcdef", mebibyte/4)} {
			hash := put(t, s, content)
			if got := read(t, s, hash); got != content {
				t.Errorf("%d bytes came back as %d others", len(content), len(got))
			}
			i, err := s.Stat(t.Context(), hash)
			if err != nil || i.Hash != hash || i.Size != int64(len(content)) || time.Since(i.Modified) > time.Minute {
				t.Errorf("stat: %+v, %v", i, err)
			}
		}
	})
}

func TestAPartOfABlobIsReadBySeeking(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		r, _, err := s.Open(t.Context(), put(t, s, "0123456789"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Seek(-3, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if tail, err := io.ReadAll(r); string(tail) != "789" || err != nil {
			t.Errorf("tail %q, %v", tail, err)
		}
	})
}

func TestTheSameBytesAreKeptOnce(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		first, second, other := put(t, s, "same"), put(t, s, "same"), put(t, s, "other")
		if first != second || first == other {
			t.Errorf("hashes %s, %s, %s", first, second, other)
		}
		if found := all(t, s); len(found) != 2 || found[first] != 4 || found[other] != 5 {
			t.Errorf("kept: %v", found)
		}
	})
}

func TestNothingIsKeptOfWhatIsTooLarge(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		if _, size, err := s.Put(t.Context(), strings.NewReader("0123456789"), 10); size != 10 || err != nil {
			t.Errorf("exactly the limit: %d, %v", size, err)
		}
		endless := &counting{Reader: zeros{}}
		_, _, err := s.Put(t.Context(), endless, 3*mebibyte)
		var tooLarge *blob.TooLargeError
		if !errors.As(err, &tooLarge) || tooLarge.Limit != 3*mebibyte {
			t.Errorf("over the limit: %v", err)
		}
		if endless.n > 4*mebibyte {
			t.Errorf("read %d bytes to refuse more than %d", endless.n, 3*mebibyte)
		}
		if found := all(t, s); len(found) != 1 {
			t.Errorf("kept: %v", found)
		}
	})
}

func TestNothingIsKeptOfAnUploadThatBreaksOff(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		gone := errors.New("the browser went away")
		_, _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half of"), iotest.ErrReader(gone)), 100)
		if !errors.Is(err, gone) {
			t.Errorf("reader's error: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		if _, _, err := s.Put(ctx, zeros{}, 1<<62); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if found := all(t, s); len(found) != 0 {
			t.Errorf("kept: %v", found)
		}
	})
}

func TestWhatIsDeletedIsGone(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		hash, rest := put(t, s, "to go"), put(t, s, "to stay")
		open, _, err := s.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		for range 2 { // the second time there is nothing to do
			if err := s.Delete(t.Context(), hash); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Stat(t.Context(), hash); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("stat: %v", err)
		}
		if _, _, err := s.Open(t.Context(), hash); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("open: %v", err)
		}
		if late, err := io.ReadAll(open); string(late) != "to go" || err != nil {
			t.Errorf("a reader that came before it was deleted: %q, %v", late, err)
		}
		if got := read(t, s, rest); got != "to stay" {
			t.Errorf("the other one: %q", got)
		}
	})
}

func TestAHashThatIsNoneLeadsNowhere(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		put(t, s, "x")
		for _, hash := range []store.BlobHash{
			"", "..", "../../../../etc/passwd", "/etc/passwd", "tmp/x", "2d/../../x",
			store.BlobHash(strings.Repeat("g", 64)),
			store.BlobHash(strings.ToUpper(string(hashOf("x")))),
			hashOf("x")[:63], hashOf("x") + "0",
			store.BlobHash(strings.Repeat("../", 21) + "a"),
		} {
			_, _, openErr := s.Open(t.Context(), hash)
			_, statErr := s.Stat(t.Context(), hash)
			for _, err := range []error{openErr, statErr, s.Renew(t.Context(), hash), s.Delete(t.Context(), hash)} {
				if !errors.Is(err, store.ErrInvalid) {
					t.Errorf("%q: %v", hash, err)
				}
			}
		}
		if _, err := s.Stat(t.Context(), hashOf("never put")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a blob never put: %v", err)
		}
		if err := s.Renew(t.Context(), hashOf("never put")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("renew a blob never put: %v", err)
		}
	})
}

func TestAWalkStopsWhenToldTo(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		for i := range 10 {
			put(t, s, strings.Repeat("x", i))
		}
		enough := errors.New("enough")
		seen := 0
		err := s.Walk(t.Context(), func(blob.Info) error {
			if seen++; seen == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || seen != 3 {
			t.Errorf("%d seen, %v", seen, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Walk(ctx, func(blob.Info) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type counting struct {
	io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func TestSniffing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, head, want string }{
		{"photo.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"},
		{"report.pdf", "%PDF-1.7\n", "application/pdf"},
		{"invoice.pdf", "MZ\x90\x00" + strings.Repeat("\x00", 56) + "\x40\x00\x00\x00PE\x00\x00",
			"application/vnd.microsoft.portable-executable"},
		{"script.txt", "#!/bin/sh\nrm -rf /\n", "text/x-shellscript"},
		{"drawing.png", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, "image/svg+xml"},
		{"notes.txt", "<!DOCTYPE html><html><body>hello", "text/html"},
		{"notes.txt", "plain words, in UTF-8: größer", "text/plain"},
		{"notes", "plain words", "text/plain"},
		{"readme.MD", "# Title\n\nwords\n", "text/markdown"},
		{"mail.eml", "Subject: hello\n\nwords\n", "message/rfc822"},
		{"archive.zip", "PK\x03\x04\x14\x00\x00\x00\x08\x00", "application/zip"},
		{"archive.docx", "PK\x03\x04\x14\x00\x00\x00\x08\x00",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"photo.docx", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"},
		{"table.pdf", "\x00\x01\x02\x03nothing known", "application/octet-stream"},
	} {
		if got := blob.Sniff([]byte(tt.head), tt.name); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	for _, seed := range []string{"", "%PDF-", "PK\x03\x04", "<svg", "MZ", "{}", "a,b\n1,2\n"} {
		f.Add([]byte(seed), "file.docx")
	}
	f.Fuzz(func(t *testing.T, head []byte, name string) {
		got := blob.Sniff(head, name)
		kind, sub, ok := strings.Cut(got, "/")
		if !ok || kind == "" || sub == "" || bytes.ContainsAny([]byte(got), " ;\r\n") {
			t.Errorf("%q is no bare media type", got)
		}
	})
}
