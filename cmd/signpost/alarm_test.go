package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ward is a service whose troubles a test makes, and a webhook that may be deaf.
// It lives in a bubble, with its alarms running.
type ward struct {
	mu   sync.Mutex
	list []trouble
	deaf error
	told []string
}

func (w *ward) look(context.Context) []trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

func (w *ward) tell(_ context.Context, n notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf == nil {
		w.told = append(w.told, n.State+" "+n.Alarm)
	}
	return w.deaf
}

// suffer sets what ails the service, and whether the webhook is deaf.
func (w *ward) suffer(deaf error, list ...trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.list = deaf, list
}

var (
	breaker = trouble{"breaker", "the breaker tripped"}
	down    = trouble{"relay", "the relay is down"}
)

func newWard(t *testing.T) *ward {
	w := &ward{}
	s := &alarms{
		look: w.look, tell: w.tell,
		repeat: time.Hour, log: quietLog(), metrics: newMetrics(), kicked: make(chan struct{}, 1), known: map[string]*alarm{},
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return w
}

// after lets time pass and returns what the webhook was told in it.
func (w *ward) after(d time.Duration) (told []string) {
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	told, w.told = w.told, nil
	return told
}

func (w *ward) expect(t *testing.T, when string, after time.Duration, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.after(after)); diff != "" {
		t.Errorf("%s, the webhook was told (-want +got)\n%s", when, diff)
	}
}

func TestAnAlarmIsToldAgainAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		w.expect(t, "while all is well", time.Minute)
		w.suffer(nil, breaker)
		w.expect(t, "when trouble begins", time.Minute, "raised breaker")
		w.expect(t, "while it lasts", 90*time.Minute, "standing breaker")
		w.suffer(nil, breaker, down)
		w.expect(t, "when more comes", time.Minute, "raised relay")
		w.suffer(nil, breaker)
		w.expect(t, "when that is over", 3*time.Minute, "over relay")
		w.suffer(nil)
		w.expect(t, "when all is over", 3*time.Minute, "over breaker")
		w.expect(t, "after that", 3*time.Hour)
	})
}

func TestATroubleThatComesAndGoesIsOneAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		var told []string
		for range 20 {
			w.suffer(nil, down)
			told = append(told, w.after(30*time.Second)...)
			w.suffer(nil)
			told = append(told, w.after(30*time.Second)...)
		}
		if diff := cmp.Diff([]string{"raised relay"}, told); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestADeafWebhookHearsItLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		deaf := errors.New("the webhook answers 503")
		w.suffer(deaf, breaker)
		w.expect(t, "while it is deaf", 2*time.Hour)
		w.suffer(nil, breaker)
		w.expect(t, "when it hears again", 11*time.Minute, "raised breaker")
		w.suffer(deaf)
		w.expect(t, "when it misses the end", time.Hour)
		w.suffer(nil)
		w.expect(t, "when it hears again", 11*time.Minute, "over breaker")
	})
}

func TestAnswersThatDouble(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		last, before int
		want         bool
	}{
		"a quiet night":            {0, 0, false},
		"a few after none":         {9, 0, false},
		"many after none":          {10, 0, true},
		"twice as many":            {24, 12, true},
		"not quite twice as many":  {23, 12, false},
		"fewer":                    {20, 40, false},
		"twice as many, but a few": {6, 3, false},
	} {
		var r answerRate
		for i := range 50 { // of yesterday
			r.add(now.Add(-24*time.Hour + time.Duration(i)*time.Minute))
		}
		for i := range c.before {
			r.add(now.Add(-61*time.Minute - time.Duration(i)*time.Minute))
		}
		for i := range c.last {
			r.add(now.Add(-time.Duration(i) * time.Minute))
		}
		if last, before, got := r.doubled(now, 10); got != c.want || last != c.last || before != c.before {
			t.Errorf("%s: doubled is %v with %d after %d, want %v with %d after %d", name, got, last, before, c.want, c.last, c.before)
		}
	}
}

func TestTheWebhookIsPostedToAndNeverNamed(t *testing.T) {
	t.Parallel()
	var got notice
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	hook := newWebhook(server.URL + "/sesame")
	want := notice{Alarm: "breaker", State: "raised", Text: "x", Since: time.Unix(1, 0).UTC(), At: time.Unix(2, 0).UTC(), Service: "https://help.example.com"}
	if err := hook.post(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, status = range []int{http.StatusFound, http.StatusInternalServerError} {
		if err := hook.post(t.Context(), want); err == nil {
			t.Errorf("%d counts as taken", status)
		}
	}
	server.Close()
	if err := hook.post(t.Context(), want); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a service that is gone: %v", err)
	}
}

// TestATrippedBreakerIsTold is the whole road: strangers by the dozen, the
// breaker, and within a moment the webhook, the metric and the readiness page.
func TestATrippedBreakerIsTold(t *testing.T) {
	t.Parallel()
	told := make(chan notice, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		told <- n
	}))
	t.Cleanup(hook.Close)
	d := startDemo(t, func(a *App) { a.alarms.tell = newWebhook(hook.URL).post })
	for i := range 31 {
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress}, plainMail(from, "Order")); err != nil {
			t.Fatal(err)
		}
	}
	wanted := map[string]bool{"breaker": true, "answers-doubled": true}
	for len(wanted) > 0 {
		select {
		case n := <-told:
			if wanted[n.Alarm] && n.State == "raised" && n.Text != "" && n.Service == d.url() {
				delete(wanted, n.Alarm)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("the webhook was not told of %v", wanted)
		}
	}
	for path, want := range map[string]string{
		"/metrics": `signpost_alarm{alarm="breaker"} 1`, "/readyz": "automatic answers doubled: 30 in the last hour, 0 in the hour before",
	} {
		resp, err := http.Get(d.url() + path)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(page), want) {
			t.Errorf("%s does not hold %q:\n%.1000s", path, want, page)
		}
	}
}

// TestARestartForgetsNoAnswer counts what the ledger holds.
func TestARestartForgetsNoAnswer(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i := range 3 {
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress}, plainMail(from, "Order")); err != nil {
			t.Fatal(err)
		}
	}
	d.awaitLedger(t, 3)
	again := &App{db: d.app.db}
	if err := again.recallAnswers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last, before := again.rate.hours(time.Now()); last != 3 || before != 0 {
		t.Errorf("%d answers in the last hour and %d before it, want 3 and 0", last, before)
	}
}
