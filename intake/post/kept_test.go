package post_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keep posts a file in a form that is refused, and returns the reference it carries.
func (w *world) keep(f file) string {
	w.t.Helper()
	page := w.page(with(good(), "subject", strings.Repeat("s", 101)), f)
	status(w.t, page, 422)
	kept := hidden(page.Body.String(), "kept")
	if len(kept) != 1 {
		w.t.Fatalf("%d files are carried, want 1:\n%s", len(kept), page.Body)
	}
	return kept[0]
}

func TestAKeptFileIsTakenOnlyWithOurSignatureAndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.keep(file{"notes.txt", "kept"})
		forged := "A" + token[1:]
		if forged == token {
			forged = "B" + token[1:]
		}
		status(t, w.page(with(good(), "kept", forged)), 201)
		if files := w.last().Files; len(files) != 0 {
			t.Errorf("a forged reference attached %+v", files)
		}
		time.Sleep(11 * time.Hour)
		status(t, w.page(with(good(), "kept", token)), 201)
		kept := w.last().Files
		if len(kept) != 1 || w.content(kept[0]) != "kept" {
			t.Fatalf("files %+v", kept)
		}
		time.Sleep(2 * time.Hour)
		late := w.asJSON(with(good(), "kept", token))
		status(t, late, 422)
		contains(t, late.Body.String(), `{"errors":{"files":"“notes.txt” was waiting too long`)

		token = w.keep(file{"notes.txt", "kept"})
		fatal(t, w.blobs.Delete(t.Context(), kept[0].Hash)) // as a sweep does
		swept := w.asJSON(with(good(), "kept", token))
		status(t, swept, 422)
		contains(t, swept.Body.String(), "“notes.txt” was waiting too long")
	})
}

func TestKeptFilesCountAsSentOnesDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.MaxFiles, s.cfg.MaxFile, s.cfg.MaxTotal = 2, 1000, 1500 })
	large, other := w.keep(file{"a.txt", strings.Repeat("a", 1000)}), w.keep(file{"b.txt", strings.Repeat("b", 501)})
	both := good()
	both["kept"] = []string{large, other}
	together := w.asJSON(both)
	status(t, together, 413)
	contains(t, together.Body.String(), "With “b.txt” the files come to more than 1 KB together")
	both["kept"] = []string{w.keep(file{"1.txt", "1"}), w.keep(file{"2.txt", "2"}), w.keep(file{"3.txt", "3"})}
	many := w.asJSON(both)
	status(t, many, 422)
	contains(t, many.Body.String(), "“3.txt” was left out: no more than 2 files")
	status(t, w.asJSON(with(good(), "kept", large), file{"c.txt", strings.Repeat("c", 501)}), 413)
	status(t, w.asJSON(with(good(), "kept", large), file{"c.txt", strings.Repeat("c", 500)}), 201)
	if files := w.last().Files; len(files) != 2 || files[0].Name != "a.txt" {
		t.Errorf("files %+v, want the kept one first", files)
	}
	twice := good()
	twice["kept"] = []string{large, large}
	status(t, w.asJSON(twice), 201)
	if files := w.last().Files; len(files) != 1 {
		t.Errorf("one file kept twice became %+v", files)
	}
}

// What refuses the whole post is said alone: nothing else can be mended before it.
func TestACutBodyIsSaidBeforeItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cut := part(`name="idempotency_key"`, strings.Repeat("k", 300)) + part(`name="body"`, typed)
	got := w.raw("multipart/form-data; boundary=b", strings.TrimSuffix(cut, "\r\n"))
	status(t, got, 400)
	contains(t, got.Body.String(), `{"errors":{"form":"What you sent did not arrive in full`)
	lacks(t, got.Body.String(), "idempotency_key")
	page := w.send("multipart/form-data; boundary=b", strings.NewReader(strings.TrimSuffix(cut, "\r\n")))
	contains(t, page.Body.String(), typed, `name="idempotency_key" value=""`)
}
