package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// provider is a token endpoint that answers as a test says and remembers what
// it was asked.
type provider struct {
	mu     sync.Mutex
	asked  []url.Values
	answer func(n int) (status int, body string)
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.PostForm)
	status, body := p.answer(len(p.asked))
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	w.WriteString(body)
	return w.Result(), nil
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

func (p *provider) client() *http.Client { return &http.Client{Transport: p} }

func source(t *testing.T, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func account(p *provider) Config {
	return Config{TokenURL: "https://login.test/token", ClientID: "desk", RefreshToken: "first", Scope: "mail",
		Client: p.client()}
}

func numbered(n int) (int, string) {
	return 200, fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, n)
}

// What goes over the wire, against a real server.
func TestBothGrantsAreAskedForAsTheStandardSays(t *testing.T) {
	t.Parallel()
	var got url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s %v", r.Method, err)
		}
		got = r.PostForm
		fmt.Fprint(w, `{"access_token":"abc","expires_in":3599,"token_type":"bearer"}`)
	}))
	defer server.Close()
	for name, c := range map[string]struct {
		cfg  Config
		want url.Values
	}{
		"refresh token": {Config{ClientID: "id", RefreshToken: "r/1", Scope: "a b"},
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r/1"}, "client_id": {"id"}, "scope": {"a b"}}},
		"client credentials": {Config{ClientID: "id", ClientSecret: "s&s", Scope: "https://outlook.office365.com/.default"},
			url.Values{"grant_type": {"client_credentials"}, "client_id": {"id"}, "client_secret": {"s&s"},
				"scope": {"https://outlook.office365.com/.default"}}},
	} {
		c.cfg.TokenURL = server.URL
		token, err := source(t, c.cfg).Token(t.Context())
		if err != nil || token != "abc" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestATokenIsHeldUntilItIsAboutToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{answer: numbered}
		s := source(t, account(p))
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "t1"}, {54 * time.Minute, "t1"}, {2 * time.Minute, "t2"}, {time.Hour, "t3"}} {
			time.Sleep(step.after)
			if token, err := s.Token(t.Context()); token != step.want || err != nil {
				t.Errorf("%s, %v, want %s", token, err, step.want)
			}
		}
	})
}

func TestManyWhoComeAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{answer: func(n int) (int, string) {
			time.Sleep(5 * time.Second)
			return numbered(n)
		}}
		s := source(t, account(p))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if token, err := s.Token(context.Background()); token != "t1" || err != nil {
					t.Errorf("%q, %v", token, err)
				}
			})
		}
		all.Wait()
		if n := p.count(); n != 1 {
			t.Errorf("the provider was asked %d times", n)
		}
	})
}

func TestANewRefreshTokenIsKeptAndUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{answer: func(n int) (int, string) {
			return 200, fmt.Sprintf(`{"access_token":"t%d","expires_in":600,`+
				`"refresh_token":"r%d","refresh_token_expires_in":864000}`, n, n)
		}}
		cfg := account(p)
		var kept []string
		cfg.Keep = func(token string) error { kept = append(kept, token); return nil }
		cfg.Kept = func() string {
			if len(kept) == 0 {
				return ""
			}
			return kept[len(kept)-1]
		}
		s := source(t, cfg)
		began := time.Now()
		for range 3 {
			if _, err := s.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		var sent []string
		for _, asked := range p.asked {
			sent = append(sent, asked.Get("refresh_token"))
		}
		if diff := cmp.Diff([]string{"first", "r1", "r2"}, sent); diff != "" {
			t.Errorf("sent (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]string{"r1", "r2", "r3"}, kept); diff != "" {
			t.Errorf("kept (-want +got)\n%s", diff)
		}
		if until := s.Status().RefreshUntil; !until.Equal(began.Add(2*time.Hour + 240*time.Hour)) {
			t.Errorf("the refresh token ends %v after it was given", until.Sub(began))
		}
	})
}

// A provider in trouble stops no caller whose token is still good, and is asked
// again, but not without pause.
func TestAProviderInTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{answer: func(n int) (int, string) {
			if n == 1 {
				return numbered(n)
			}
			return 503, "busy"
		}}
		s := source(t, account(p))
		if _, err := s.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(56 * time.Minute)
		for range 20 {
			if token, err := s.Token(t.Context()); token != "t1" || err != nil {
				t.Errorf("%q, %v, want the token that is still good", token, err)
			}
			time.Sleep(time.Second)
		}
		if n := p.count(); n > 4 {
			t.Errorf("asked %d times in 20 seconds", n)
		}
		if s.Status().Err == nil {
			t.Error("the status does not tell of the failure")
		}
		time.Sleep(10 * time.Minute)
		before := p.count()
		for range 100 {
			if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
				t.Fatalf("%v", err)
			}
			time.Sleep(time.Second)
		}
		if n := p.count() - before; n < 5 || n > 8 {
			t.Errorf("asked %d times in 100 seconds", n)
		}
	})
}

// Some providers write numbers as strings. How long a token lasts is no reason to
// do without it, nor without the refresh token that came along.
func TestHowLongATokenLastsMayBeWrittenInManyWays(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `7200.0`: 2 * time.Hour, `"soon"`: untold, `null`: untold,
		`-1`: untold, `{}`: untold,
		`1e300`: 10 * 365 * 24 * time.Hour, `"NaN"`: untold,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{answer: func(int) (int, string) {
				return 200, `{"access_token":"a","refresh_token":"next","expires_in":` + written + `}`
			}}
			cfg, kept := account(p), ""
			cfg.Keep = func(token string) error { kept = token; return nil }
			s := source(t, cfg)
			token, err := s.Token(t.Context())
			if err != nil || token != "a" || kept != "next" || time.Until(s.Status().Until) != want {
				t.Errorf("%s: %q, %v, kept %q, lasts %v, want %v", written, token, err, kept, time.Until(s.Status().Until), want)
			}
		})
	}
}

// slow is a provider that takes its time to answer.
type slow struct {
	http.RoundTripper
	wait time.Duration
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.wait):
		return s.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// A service that is being stopped while it asks hears the answer: it may hold the
// only refresh token that still counts.
func TestTheAnswerIsHeardWhileWeStop(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{2 * time.Second: "next", 8 * time.Second: ""} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{answer: func(int) (int, string) { return 200, `{"access_token":"a","refresh_token":"next"}` }}
			cfg, kept := account(p), ""
			cfg.Client = &http.Client{Transport: slow{p, wait}}
			cfg.Keep = func(token string) error { kept = token; return nil }
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			began := time.Now()
			source(t, cfg).Token(ctx)
			if took := time.Since(began); kept != want || took > time.Second+lastWords {
				t.Errorf("an answer after %v: kept %q in %v, want %q", wait, kept, took, want)
			}
		})
	}
}

func TestWhatAProviderMayAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // in the error
	}{
		"refused": {400, `{"error":"invalid_grant","error_description":"Token has been expired\nor revoked."}`,
			"invalid_grant Token has been expired or revoked."},
		"no JSON":           {200, "<html>", "no JSON"},
		"nothing":           {200, "{}", "holds no access token"},
		"another scheme":    {200, `{"access_token":"a","token_type":"mac"}`, "not Bearer"},
		"a field's end":     {200, `{"access_token":"a\u0001\u0001user=boss"}`, "holds no access token"},
		"a redirect":        {302, "", "302"},
		"more than anybody": {200, `{"access_token":"` + strings.Repeat("a", maxBody) + `"}`, "no JSON"},
	} {
		p := &provider{answer: func(int) (int, string) { return c.status, c.body }}
		token, err := source(t, account(p)).Token(t.Context())
		if err == nil || token != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "first") {
			t.Errorf("%s: %q, %v, want %q", name, token, err, c.want)
		}
	}
}

func TestATokenThatCannotBeKeptIsTold(t *testing.T) {
	t.Parallel()
	p := &provider{answer: func(n int) (int, string) { return 200, `{"access_token":"a","refresh_token":"next"}` }}
	cfg := account(p)
	full := errors.New("disk full")
	cfg.Keep = func(string) error { return full }
	s := source(t, cfg)
	if token, err := s.Token(t.Context()); token != "a" || err != nil {
		t.Errorf("%q, %v: the token is good all the same", token, err)
	}
	if err := s.Status().Err; !errors.Is(err, full) {
		t.Errorf("told %v", err)
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"no address":       {TokenURL: "login.test", ClientID: "a", RefreshToken: "b"},
		"in the clear":     {TokenURL: "http://login.test/token", ClientID: "a", RefreshToken: "b"},
		"nobody":           {TokenURL: "https://login.test/token", RefreshToken: "b"},
		"nothing to prove": {TokenURL: "https://login.test/token", ClientID: "a"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// A token that is refused long before its end was revoked: it is asked for anew,
// once. One just handed out is not the trouble.
func TestATokenThatIsRefusedIsAskedForAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &provider{answer: numbered}
		s := source(t, account(p))
		token := func(want string) string {
			t.Helper()
			got, err := s.Token(t.Context())
			if got != want || err != nil {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
			return got
		}
		first := token("t1")
		if s.Refused(first) {
			t.Error("a token just handed out is worth asking for again")
		}
		token("t1")
		time.Sleep(20 * time.Minute)
		for range 2 { // nothing is counted that a second login would find used up
			if !s.Refused(first) {
				t.Error("not worth trying with another token")
			}
		}
		if until := s.Status().Until; !until.IsZero() {
			t.Errorf("none is held, until %v", until)
		}
		second := token("t2")
		if s.Refused(second) {
			t.Error("the new one is refused, and asked for again")
		}
		token("t2")
		if !s.Refused(first) { // told late, by another connection
			t.Error("another token is there, and not worth trying")
		}
		token("t2")
		if p.count() != 2 {
			t.Errorf("the provider was asked %d times", p.count())
		}
		// The provider is down: what was refused is not used again.
		time.Sleep(20 * time.Minute)
		p.answer = func(int) (int, string) { return 500, "" }
		s.Refused(second)
		if got, err := s.Token(t.Context()); err == nil || got != "" {
			t.Errorf("%q, %v", got, err)
		}
	})
}
