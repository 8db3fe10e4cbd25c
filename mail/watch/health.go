package watch

import (
	"maps"
	"time"

	"signpost/mail/triage"
	"signpost/store"
)

// State is what a watcher is doing.
type State string

// The states.
const (
	StateStopped    State = "stopped"
	StateConnecting State = "connecting"
	StateReading    State = "reading"
	StateIdle       State = "idle"    // waiting for new mail
	StateWaiting    State = "waiting" // the connection failed; waiting to try again
	StateRefused    State = "refused" // the login was refused; waiting longer
)

// Health is how a watcher is.
type Health struct {
	Mailbox string
	State   State
	Since   time.Time // of State
	// LastCycle is when the folder was last read to its end, Advanced when the
	// cursor last moved on the way there, which is long in a folder of years: an
	// operator is to be told when both are 15 minutes ago.
	LastCycle   time.Time
	Advanced    time.Time
	LastError   string
	Failures    int // connections lost in a row
	Waiting     int // mails the folder holds that are not in the ledger yet
	UIDValidity uint32
	UID         uint32 // every mail up to it is in the ledger
	// Since the start of the process.
	Decided, Answered, Quarantined uint64
}

// Observer is told what a watcher does, for metrics. Any field may be nil; none
// may wait.
type Observer struct {
	// Cycle: the folder was read to its end, or err says why not.
	Cycle func(mailbox string, took time.Duration, err error)
	// Decided: a mail has its verdict; lag is the time since we learned of it.
	Decided func(row store.Inbound, lag time.Duration)
	// Quarantined: a mail was set aside and waits for a person.
	Quarantined func(row store.Inbound)
}

func (o Observer) decided(row store.Inbound, lag time.Duration) {
	if o.Decided != nil {
		o.Decided(row, lag)
	}
}

func (o Observer) quarantined(row store.Inbound) {
	if o.Quarantined != nil {
		o.Quarantined(row)
	}
}

// Health tells how the watcher is.
func (w *Watcher) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

func (w *Watcher) count(change func(*Health)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.health)
}

func (w *Watcher) enter(state State, s *session) {
	w.count(func(h *Health) {
		if h.State != state {
			h.State, h.Since = state, time.Now()
		}
		if s != nil {
			h.UIDValidity, h.UID = s.folder.validity, s.folder.cursor
		}
	})
}

func (w *Watcher) cycled(took time.Duration, err error) {
	if err == nil {
		w.count(func(h *Health) { h.LastCycle, h.LastError, h.Failures = time.Now(), "", 0 })
	}
	if w.deps.Observer.Cycle != nil {
		w.deps.Observer.Cycle(w.box.ID, took, err)
	}
}

func (w *Watcher) faulted(err error, failures int) {
	state := StateWaiting
	if isRefused(err) {
		state = StateRefused
	}
	w.enter(state, nil)
	w.count(func(h *Health) { h.LastError, h.Failures = err.Error(), failures })
}

// tally counts what waited in a mailbox when it was first connected.
type tally struct {
	mails, answer int
	kinds         map[store.Kind]int
}

func (t *tally) add(r triage.Result, wouldAnswer bool) {
	if t == nil {
		return
	}
	if t.kinds == nil {
		t.kinds = map[store.Kind]int{}
	}
	t.mails++
	t.kinds[r.Kind]++
	if wouldAnswer {
		t.answer++
	}
}

// reportFirst tells once what waited in a mailbox never seen before: nothing of
// it is answered, and the operator sees what would have been.
func (s *session) reportFirst() {
	t := s.folder.first
	if t == nil {
		return
	}
	s.folder.first = nil
	s.w.log.Info("mailbox connected for the first time; what waited in it is not answered",
		"mails", t.mails, "would_have_answered", t.answer, "kinds", maps.Clone(t.kinds))
}
