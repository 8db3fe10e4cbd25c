package form_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Slow bodies from elsewhere take every turn: what a partner typed is not lost with
// the files that have to wait.
func TestATextOutlivesACrowdOfUploads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *setting) { s.web.BodiesInAll = 1 })
		status(t, w.asJSON(good()), 201)
		link := w.proven(w.ticket("US-1001"))
		body, end := io.Pipe()
		go func() {
			slow := httptest.NewRequest("POST", "/contact", body)
			slow.RemoteAddr, slow.ContentLength = "198.51.100.1:1", 1<<20
			slow.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			w.handler.ServeHTTP(httptest.NewRecorder(), slow)
		}()
		synctest.Wait()
		large := file{"trace.log", strings.Repeat("x", 300_000)}
		began := time.Now()
		page := w.post(good(), large)
		status(t, page, 503)
		contains(t, page.Body.String(), typed, "ana@partner.example", "trace.log", "Everything you wrote is still here")
		if page.Header().Get("Retry-After") == "" || time.Since(began) > 15*time.Second {
			t.Errorf("after %v: %v", time.Since(began), page.Header())
		}
		kind, follow := multi(map[string][]string{"description": {typed}}, large)
		page = w.send("POST", link, kind, follow)
		status(t, page, 503)
		contains(t, page.Body.String(), typed, "Everything you wrote is still here")
		status(t, w.asJSON(with(good(), "email", "bo@partner.example")), 201) // a small one needs no turn
		end.Close()
		synctest.Wait()
		status(t, w.asJSON(good(), large), 201)
	})
}
