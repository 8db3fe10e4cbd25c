package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/lang"
)

type noteData struct{ Text string }

// testRoom is a small room: one page and routes that fail in every way.
func testRoom(t *testing.T, cfg web.Config) (*web.Server, *bytes.Buffer) {
	t.Helper()
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	s, err := web.New(cfg, langs, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	set := s.Pages(fstest.MapFS{
		"templates/note.html": {Data: []byte(`{{define "title"}}Note{{end}}{{define "main"}}<p>{{.D.Text}}</p>{{end}}`)},
	})
	note := web.Declare[noteData](set, "note.html")
	if err := set.Ready(); err != nil {
		t.Fatal(err)
	}
	s.Handle(web.Route{Method: "GET", Path: "/note/:text", Handler: func(x *web.Exchange) error {
		return note.Show(x, http.StatusOK, noteData{Text: x.Param("text")})
	}})
	s.Handle(web.Route{Method: "GET", Path: "/fail/:how", Handler: func(x *web.Exchange) error {
		return failure(x.Param("how"))
	}})
	s.Handle(web.Route{
		Method: "POST", Path: "/read",
		Body: web.Pace{Max: 1000, MinRate: 100, Grace: 5 * time.Second, Total: time.Minute},
		Handler: func(x *web.Exchange) error {
			n, err := io.Copy(io.Discard, x.Request.Body)
			if err != nil {
				return err
			}
			return x.JSON(http.StatusOK, n)
		}})
	return s, &logged
}

func failure(how string) error {
	switch how {
	case "missing":
		return fmt.Errorf("ticket 7: %w", store.ErrNotFound)
	case "conflict":
		return fmt.Errorf("open ticket: %w", store.ErrConflict)
	case "invalid":
		return fmt.Errorf("open ticket: %w", store.ErrInvalid)
	case "full":
		return fmt.Errorf("open ticket: %w", store.ErrFull)
	case "busy":
		return &web.Fault{Status: http.StatusTooManyRequests, RetryAfter: 90 * time.Second, Err: errors.New("limit")}
	case "panic":
		panic("the cat sat on it")
	}
	return errors.New("disk 3 says: secret words")
}

func do(s *web.Server, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestEveryErrorBecomesAKindPageThatTellsNoSecrets(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]int{
		"missing": 404, "conflict": 409, "invalid": 422, "full": 503, "busy": 429, "panic": 500, "other": 500,
	} {
		s, logged := testRoom(t, web.Defaults())
		page := do(s, "GET", "/fail/"+how)
		if page.Code != want {
			t.Errorf("%s: status %d, want %d", how, page.Code, want)
		}
		for _, leak := range []string{"secret words", "the cat", "ticket 7", "web.error"} {
			if strings.Contains(page.Body.String(), leak) {
				t.Errorf("%s: the page shows %q", how, leak)
			}
		}
		logs := logged.String()
		if want == 500 && !strings.Contains(logs, "secret words") && !strings.Contains(logs, "the cat") {
			t.Errorf("%s: the log does not tell what happened:\n%s", how, logged)
		}
		asJSON := do(s, "GET", "/fail/"+how, "Accept", "application/json")
		var body map[string]string
		if err := json.Unmarshal(asJSON.Body.Bytes(), &body); err != nil || body["error"] == "" || asJSON.Code != want {
			t.Errorf("%s as JSON: %d %s (%v)", how, asJSON.Code, asJSON.Body, err)
		}
	}
	s, _ := testRoom(t, web.Defaults())
	if got := do(s, "GET", "/fail/busy").Header().Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After %q, want 90", got)
	}
	if got := do(s, "GET", "/nowhere").Code; got != 404 {
		t.Errorf("an unknown address: %d", got)
	}
	if got := do(s, "DELETE", "/note/a").Code; got != 405 {
		t.Errorf("a method no route has: %d", got)
	}
}

func TestPagesEscapeWhatTheyShowAndCarryTheHeaders(t *testing.T) {
	t.Parallel()
	s, logged := testRoom(t, web.Defaults())
	w := do(s, "GET", "/note/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("a script got through")
	}
	if !strings.Contains(w.Body.String(), "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Errorf("the words are not shown:\n%s", w.Body)
	}
	for name, want := range map[string]string{
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "frame-ancestors 'none'",
	} {
		if got := w.Header().Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", name, got, want)
		}
	}
	if strings.Contains(w.Header().Get("Content-Security-Policy"), "unsafe") {
		t.Error("the policy allows something unsafe")
	}
	if strings.Contains(logged.String(), "alert") {
		t.Errorf("the access log shows what stood in the path:\n%s", logged)
	}
	if !strings.Contains(logged.String(), "route=/note/:text") {
		t.Errorf("the access log lacks the route:\n%s", logged)
	}
}

func TestStaticFilesAreKeptForeverUnderTheirHash(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	page := do(s, "GET", "/note/a").Body.String()
	_, after, ok := strings.Cut(page, `rel="stylesheet" href="`)
	address, _, _ := strings.Cut(after, `"`)
	if !ok {
		t.Fatalf("no stylesheet in\n%s", page)
	}
	css := do(s, "GET", address)
	if css.Code != 200 || !strings.Contains(css.Header().Get("Cache-Control"), "immutable") ||
		!strings.HasPrefix(css.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", address, css.Code, css.Header())
	}
	parts := strings.Split(address, "/")
	parts[2] = "0123456789abcdef"
	old := do(s, "GET", strings.Join(parts, "/"))
	if old.Code != 200 || strings.Contains(old.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("another version's address: %d %q", old.Code, old.Header().Get("Cache-Control"))
	}
	if got := do(s, "GET", "/static/x/web/../doc.go").Code; got != 404 {
		t.Errorf("a path trick: %d", got)
	}
}

func TestTheLanguageIsTheReadersChoiceThenTheBrowsers(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	lang := func(target string, header ...string) string {
		return do(s, "GET", target, header...).Header().Get("Content-Language")
	}
	for _, c := range []struct{ want, target, accept, cookie string }{
		{"es", "/note/a", "es-MX,es;q=0.9,en;q=0.8", ""},
		{"zh-Hans", "/note/a", "zh-CN", ""},
		{"id", "/note/a", "es", "lang=id"},
		{"ar", "/note/a?lang=ar", "es", "lang=id"},
		{"en", "/note/a?lang=%00%ff", "tlh", "lang=<script>"},
	} {
		if got := lang(c.target, "Accept-Language", c.accept, "Cookie", c.cookie); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	w := do(s, "GET", "/note/a?lang=ar")
	if !strings.Contains(w.Body.String(), `dir="rtl"`) || !strings.Contains(w.Header().Get("Set-Cookie"), "lang=ar") {
		t.Error("Arabic runs from the right and the choice is kept", w.Header())
	}
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	if got := do(s, "POST", "/read", "Sec-Fetch-Site", "cross-site").Code; got != 403 {
		t.Errorf("cross-site: %d", got)
	}
	if got := do(s, "POST", "/read", "Origin", "https://evil.example").Code; got != 403 {
		t.Errorf("foreign origin: %d", got)
	}
	if got := do(s, "POST", "/read", "Sec-Fetch-Site", "same-origin").Code; got != 200 {
		t.Errorf("our own page: %d", got)
	}
	if got := do(s, "POST", "/read").Code; got != 200 {
		t.Errorf("a script without a browser: %d", got)
	}
}

func TestAForgedForwardedForIsBelievedFromTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[string]string{"": "192.0.2.0/24", "192.0.2.0/24": "203.0.113.0/24"} {
		cfg := web.Defaults()
		if trusted != "" {
			cfg.TrustedProxies = []string{trusted}
		}
		s, logged := testRoom(t, cfg)
		do(s, "GET", "/note/a", "X-Forwarded-For", "198.51.100.7, 203.0.113.9") // the recorder's peer is 192.0.2.1
		if !strings.Contains(logged.String(), "network="+want) {
			t.Errorf("trusting %q: want network %s in\n%s", trusted, want, logged)
		}
	}
}

// What a proxy says of whom it speaks for is read however proxies write it: were
// it not, all partners behind it would share one network's limits.
func TestAClientBehindProxiesIsTheOneTheyName(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"203.0.113.9":                            "203.0.113.0/24",
		"203.0.113.9:51234":                      "203.0.113.0/24", // with the port
		"[2001:db8:1:2::9]:51234":                "2001:db8:1::/48",
		"[2001:db8:1:2::9]":                      "2001:db8:1::/48",
		"2001:db8:1:2::9":                        "2001:db8:1::/48",
		"::ffff:203.0.113.9":                     "203.0.113.0/24",
		"198.51.100.7, 203.0.113.9:80, 10.0.0.5": "203.0.113.0/24", // forged, client, our second proxy
		"203.0.113.9, ::ffff:10.0.0.5":           "203.0.113.0/24",
		"198.51.100.7, unknown":                  "192.0.2.0/24",
		"unknown, 203.0.113.9":                   "203.0.113.0/24",
		"203.0.113.9,":                           "192.0.2.0/24",
		"":                                       "192.0.2.0/24",
		strings.Repeat(",", 20000):               "192.0.2.0/24",
	} {
		cfg := web.Defaults()
		cfg.TrustedProxies = []string{"192.0.2.0/24", "10.0.0.0/8"} // the recorder's peer is 192.0.2.1
		s, logged := testRoom(t, cfg)
		do(s, "GET", "/note/a", "X-Forwarded-For", said)
		if !strings.Contains(logged.String(), "network="+want+"\n") {
			t.Errorf("%.60q: want network %s in\n%s", said, want, logged)
		}
	}
}

// TestAPageInEnglishIsSoThroughout: its frame speaks no other language around it.
func TestAPageInEnglishIsSoThroughout(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	set := s.Pages(fstest.MapFS{
		"templates/board.html": {Data: []byte(`{{define "main"}}<p>{{.D.Text}}</p>{{end}}`)},
	}).English()
	board := web.Declare[noteData](set, "board.html")
	s.Handle(web.Route{Method: "GET", Path: "/board", Handler: func(x *web.Exchange) error {
		return board.Show(x, http.StatusOK, noteData{Text: "English"})
	}})
	for path, want := range map[string]string{
		"/board": `<html lang="en" dir="ltr"`, "/note/x": `<html lang="ar" dir="rtl"`,
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Language", "ar")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) || !strings.Contains(want, w.Header().Get("Content-Language")) {
			t.Errorf("%s lacks %s, and is said to be in %q", path, want, w.Header().Get("Content-Language"))
		}
	}
}

func TestAPageWithoutADeclarationStopsTheStart(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	set := s.Pages(fstest.MapFS{"templates/lost.html": {Data: []byte(`{{define "main"}}{{end}}`)}})
	web.Declare[noteData](set, "found.html")
	err := set.Ready()
	if err == nil || !strings.Contains(err.Error(), "lost.html") || !strings.Contains(err.Error(), "found.html") {
		t.Errorf("both faults are named, not: %v", err)
	}
}

// pipeListener hands out one connection in memory, so that a bubble's clock may
// run past its deadlines.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestAClientThatDripsItsBodyIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := testRoom(t, web.Defaults())
		ln := &pipeListener{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		client, server := net.Pipe()
		ln.conns <- server
		began := time.Now()
		dripped := make(chan struct{})
		go func() {
			defer close(dripped)
			fmt.Fprint(client, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n")
			for {
				if _, err := client.Write([]byte("a")); err != nil {
					return
				}
				time.Sleep(time.Second) // one byte a second where 100 are asked for
			}
		}()
		answer, _ := io.ReadAll(client)
		if took := time.Since(began); !strings.Contains(string(answer), " 408 ") || took > 10*time.Second {
			t.Errorf("after %v: %q", took, answer)
		}
		client.Close()
		<-dripped
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestABodyThatNobodyReadsHoldsNoConnection(t *testing.T) {
	t.Parallel()
	for what, request := range map[string]string{
		"no such page": "POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n",
		"from another site": "POST /read HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: " +
			"900\r\n\r\n",
		"passed over in part": "POST /drain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := testRoom(t, web.Defaults())
			s.Handle(web.Route{Method: "POST", Path: "/drain", Handler: func(x *web.Exchange) error {
				x.Drain(1000, 30*time.Second)
				return x.JSON(http.StatusOK, "done")
			}})
			ln := &pipeListener{conns: make(chan net.Conn, 1), done: make(chan struct{})}
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			client, server := net.Pipe()
			ln.conns <- server
			began := time.Now()
			if _, err := io.WriteString(client, request); err != nil { // and not a byte more
				t.Fatal(err)
			}
			_ = client.SetReadDeadline(began.Add(time.Hour))
			answer, err := io.ReadAll(client)
			if took := time.Since(began); err != nil || took > 2*time.Minute || len(answer) == 0 {
				t.Errorf("%s: after %v: %v %q", what, took, err, answer)
			}
			client.Close()
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			<-served
		})
	}
}

func TestWhatAnswersGETAnswersHEAD(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	s.Mount("GET", "/alive", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))
	for _, path := range []string{"/alive", "/note/hello", "/favicon.ico"} {
		if get, head := do(s, "GET", path), do(s, "HEAD", path); get.Code != head.Code || get.Code >= 400 {
			t.Errorf("%s: GET %d, HEAD %d", path, get.Code, head.Code)
		}
	}
}

func TestJSONIsForWhoPrefersIt(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	for _, c := range []struct {
		accept []string
		json   bool
	}{
		{nil, false}, {[]string{"*/*"}, false}, {[]string{"application/json"}, true},
		{[]string{"application/json, text/plain, */*"}, true}, {[]string{"text/html, application/json;q=0.9"}, false},
		{[]string{"text/plain", "application/json"}, true}, {[]string{"application/json;q=0"}, false},
	} {
		r := httptest.NewRequest("GET", "/nope", nil)
		r.Header["Accept"] = c.accept
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if got := strings.HasPrefix(w.Header().Get("Content-Type"), "application/json"); got != c.json {
			t.Errorf("Accept %q: JSON %v, want %v", c.accept, got, c.json)
		}
	}
}

func TestABodyMayFillItsLimitAndNotPassIt(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	for size, want := range map[int]int{0: 200, 999: 200, 1000: 200, 1001: 413, 50000: 413} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/read", strings.NewReader(strings.Repeat("x", size))))
		if w.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, want)
		}
	}
}

func TestEveryFaultOfTheConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	err := web.Config{URL: "ftp://x", TrustedProxies: []string{"here"}}.Validate()
	for _, want := range []string{"url", "trusted_proxies", "name", "limit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %v", want, err)
		}
	}
	for name, drop := range map[string]func(*web.Config){
		"no time for headers": func(c *web.Config) { c.ReadHeader = 0 },
		"no rest":             func(c *web.Config) { c.Idle = 0 },
		"no time to answer":   func(c *web.Config) { c.Write = 0 },
		"no headers":          func(c *web.Config) { c.MaxHeader = 0 },
		"no body":             func(c *web.Config) { c.Body.Max = 0 },
		"no time for a body":  func(c *web.Config) { c.Body.Total = 0 },
	} {
		c := web.Defaults()
		if drop(&c); c.Validate() == nil {
			t.Errorf("%s: no fault, and http takes it for no limit", name)
		}
	}
	if err := web.Defaults().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

// At a stop streams end at once, a request under way is finished, and one that
// will not end is cut off when patience does.
func TestAStopLetsRequestsFinishAndThenCutsThemOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := testRoom(t, web.Defaults())
		ended := make(chan string, 3)
		handle := func(name string, wait func(x *web.Exchange)) {
			s.Handle(web.Route{Method: "GET", Path: "/" + name, Handler: func(x *web.Exchange) error {
				wait(x)
				ended <- name
				return x.JSON(http.StatusOK, name)
			}})
		}
		handle("stream", func(x *web.Exchange) { <-x.Stopping() })
		handle("work", func(x *web.Exchange) { time.Sleep(3 * time.Second) })
		handle("stuck", func(x *web.Exchange) { <-x.Request.Context().Done() })
		ln := &pipeListener{conns: make(chan net.Conn, 3), done: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		for _, name := range []string{"stream", "work", "stuck"} {
			client, server := net.Pipe()
			ln.conns <- server
			fmt.Fprintf(client, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", name)
			go io.Copy(io.Discard, client)
		}
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err == nil {
			t.Error("a request was cut off and nobody is told")
		}
		synctest.Wait()
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("the stop took %v", took)
		}
		for _, want := range []string{"stream", "work", "stuck"} {
			if got := <-ended; got != want {
				t.Errorf("%s ended where %s should have", got, want)
			}
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// TestABarStandsOnlyWhereItIsPut: pages have none until a demo puts one there.
func TestABarStandsOnlyWhereItIsPut(t *testing.T) {
	t.Parallel()
	s, _ := testRoom(t, web.Defaults())
	if page := do(s, "GET", "/none").Body.String(); strings.Contains(page, "demo-bar") {
		t.Errorf("a bar without a demo:\n%s", page)
	}
	latest := "/t/abc"
	s.Bar(web.Bar{
		Rooms: []web.Room{{Name: "<Form>", Path: "/contact"}}, People: []web.Person{{Email: "a@example.com", Roles: "agent"}},
		Password: "demo", Latest: func(context.Context) string { return latest },
	})
	page := do(s, "GET", "/none").Body.String()
	for _, want := range []string{`<a href="/contact">&lt;Form&gt;</a>`, `href="/t/abc"`, "a@example.com"} {
		if !strings.Contains(page, want) {
			t.Errorf("the bar lacks %s:\n%s", want, page)
		}
	}
	latest = ""
	if page := do(s, "GET", "/none").Body.String(); strings.Contains(page, "/t/") {
		t.Errorf("a ticket where there is none:\n%s", page)
	}
}
