package post_test

import (
	"fmt"
	"html"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/post"
	"signpost/store"
	"signpost/store/lang"
)

// The stories of this file are those of a door that is not the contact form: a text
// with files, under names of its own.

func TestADoorTakesATextAndFilesUnderItsOwnNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	picture := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\xff", 5000)
	fields := with(good(), "body", "  It works.\r\nSee\tthe \x00log.\xff ")
	fields.Set("country", "nowhere") // no field of this door
	status(t, w.page(fields, file{"screen.png", picture}, file{"import.log", "line 1\r\n"}), 201)
	n := w.last()
	if n.Subject != "Export" || n.Body != "It works.\nSee\tthe log.\uFFFD" || len(n.Files) != 2 {
		t.Fatalf("taken: %+v", n)
	}
	if n.Files[0].Name != "screen.png" || n.Files[0].Type != "image/png" || w.content(n.Files[0]) != picture ||
		w.content(n.Files[1]) != "line 1\r\n" {
		t.Errorf("files %+v", n.Files)
	}
	pairs := url.Values{"text": {"By another name."}}.Encode()
	status(t, w.raw("application/x-www-form-urlencoded", pairs), 201)
	if got := w.last().Body; got != "By another name." {
		t.Errorf("the body became %q", got)
	}
	status(t, w.asJSON(nil, file{"alone.txt", "a file is an answer too"}), 201)
}

func TestARefusedPostComesBackWithItsTextAndItsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := with(with(good(), "subject", strings.Repeat("s", 101)), "lang", "es")
	page := w.page(bad, file{"notes.txt", "kept all the same"}, file{"tool.exe", "MZ"})
	status(t, page, 422)
	text := html.UnescapeString(page.Body.String())
	contains(t, text, strings.Repeat("s", 101), typed, "notes.txt", `data-at="subject"`, `data-at="files"`,
		"Acórtelo por favor a 100 caracteres", "«tool.exe»")
	if first, second := strings.Index(text, `at="subject"`), strings.Index(text, `at="files"`); first > second {
		t.Error("the faults do not stand in the order of the page")
	}
	kept := hidden(page.Body.String(), "kept")
	if len(kept) != 1 {
		t.Fatalf("%d files are carried, want 1", len(kept))
	}
	status(t, w.page(with(good(), "kept", kept[0]), file{"more.txt", "more"}), 201)
	if files := w.last().Files; len(files) != 2 || files[0].Name != "notes.txt" ||
		w.content(files[0]) != "kept all the same" {
		t.Errorf("files %+v", files)
	}

	for _, c := range []struct {
		fields url.Values
		files  []file
		want   string
	}{
		{nil, nil, `{"errors":{"body":"Please write a message, or attach a file."}}`},
		{nil, []file{{"tool.exe", "MZ"}}, `{"errors":{"files":"We cannot take “tool.exe”`},
		{with(good(), "body", strings.Repeat("é", maxNote+1)), nil, `{"errors":{"body":"That is 20001 characters`},
		{with(good(), "body", " \r\n\x00 "), nil, `{"errors":{"body":`},
	} {
		got := w.asJSON(c.fields, c.files...)
		status(t, got, 422)
		contains(t, got.Body.String(), c.want)
	}
}

// The key is the client's: it folds a post sent twice, and is refused where the store
// cannot hold it.
func TestTheKeyOfAPostFoldsItOrIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 2 {
		got := w.asJSON(with(good(), "idempotency_key", " press-1 "), file{"a.txt", "a"})
		status(t, got, 201)
		contains(t, got.Body.String(), fmt.Sprint(i == 1))
	}
	if w.last().Key != "press-1" || len(w.taken) != 1 {
		t.Errorf("%d notes, the last under %q", len(w.taken), w.last().Key)
	}
	changed := w.page(with(good(), "idempotency_key", "press-1"), file{"a.txt", "b"})
	status(t, changed, 409)
	contains(t, changed.Body.String(), typed, "a.txt", `name="idempotency_key" value=""`)
	latin1 := part(`name="idempotency_key"`, "cl\xe9", "Content-Type: text/plain; charset=latin1")
	status(t, w.raw("multipart/form-data; boundary=b", parts(latin1)), 201)
	if got := w.last().Key; got != "clé" {
		t.Errorf("the key became %q", got)
	}
	for key, says := range map[string]string{
		"a\x00b": "valid UTF-8", "\xff": "valid UTF-8", "\xed\xa0\x80": "valid UTF-8",
		strings.Repeat("k", store.MaxIdempotencyKey+1): "200 characters",
	} {
		for _, got := range []*httptest.ResponseRecorder{
			w.asJSON(with(good(), "idempotency_key", key)),
			w.raw("application/x-www-form-urlencoded", with(good(), "idempotency_key", key).Encode()),
		} {
			status(t, got, 422)
			contains(t, got.Body.String(), `{"errors":{"idempotency_key":`, says)
		}
	}
	status(t, w.asJSON(with(good(), "idempotency_key", strings.Repeat("k", store.MaxIdempotencyKey))), 201)
}

func TestWhatCannotBeTakenNowComesBackWithItsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault = fmt.Errorf("put: %w", store.ErrFull)
	page := w.page(good(), file{"notes.txt", "kept"})
	status(t, page, 503)
	contains(t, page.Body.String(), typed, "notes.txt", "cannot save anything")
	contains(t, w.log.String(), "post not taken")
	w.fault, w.busy = nil, true
	page = w.page(good(), file{"notes.txt", "kept"})
	status(t, page, 429)
	contains(t, page.Body.String(), typed, "notes.txt", "2 minutes")
	if got := page.Header().Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After %q", got)
	}
	lacks(t, w.log.String(), typed, "notes.txt")

	room := false
	w = newWorld(t, func(s *setting) { s.deps.Room = func() bool { return room } })
	page = w.page(good(), file{"first.txt", "1"}, file{"second.txt", "2"})
	status(t, page, 503)
	contains(t, page.Body.String(), typed, "We cannot take files at the moment", "<li>first.txt</li>",
		"<li>second.txt</li>")
	status(t, w.page(good()), 201)
	room = true
	status(t, w.page(good(), file{"first.txt", "1"}), 201)
}

func TestAnotherLanguageOrAppearanceSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.page(with(url.Values{"body": {"half"}}, "switch", "1"), file{"notes.txt", "kept"})
	status(t, page, 200)
	contains(t, page.Body.String(), "half", "notes.txt")
	if len(w.taken) != 0 {
		t.Error("the note was sent")
	}
	status(t, w.asJSON(with(good(), "switch", "on")), 201) // a program's own field is none of ours
}

// A fault at a field that the form does not have would be shown nowhere.
func TestAFaultIsShownWhateverItsField(t *testing.T) {
	t.Parallel()
	langs, err := lang.Load()
	fatal(t, err)
	n := newNote()
	n.AddFault("nowhere", post.Problem{Key: "post.fault_store"})
	shown := n.Sentences(langs.Langs()[0])
	if len(shown.At("form")) != 1 || !strings.HasPrefix(shown[0].Text, "We cannot save") {
		t.Errorf("shown: %+v", shown)
	}
}

// Slow bodies from elsewhere take every turn: what was typed is not lost with the files
// that have to wait.
func TestATextOutlivesACrowdOfUploads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *setting) { s.web.BodiesInAll = 1 })
		body, end := io.Pipe()
		go func() {
			slow := httptest.NewRequest("POST", "/note", body)
			slow.RemoteAddr, slow.ContentLength = "198.51.100.1:1", 1<<20
			slow.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			w.handler.ServeHTTP(httptest.NewRecorder(), slow)
		}()
		synctest.Wait()
		large := file{"trace.log", strings.Repeat("x", 300_000)}
		began := time.Now()
		page := w.page(good(), large)
		status(t, page, 503)
		contains(t, page.Body.String(), typed, "<li>trace.log</li>", "We cannot take files at the moment")
		if time.Since(began) > 15*time.Second {
			t.Errorf("it took %v", time.Since(began))
		}
		status(t, w.page(good()), 201) // a small one needs no turn
		end.Close()
		synctest.Wait()
		status(t, w.page(good(), large), 201)
	})
}
