package post_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"

	"signpost/intake/post"
)

// endless is a body that never ends: a good form whose last file goes on.
type endless struct {
	head io.Reader
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.head.Read(p)
	if err == io.EOF {
		for i := range p {
			p[i] = 'x'
		}
		n = len(p)
	}
	e.read += int64(n)
	return n, nil
}

func TestABodyThatNeverEndsIsCutOffWithTheTextKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.MaxFile, s.cfg.MaxTotal = 1<<20, 1<<20 })
	file := strings.TrimSuffix(part(`name="files"; filename="endless.txt"`, ""), "\r\n")
	body := &endless{head: strings.NewReader(part(`name="body"`, typed) + file)}
	page := w.send("multipart/form-data; boundary=b", body)
	status(t, page, 413)
	contains(t, page.Body.String(), typed)
	if limit := int64(8 << 20); body.read > limit {
		t.Errorf("%d bytes were read of an endless body, want at most %d", body.read, limit)
	}
}

// stalled is a body whose sender falls silent after its head.
type stalled struct{ head io.Reader }

func (s stalled) Read(p []byte) (int, error) {
	n, err := s.head.Read(p)
	if err == io.EOF {
		err = os.ErrDeadlineExceeded // as the connection's deadline ends it
	}
	return n, err
}

func TestASenderThatFallsSilentGetsItsTextBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contentType, body := multi(good(), file{"half.txt", "half of it"})
	half := strings.NewReader(body.String()[:body.Len()-60])
	page := w.send(contentType, stalled{half})
	status(t, page, 408)
	contains(t, page.Body.String(), typed, "did not arrive in time")
	lacks(t, page.Body.String(), `name="kept"`) // half a file is none
}

func TestBodiesThatAreNoFormAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		contentType, body string
		want              int
	}{
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut off", 400},
		{"multipart/form-data; boundary=b", strings.Repeat("--b\r\n\r\n\r\n", 5000) + "--b--", 400},
		{"multipart/form-data; boundary=b", "--b\r\n" + strings.Repeat("X-A: b\r\n", 20000) + "\r\n--b--", 400},
		{"application/x-www-form-urlencoded", "%zz=%zz&subject=%", 422},
		{"application/x-www-form-urlencoded", "body=" + strings.Repeat("x", 2<<20), 413},
		{"", "", 415},
	} {
		if got := w.send(c.contentType, strings.NewReader(c.body)); got.Code != c.want {
			t.Errorf("%s %.60q: %d, want %d", c.contentType, c.body, got.Code, c.want)
		}
	}
}

// A large file passes through; it is never held. Not parallel: it looks at what
// the whole process allocates.
func TestALargeFileIsNeverWholeInMemory(t *testing.T) {
	w := newWorld(t)
	contentType, body := multi(good(), file{"large.txt", strings.Repeat("a line of a log\n", 19<<20/16)})
	r := httptest.NewRequest("POST", "/note", body)
	r.Header.Set("Content-Type", contentType)
	out, took := w.measured(r)
	status(t, out, 201)
	if took > 4<<20 {
		t.Errorf("19 MiB of file took %d bytes of memory", took)
	}
}

// measured answers one request and tells how many bytes that allocated.
func (w *world) measured(r *http.Request) (*httptest.ResponseRecorder, uint64) {
	var before, after runtime.MemStats
	out := httptest.NewRecorder()
	runtime.ReadMemStats(&before)
	w.handler.ServeHTTP(out, r)
	runtime.ReadMemStats(&after)
	return out, after.TotalAlloc - before.TotalAlloc
}

// A client that writes its file's name so that no reader understands it must not
// hear that all is well.
func TestAFileUnderAHeadThatCannotBeReadIsNotDroppedInSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, head := range []string{
		`form-data; name="files"; filename=my log.txt`,
		`form-data; name="files"; filename="a"b.txt"`,
		`form-data; name="files"; filename="a.txt"; filename="b.txt"`,
		`name="files"; filename="a.txt"`,
	} {
		contentType, body := multi(good())
		border := "--" + strings.TrimPrefix(contentType, "multipart/form-data; boundary=")
		unread := strings.NewReader(border + "\r\nContent-Disposition: " + head + "\r\n\r\nhello\r\n")
		page := w.send(contentType, io.MultiReader(unread, body))
		status(t, page, 422)
		contains(t, page.Body.String(), typed, "did not arrive in full")
	}
	if len(w.taken) != 0 {
		t.Errorf("%d notes were taken without the file", len(w.taken))
	}
}

func TestABodyThatCannotBeKeptIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.deps.Blobs = fullBlobs{s.deps.Blobs} })
	contentType, body := multi(good(), file{"large.txt", strings.Repeat("a line of a log\n", 1<<16)})
	status(t, w.send(contentType, body), 503)
	if body.Len() > 0 {
		t.Errorf("%d bytes were left unread: the browser would see a broken connection", body.Len())
	}
}

// The head of a part is no place to fill our memory from. Not parallel: it looks
// at what the whole process allocates.
func TestTheHeadOfAPartIsBounded(t *testing.T) {
	w := newWorld(t)
	begin := part(`name="body"`, typed)
	for name, head := range map[string]string{
		"a long line":       "X: " + strings.Repeat("y", 9<<20),
		"a long field name": `Content-Disposition: form-data; name="` + strings.Repeat("n", 9<<20) + `"`,
		"many lines":        strings.Repeat("X: y\r\n", 1<<20),
	} {
		heads := strings.Repeat("--b\r\n"+head+"\r\n\r\nx\r\n", 4)
		r := httptest.NewRequest("POST", "/note", strings.NewReader(begin+heads+"--b--\r\n"))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		out, took := w.measured(r)
		status(t, out, 400)
		contains(t, out.Body.String(), typed)
		if took > 2<<20 {
			t.Errorf("%s: took %d bytes of memory", name, took)
		}
	}
}

// A part of a usual head's size passes, however large the part before it.
func TestHeadsAreCountedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var files []file
	for i := range post.Defaults().MaxFiles {
		files = append(files, file{fmt.Sprint(i) + strings.Repeat("n", 2000) + ".txt", strings.Repeat("x", 50_000)})
	}
	status(t, w.asJSON(good(), append(files, file{"tool.exe", strings.Repeat("x", 100_000)})...), 422)
	status(t, w.asJSON(good(), files...), 201)
	if got := w.last().Files; len(got) != len(files) || got[9].Size != 50_000 {
		t.Errorf("files %+v", got)
	}
}
