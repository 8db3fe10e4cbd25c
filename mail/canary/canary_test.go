package canary

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// world is a store, the canary's mailbox and what answers it; it lives in
// a bubble.
type world struct {
	*testing.T
	db   *verbs.Store
	ring *ident.Ring
	c    *Canary
	stop func()

	mu      sync.Mutex
	letters []watch.Letter
	uid     uint32
	away    error // why the mailbox cannot be visited
	visits  int
	ended   []store.CanaryRun
}

func (k *world) Visit(_ context.Context, _ time.Time, visit func([]watch.Letter) []uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.visits++; k.away != nil {
		return k.away
	}
	remove := visit(slices.Clone(k.letters))
	k.letters = slices.DeleteFunc(k.letters, func(l watch.Letter) bool { return slices.Contains(remove, l.UID) })
	return nil
}

func (k *world) goesAway(why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = why
}

func regionsOf() []store.Region {
	var all []store.Region
	for _, id := range []string{"us", "intl"} {
		all = append(all, store.Region{ID: id, Prefix: strings.ToUpper(id), Address: id + "@desk.example", Name: id})
	}
	return all
}

func newWorld(t *testing.T, every time.Duration) *world {
	t.Helper()
	db, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := ident.New(bytes.Repeat([]byte("k"), ident.SecretBytes))
	if err != nil {
		t.Fatal(err)
	}
	k := &world{T: t, db: db, ring: ring}
	if _, err := db.ConnectMailbox(t.Context(), time.Now(), "box"); err != nil {
		t.Fatal(err)
	}
	k.start(every)
	t.Cleanup(func() {
		k.stop()
		if err := errors.Join(db.Check(context.Background()), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return k
}

// start lets the canary live as a process does that has just begun.
func (k *world) start(every time.Duration) {
	var err error
	k.c, err = New(Config{Address: "canary@desk.example", Every: every, Regions: regionsOf(), Prefix: "CANARY"}, Deps{
		Store: k.db, Mailbox: k, Ring: k.ring, Trusted: func(string) watch.Trust { return watch.Trust{} }, Kick: func() {},
		Ended: func(r store.CanaryRun) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.ended = append(k.ended, r)
		},
	})
	if err != nil {
		k.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.c.Run(ctx) }()
	k.stop = func() { stop(); <-done }
}

// pass lets time pass and returns the runs that ended in it.
func (k *world) pass(d time.Duration) []store.CanaryRun {
	time.Sleep(d)
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	ended := k.ended
	k.ended = nil
	return ended
}

func (k *world) last() store.CanaryRun {
	k.Helper()
	runs, err := store.Items(k.db.CanaryRuns(k.Context(), store.Page{Limit: 1}))
	if err != nil || len(runs) != 1 {
		k.Fatal(runs, err)
	}
	return runs[0]
}

// answers has the stray of the newest run arrive and answered, as the watcher
// does, and returns the answer's Message-ID.
func (k *world) answers() string {
	k.Helper()
	run, now := k.last(), time.Now()
	k.uid++
	rows, err := k.db.RecordInbound(k.Context(), now, []store.NewInbound{{
		Mailbox: "box", UIDValidity: 1, UID: k.uid, InternalDate: now, MessageID: run.StrayID, Raw: []byte("x"),
		Hash: sha256.Sum256([]byte(run.StrayID)),
	}})
	if err != nil {
		k.Fatal(err)
	}
	answer := store.Outbound{
		Kind: store.MailAutoResponse, From: "us@desk.example", To: "canary@desk.example", Region: store.OwnRegion,
		MessageID: k.ring.MessageID(now, store.MailAutoResponse, "desk.example"),
	}
	_, err = k.db.DecideInbound(k.Context(), now,
		[]store.Decision{{ID: rows[0].ID, Verdict: store.Verdict{Kind: store.KindDirect, Answer: true}, Answer: &answer}})
	if err != nil {
		k.Fatal(err)
	}
	return answer.MessageID
}

func (k *world) confirmation() string {
	k.Helper()
	mails, err := store.Items(k.db.OutboundsOfTicket(k.Context(), k.last().Ticket, store.Page{Limit: 1}))
	if err != nil || len(mails) != 1 {
		k.Fatal(mails, err)
	}
	return mails[0].MessageID
}

// arrives puts a mail with that reference into the canary's mailbox.
func (k *world) arrives(ref string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.uid++
	k.letters = append(k.letters, watch.Letter{UID: k.uid, Arrived: time.Now(), Ref: ref})
}

func TestARunPassesWhenBothLettersCameOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newWorld(t, time.Hour)
		k.pass(time.Second)
		k.arrives(k.confirmation())
		k.arrives("somebody@else.example")
		k.pass(10 * time.Second)
		k.arrives(k.answers())
		if ended := k.pass(10 * time.Second); len(ended) != 0 {
			t.Errorf("it did not wait for a second answer: %+v", ended)
		}
		ended := k.pass(20 * time.Second)
		if len(ended) != 1 || !ended[0].Passed() || ended[0].Region != "us" {
			t.Fatalf("ended: %+v", ended)
		}
		r := ended[0]
		if r.Confirmation.ArrivedAt.Sub(r.StartedAt) > 2*time.Second ||
			r.Answer.ArrivedAt.Sub(r.StartedAt).Round(time.Second) != 11*time.Second {
			t.Errorf("it took %v and %v", r.Confirmation.ArrivedAt.Sub(r.StartedAt), r.Answer.ArrivedAt.Sub(r.StartedAt))
		}
		if len(k.letters) != 1 || k.letters[0].Ref != "somebody@else.example" {
			t.Errorf("left in the mailbox: %+v", k.letters)
		}
		if k.c.Try() {
			t.Error("it flies again at once")
		}
		k.pass(time.Minute)
		if !k.c.Try() || k.c.Try() {
			t.Error("it flies not when told, or twice")
		}
		k.pass(time.Second)
		if r := k.last(); r.ID == ended[0].ID || r.Region != "intl" {
			t.Errorf("the next run is %+v", r)
		}
	})
}

func TestWhatWentWrongIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		during func(k *world)
		want   []string
	}{
		"nothing came": {func(*world) {},
			[]string{"did not come into the ledger within 10m", "the confirmation did not arrive within 10m",
				"it waits in the outbox"}},
		"two answers": {func(k *world) {
			k.arrives(k.confirmation())
			ref := k.answers()
			k.arrives(ref)
			k.pass(15 * time.Second)
			k.arrives(ref)
		}, []string{"2 answers came to one mail"}},
		"no mailbox": {func(k *world) { k.goesAway(errors.New("NO [AUTHENTICATIONFAILED]")) },
			[]string{"mailbox could not be read: NO [AUTHENTICATIONFAILED]"}},
		"an answer that got lost": {func(k *world) {
			k.arrives(k.confirmation())
			k.answers()
		}, []string{"the answer did not arrive within 10m"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newWorld(t, time.Hour)
				k.pass(time.Second)
				c.during(k)
				ended := k.pass(12 * time.Minute)
				if len(ended) != 1 {
					t.Fatalf("ended: %+v", ended)
				}
				faults := strings.Join(ended[0].Faults, "\n")
				for _, want := range c.want {
					if !strings.Contains(faults, want) {
						t.Errorf("the faults lack %q:\n%s", want, faults)
					}
				}
				if k.visits > 60 {
					t.Errorf("the mailbox was visited %d times in one run", k.visits)
				}
			})
		})
	}
}

// TestARunOutlivesTheProcess: what was under way is taken up, nothing is sent anew.
func TestARunOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newWorld(t, time.Hour)
		k.pass(time.Second)
		run := k.last()
		k.stop()
		k.arrives(k.confirmation())
		k.arrives(k.answers())
		k.pass(time.Minute)
		k.start(time.Hour)
		ended := k.pass(time.Minute)
		if len(ended) != 1 || ended[0].ID != run.ID || !ended[0].Passed() {
			t.Fatalf("ended: %+v", ended)
		}
		if took := ended[0].Answer.ArrivedAt.Sub(run.StartedAt); took > 5*time.Second {
			t.Errorf("the answer counts as having taken %v", took)
		}
		k.pass(40 * time.Minute)
		if k.last().ID != run.ID {
			t.Error("the next run was not an hour after the first")
		}
		k.pass(20 * time.Minute)
		if k.last().ID == run.ID {
			t.Error("there was no next run")
		}
	})
}

func TestALetterOfAnEarlierRunIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newWorld(t, time.Hour)
		k.pass(time.Second)
		again := k.confirmation()
		k.arrives(again)
		k.arrives(k.answers())
		k.pass(time.Hour)
		k.arrives(again)
		k.arrives(k.confirmation())
		k.arrives(k.answers())
		ended := k.pass(2 * time.Minute)
		if len(ended) != 1 || len(ended[0].Faults) != 1 ||
			!strings.Contains(ended[0].Faults[0], "1 letters of earlier runs") {
			t.Errorf("ended: %+v", ended)
		}
		if len(k.letters) != 0 {
			t.Errorf("left in the mailbox: %+v", k.letters)
		}
	})
}

// TestAMarkIsMintedHereForAnHour: everybody else's is a stranger's mail.
func TestAMarkIsMintedHereForAnHour(t *testing.T) {
	t.Parallel()
	ring := func(b byte) *ident.Ring {
		r, err := ident.New(bytes.Repeat([]byte{b}, ident.SecretBytes))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	now := time.Now()
	name, mark := mint(ring(1), now)
	is := Recognise(ring(1), "Canary@desk.example")
	if run, ok := is("canary@desk.example", mark, now.Add(MarkKept-time.Second)); !ok || run != name {
		t.Errorf("its own mark is %q, %v", run, ok)
	}
	_, theirs := mint(ring(2), now)
	for what, got := range map[string]func() (string, bool){
		"too old":         func() (string, bool) { return is("canary@desk.example", mark, now.Add(MarkKept+time.Second)) },
		"from the future": func() (string, bool) { return is("canary@desk.example", mark, now.Add(-time.Hour)) },
		"somebody else's": func() (string, bool) { return is("eve@desk.example", mark, now) },
		"a tagged form":   func() (string, bool) { return is("canary+1@desk.example", mark, now) },
		"another house's": func() (string, bool) { return is("canary@desk.example", theirs, now) },
		"another purpose": func() (string, bool) {
			return is("canary@desk.example", ring(1).Sign("form", bytes.Repeat([]byte("x"), nameBytes)), now)
		},
		"no mark": func() (string, bool) { return is("canary@desk.example", "", now) },
	} {
		if run, ok := got(); ok {
			t.Errorf("%s: taken for %s", what, run)
		}
	}
	if other, _ := mint(ring(1), now); other == name {
		t.Error(fmt.Sprint("two runs are both called ", name))
	}
}
