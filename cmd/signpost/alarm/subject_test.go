package alarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/intake/form"
	"signpost/intake/staff"
	"signpost/mail/outbox"
	"signpost/mail/triage"
	"signpost/store"
)

// keysOf are the keys of troubles with their levels, such as "relay 1".
func keysOf(list []store.Trouble) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = fmt.Sprintf("%s %d", t.Key, t.Level)
		if t.What == "" || t.Do == "" {
			words[i] += " without words"
		}
	}
	return strings.Join(words, ", ")
}

func TestMailThatDoesNotLeaveIsTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	waiting := func(age time.Duration) time.Time { return now.Add(-age) }
	for name, c := range map[string]struct {
		oldest time.Time
		relay  outbox.RelayStatus
		want   string
	}{
		"nothing waits":     {time.Time{}, outbox.RelayStatus{}, ""},
		"just in time":      {waiting(10 * time.Minute), outbox.RelayStatus{}, ""},
		"too long":          {waiting(10*time.Minute + time.Second), outbox.RelayStatus{}, "outbox 1"},
		"for an hour":       {waiting(time.Hour), outbox.RelayStatus{}, "outbox 2"},
		"for days":          {waiting(50 * time.Hour), outbox.RelayStatus{}, "outbox 4"},
		"the relay is down": {time.Time{}, outbox.RelayStatus{State: outbox.RelayDown, Err: errors.New("gone")}, "relay 1"},
		"and nothing leaves": {waiting(7 * time.Hour), outbox.RelayStatus{State: outbox.RelayDown, Err: errors.New("gone")},
			"outbox 3, relay 1"},
	} {
		if got := keysOf(outboxTroubles(now, c.oldest, c.relay)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// relayOf is a sender with holds that a story sets.
type relayOf struct {
	Sender
	holding bool
	freed   time.Time
}

func (r relayOf) Holding(string) bool    { return r.holding }
func (r relayOf) Freed(string) time.Time { return r.freed }

// queueOf is a store in which mails wait.
type queueOf struct {
	Store
	mails []store.Outbound
}

func (q queueOf) WaitingOutbounds(context.Context, store.Page) (store.List[store.Outbound], error) {
	return store.List[store.Outbound]{Items: q.mails}, nil
}

// Mail that a hold keeps back is not late, and what it let go only when it still waits
// long after: the first look may fall between the hold's end and the mail's departure.
func TestMailThatAHoldLetGoIsNotLateAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	freed := began.Add(40 * time.Minute)
	for name, c := range map[string]struct {
		relay relayOf
		after time.Duration
		want  string
	}{
		"no hold":              {relayOf{}, 11 * time.Minute, "outbox 1"},
		"held":                 {relayOf{holding: true}, 40 * time.Minute, ""},
		"let go":               {relayOf{freed: freed}, 40 * time.Minute, ""},
		"let go a while ago":   {relayOf{freed: freed}, 50 * time.Minute, ""},
		"it did not leave":     {relayOf{freed: freed}, 51 * time.Minute, "outbox 1"},
		"of a hold before it":  {relayOf{freed: began.Add(-time.Minute)}, 11 * time.Minute, "outbox 1"},
		"held, let go earlier": {relayOf{holding: true, freed: began}, 3 * time.Hour, ""},
	} {
		s := &Subject{Sender: c.relay, Store: queueOf{mails: []store.Outbound{{QueuedAt: began}}}}
		now := began.Add(c.after)
		oldest := s.oldestUnheld(t.Context(), now, store.Stats{OldestQueued: began})
		if got := keysOf(outboxTroubles(now, oldest, outbox.RelayStatus{})); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestALittleRoomIsTold, and files are no longer taken before tickets are not.
func TestALittleRoomIsTold(t *testing.T) {
	t.Parallel()
	for free, c := range map[int64]struct {
		want  string
		files bool
	}{
		2 << 30:     {"", true},
		2<<30 - 1:   {"disk 1", true},
		512 << 20:   {"disk 1", true},
		512<<20 - 1: {"disk 2", false},
	} {
		s := &Subject{Config: config.Default(), Disk: &Disk{room: func(string) (int64, int64,
			error) {
			return free, 1 << 40, nil
		}}}
		if got := keysOf(s.diskTroubles(time.Now())); got != c.want ||
			s.Disk.HasRoom(int64(s.Config.Form.UploadFloor)) != c.files {
			t.Errorf("with %d bytes free: %q, files %v; want %q, %v", free, got,
				s.Disk.HasRoom(int64(s.Config.Form.UploadFloor)), c.want, c.files)
		}
	}
	s := &Subject{Config: config.Default(), Disk: &Disk{room: func(string) (int64, int64,
		error) {
		return 0, 0, errors.ErrUnsupported
	}}}
	if list := s.diskTroubles(time.Now()); len(list) != 0 || !s.Disk.HasRoom(int64(s.Config.Form.UploadFloor)) {
		t.Errorf("a system that does not tell the room: %s, files %v", keysOf(list),
			s.Disk.HasRoom(int64(s.Config.Form.UploadFloor)))
	}
}

// TestGuessingIsTold of an account by its id, and of codes as of what is worse; who
// mistypes is no trouble.
func TestGuessingIsTold(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]staff.Guessed{
		"":                    {Agent: 7, Failed: guessesTold - 1, RightPassword: codesTold - 1, Networks: 3},
		"guessing/7 1":        {Agent: 7, Failed: guessesTold, Networks: 3},
		"guessing/7 2":        {Agent: 7, Failed: 10 * guessesTold, Networks: 300},
		"guessing-codes/7 1":  {Agent: 7, Failed: 10 * guessesTold, RightPassword: codesTold},
		"guessing-codes/12 2": {Agent: 12, Failed: 10 * codesTold, RightPassword: 10 * codesTold},
		"guessing 1":          {Failed: strayGuessesTold},
	} {
		if got := keysOf(guessTroubles([]staff.Guessed{g})); got != want {
			t.Errorf("%+v: %q, want %q", g, got, want)
		}
	}
}

func TestConfirmationsThatWaitAreTold(t *testing.T) {
	t.Parallel()
	waiting := func(budget string, n uint64) store.Stats {
		return store.Stats{Outbounds: map[store.OutboundState]uint64{store.StateThrottled: n},
			Throttled: map[string]uint64{budget: n}}
	}
	for name, c := range map[string]struct {
		stats store.Stats
		floor int
		want  string
	}{
		"none":                        {store.Stats{}, 50, ""},
		"a few":                       {waiting("confirmation/network", 49), 50, ""},
		"many":                        {waiting("confirmation/network", 50), 50, "confirmations 1"},
		"a flood":                     {waiting("confirmation/domain", 5000), 50, "confirmations 3"},
		"switched off":                {waiting("confirmation/network", 5000), 0, ""},
		"one, for the limit over all": {waiting(form.BudgetAll, 1), 50, "confirmations 2"},
		"and for that of the day":     {waiting(form.BudgetAllDay, 1), 0, "confirmations 2"},
	} {
		if got := keysOf(throttledTroubles(c.stats, c.floor)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	what := throttledTroubles(store.Stats{
		Outbounds: map[store.OutboundState]uint64{store.StateThrottled: 60},
		Throttled: map[string]uint64{"confirmation/domain": 9, "confirmation/network": 51},
	}, 50)[0].What
	if what != "60 confirmations wait for room in a limit (confirmation/network: 51, confirmation/domain: 9)" {
		t.Error(what)
	}
}

// behindList is the verdict on a mail that came through a list of ours.
func behindList(kind store.Kind) store.Verdict {
	return store.Verdict{Kind: kind, Rules: []store.Rule{
		{ID: triage.RuleOwnList, Effect: store.EffectNote}, {ID: "list-header", Effect: store.EffectStop},
	}}
}

// TestAListInFrontOfAMailboxIsTold once enough mail came; reports and strangers' newsletters say nothing of it.
func TestAListInFrontOfAMailboxIsTold(t *testing.T) {
	t.Parallel()
	direct := store.Verdict{Kind: store.KindDirect}
	newsletter := store.Verdict{Kind: store.KindList, Rules: []store.Rule{{ID: "list-header", Effect: store.EffectStop}}}
	for name, c := range map[string]struct {
		mails []store.Verdict
		told  bool
	}{
		"a list": {slices.Repeat([]store.Verdict{behindList(store.KindList)}, 10), true},
		"a group that writes as us": {slices.Repeat([]store.Verdict{behindList(store.KindOwn), direct,
			behindList(store.KindList)}, 5), true},
		"half of them":       {slices.Repeat([]store.Verdict{behindList(store.KindList), direct}, 10), false},
		"newsletters":        {slices.Repeat([]store.Verdict{newsletter, direct}, 20), false},
		"bounces through it": {slices.Repeat([]store.Verdict{behindList(store.KindBounce), direct}, 20), false},
		"in earlier days": {slices.Concat(slices.Repeat([]store.Verdict{behindList(store.KindList)}, 40),
			slices.Repeat([]store.Verdict{direct}, 26)), false},
	} {
		var f lists
		for _, v := range c.mails {
			f.add(store.Inbound{Mailbox: "us", Verdict: v})
		}
		if n, all, yes := f.most("us"); yes != c.told {
			t.Errorf("%s: %d of %d told: %v", name, n, all, yes)
		}
	}
	var few lists
	for range minListed - 1 {
		few.add(store.Inbound{Mailbox: "us", Verdict: behindList(store.KindList)})
	}
	if _, _, yes := few.most("us"); yes {
		t.Error("told after a few mails")
	}
}
