package main

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/mail/sandbox"
	"signpost/store"
)

// TestAFloodOfPostsIsToldAndItsMailLeavesInTurns posts from one /48 beyond the limit
// over all: an alarm, and a partner from elsewhere who waits for an hour's room at the
// most and not behind the flood.
func TestAFloodOfPostsIsToldAndItsMailLeavesInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demoConfig(t.TempDir(), "http://127.0.0.1:1", string(newSecret()))
		cfg.Form.ConfirmTotal = 20
		a, err := openApp(cfg, quietLog())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.build(dialers{resolver: sandbox.Resolver{Host: sandboxHost}}, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			postsFrom(t, a, fmt.Sprintf("2001:db8:7:%x::1", i), fmt.Sprintf("p@company%d.test", i))
		}
		postsFrom(t, a, "203.0.113.9", "ana@partner.test")
		if got := keysOf(told(t, a, time.Now(), "confirmations")); got != "confirmations 2" {
			t.Errorf("the troubles are %q", got)
		}
		for range 70 { // as RunThrottled does
			time.Sleep(time.Minute)
			a.upkeep.Release(t.Context())
		}
		mails, err := store.Items(a.db.OutboundsTo(t.Context(), "ana@partner.test", store.Page{Limit: 1}))
		if err != nil || mails[0].State != store.StateQueued {
			t.Errorf("after 70 minutes the partner's mail is %v, %v", mails, err)
		}
		stats, _ := a.db.Stats(t.Context())
		if waits := stats.Outbounds[store.StateThrottled]; waits < 50 {
			t.Errorf("%d of the flood wait; the limit is 20 an hour", waits)
		}
		time.Sleep(5 * 24 * time.Hour) // the first answer was promised by then
		a.upkeep.Release(t.Context())
		if list := told(t, a, time.Now(), "confirmations"); len(list) > 0 {
			t.Errorf("after all that: %s", keysOf(list))
		}
	})
}

// postsFrom sends the form as a script on a machine of that address does.
func postsFrom(t *testing.T, a *App, from, email string) {
	t.Helper()
	body := url.Values{"name": {"Ana"}, "email": {email}, "country": {"US"},
		"description": {"The export stops after a thousand orders."}}
	r := httptest.NewRequest("POST", "http://127.0.0.1/contact", strings.NewReader(body.Encode()))
	r.RemoteAddr = "[" + from + "]:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	a.web.Handler().ServeHTTP(w, r)
	if w.Code != 201 {
		t.Fatalf("%s: %d %s", email, w.Code, w.Body)
	}
}
