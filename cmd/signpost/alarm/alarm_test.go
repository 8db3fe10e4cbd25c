package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/verbs"
)

// ward is a service whose troubles a test makes, and a webhook that may be deaf.
// It lives in a bubble, with its alarms running.
type ward struct {
	db     *verbs.Store
	mailed bool // alarms go by mail too
	stop   func()

	mu   sync.Mutex
	list []store.Trouble
	deaf error
	told []string
}

func (w *ward) look(context.Context, time.Time) []store.Trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

func (w *ward) tell(_ context.Context, n Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf == nil {
		w.told = append(w.told, n.State+" "+n.Alarm)
	}
	return w.deaf
}

// suffer sets what ails the service, and whether the webhook is deaf.
func (w *ward) suffer(deaf error, list ...store.Trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.list = deaf, list
}

var (
	breaker = store.Trouble{Key: "breaker", What: "the breaker tripped", Do: "break the loop", Level: 1}
	down    = store.Trouble{Key: "relay", What: "the relay is down", Do: "mend it", Level: 1}
)

func worse(t store.Trouble) store.Trouble {
	t.Level++
	return t
}

func newWard(t *testing.T, change ...func(*ward)) *ward {
	db, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{db: db}
	for _, c := range change {
		c(w)
	}
	w.start()
	t.Cleanup(func() {
		w.stop()
		if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// start runs the alarms as a process does that has just begun.
func (w *ward) start() {
	s := New(Deps{
		Source: w.look, Book: w.db, Tell: w.tell, Repeat: time.Hour, Log: slog.New(slog.DiscardHandler),
		Standing: func([]string) {}, Noticed: func(string) {},
	})
	if w.mailed {
		n := 0
		s.Mail = &Mail{
			Queue: w.db.QueueMail, Earlier: w.db.OutboundsTo, Kick: func() {}, From: "support@desk.example", Name: "Desk",
			To: []string{"ann@ops.example", "bob@ops.example"}, Page: "https://desk.example/ops/health", Hooked: true,
			Repeat: time.Hour, Mint: func(now time.Time) string {
				n++
				return fmt.Sprintf("%d.%d@desk.example", now.UnixNano(), n)
			},
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.stop = func() { stop(); <-done }
}

// restart ends the process and begins another on the same store.
func (w *ward) restart() {
	w.stop()
	w.start()
}

// acknowledge is what a person does at /ops/health about the alarm of a key.
func (w *ward) acknowledge(t *testing.T, key string, until time.Time) {
	t.Helper()
	rows, err := store.Items(w.db.StandingAlarms(t.Context(), store.Page{Limit: 99}))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Key == key {
			_, err := w.db.AcknowledgeAlarm(t.Context(), time.Now(), store.ByCommandLine("ana@desk.example"), row.ID, until)
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Errorf("no alarm %s stands", key)
}

// mails are all that was queued to an address, oldest first.
func (w *ward) mails(t *testing.T, to string) []store.Outbound {
	t.Helper()
	rows, err := store.Items(w.db.OutboundsTo(t.Context(), to, store.Page{Limit: 99}))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(rows)
	return rows
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

func TestAnAcknowledgedAlarmIsQuietUntilItGetsWorse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		w.suffer(nil, breaker, down)
		w.expect(t, "when trouble begins", time.Minute, "raised breaker", "raised relay")
		w.acknowledge(t, "relay", time.Time{})
		w.expect(t, "while one is acknowledged", 150*time.Minute, "standing breaker", "standing breaker")
		w.suffer(nil, breaker, worse(down))
		w.expect(t, "when that gets worse", time.Minute, "worse relay")
		w.acknowledge(t, "relay", time.Now().Add(30*time.Minute))
		w.suffer(nil, worse(down))
		w.expect(t, "until the time that ops asked for", 29*time.Minute, "over breaker")
		w.expect(t, "after it", 40*time.Minute, "standing relay")
		w.acknowledge(t, "relay", time.Time{})
		w.suffer(nil)
		w.expect(t, "when an acknowledged one ends", 3*time.Minute, "over relay")
		w.suffer(nil, down)
		w.expect(t, "when it comes again", time.Minute, "raised relay")
	})
}

func TestARestartForgetsNeitherAlarmsNorWhoKnowsOfThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		w.suffer(nil, breaker, down)
		w.expect(t, "when trouble begins", time.Minute, "raised breaker", "raised relay")
		w.acknowledge(t, "relay", time.Time{})
		w.restart()
		w.expect(t, "by the next process", time.Minute, "standing breaker")
		w.suffer(nil, breaker)
		w.stop()
		w.suffer(nil)
		w.start()
		w.expect(t, "of what ended in between", 3*time.Minute, "standing breaker", "over breaker", "over relay")
		ended, err := store.Items(w.db.EndedAlarms(t.Context(), store.Page{Limit: 9}))
		if err != nil || len(ended) != 2 || ended[0].Key == "relay" == ended[0].At.IsZero() {
			t.Errorf("the history is %+v, %v", ended, err)
		}
	})
}

// TestAlarmsByMail: one mail holds all there is to say, and many alarms make few
// mails, also across restarts.
func TestAlarmsByMail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, func(w *ward) { w.mailed = true })
		w.suffer(errors.New("deaf"), breaker, down)
		w.after(time.Minute)
		first := w.mails(t, "ann@ops.example")
		if len(first) != 1 || len(w.mails(t, "bob@ops.example")) != 1 {
			t.Fatalf("mails: %+v", first)
		}
		for _, part := range []string{
			"NEW, since", "The breaker tripped.\nWhat to do: break the loop\n", "The relay is down.",
			"https://desk.example/ops/health\n", "sent again when it gets worse, any other in an hour",
			"The webhook was called first.",
		} {
			if !strings.Contains(first[0].Text, part) {
				t.Errorf("the mail lacks %q:\n%s", part, first[0].Text)
			}
		}
		if first[0].Subject != "Alarm: new: The breaker tripped. (and 1 more)" || first[0].Kind != store.MailAlarm {
			t.Errorf("%s %q", first[0].Kind, first[0].Subject)
		}
		for i := range 8 { // a process that crashes, and finds other trouble each time
			w.suffer(nil, breaker, store.Trouble{Key: fmt.Sprint(i), What: "x", Level: 1})
			w.restart()
			w.after(time.Minute)
		}
		if n := len(w.mails(t, "ann@ops.example")); n != 1 {
			t.Errorf("%d mails within %v", n, mailPause)
		}
		w.after(2 * time.Minute)
		if all := w.mails(t, "ann@ops.example"); len(all) != 2 || !strings.Contains(all[1].Text, "STILL, since") {
			t.Errorf("then: %+v", all)
		}
		w.suffer(nil, breaker, store.Trouble{Key: "soon after", What: "x", Level: 1})
		w.after(time.Minute)
		if n := len(w.mails(t, "ann@ops.example")); n != 2 {
			t.Errorf("%d mails, the last one %v before that", n, time.Minute)
		}
		w.acknowledge(t, "breaker", time.Time{})
		w.suffer(nil, breaker)
		w.after(12 * time.Hour)
		w.suffer(nil)
		w.after(20 * time.Minute)
		all := w.mails(t, "ann@ops.example")
		if last := all[len(all)-1]; len(all) > 4 || !strings.Contains(last.Text, "OVER, since") ||
			last.Subject != "Alarm: over: The breaker tripped." {
			t.Errorf("%d mails; the last: %s\n%s", len(all), last.Subject, last.Text)
		}
	})
}

func TestADiskThatFillsIsSeenComing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		free  func(minute int) int64 // GiB, in 90 minutes
		want  time.Duration
		fills bool
	}{
		"nothing is written":     {func(int) int64 { return 500 }, 0, false},
		"it fills":               {func(m int) int64 { return 600 - int64(m) }, 511 * time.Minute, true},
		"it was cleared":         {func(m int) int64 { return 100 + int64(m) }, 0, false},
		"a burst, then made up":  {func(m int) int64 { return 500 - 90*int64(m/60%2*(89-m)/29) }, 0, false},
		"not looked at for long": {func(m int) int64 { return 600 - 20*int64(max(0, m-80)) }, 0, false},
	} {
		minute := 0
		d := &Disk{room: func(string) (int64, int64, error) { return c.free(minute), 1000, nil }}
		for minute = range 90 {
			if name != "not looked at for long" || minute > 80 {
				d.note(now.Add(time.Duration(minute) * time.Minute))
			}
		}
		in, fills := d.Fills(now.Add(89 * time.Minute))
		if fills != c.fills || in.Round(time.Minute) != c.want {
			t.Errorf("%s: full in %v, %v", name, in, fills)
		}
	}
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
			t.Errorf("%s: doubled is %v with %d after %d, want %v with %d after %d", name, got, last, before, c.want, c.last,
				c.before)
		}
	}
}

func TestTheWebhookIsPostedToAndNeverNamed(t *testing.T) {
	t.Parallel()
	var got Notice
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	hook := NewWebhook(server.URL + "/sesame")
	want := Notice{Alarm: "breaker", State: "raised", Text: "x", Since: time.Unix(1, 0).UTC(), At: time.Unix(2, 0).UTC(),
		Service: "https://help.example.com"}
	if err := hook.Post(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, status = range []int{http.StatusFound, http.StatusInternalServerError} {
		if err := hook.Post(t.Context(), want); err == nil {
			t.Errorf("%d counts as taken", status)
		}
	}
	server.Close()
	if err := hook.Post(t.Context(), want); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a service that is gone: %v", err)
	}
}
