package outbox

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// Store are the verbs the sender needs; their contracts stand in store.Outbox.
type Store interface {
	ClaimOutbound(ctx context.Context, now time.Time, c store.Claim) ([]store.Outbound, error)
	FinishOutbound(ctx context.Context, now time.Time, f store.Finish) error
	NextOutbound(ctx context.Context) (time.Time, error)
	RetryOutbounds(ctx context.Context, now time.Time, by store.Actor, r store.Retry) (store.Retried, error)
	HeldOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
}

// Sender hands the store's outbound mail to the relay.
type Sender struct {
	cfg     Config
	store   Store
	compose Compose
	log     *slog.Logger
	observe Observer
	relay   *relay
	holds   *holds

	rows chan store.Outbound // claimed, waiting for a worker
	held atomic.Int64        // claimed and not finished
	kick chan struct{}       // the outbox changed
	room chan struct{}       // a worker took a row, or one was finished
	ends chan struct{}       // one token for each end being recorded
	done sync.WaitGroup      // the same, for the stop
}

// buffered is how many claimed rows may wait for each worker: enough that one
// claim serves many mails, few enough that none waits out its lease.
const buffered = 4

// unrecorded is how many ends each worker may leave to be recorded while it goes
// on to the next mail, so that one commit of the store takes many. It is also
// how many mails a crash at the wrong instant may send twice.
const unrecorded = 4

// New returns a Sender that does nothing until Run. The settings must be valid
// (Config.Validate).
func New(cfg Config, st Store, compose Compose, log *slog.Logger, observe Observer) *Sender {
	cfg = cfg.withDefaults()
	s := &Sender{
		cfg: cfg, store: st, compose: compose, log: log, observe: observe,
		rows: make(chan store.Outbound, buffered*cfg.Sessions),
		kick: make(chan struct{}, 1),
		room: make(chan struct{}, 1),
		ends: make(chan struct{}, unrecorded*cfg.Sessions),
	}
	if cfg.Clear == nil {
		s.cfg.Clear = func(why error) { log.Warn("mail goes to the relay in the clear", "error", why) }
	}
	s.relay = newRelay(s.cfg, s.relayChanged)
	s.holds = newHolds(s.holdChanged)
	return s
}

// Kick tells the sender that a mail was queued. It never blocks and may be
// called at any time, from anywhere, but only after the commit.
func (s *Sender) Kick() { signal(s.kick) }

// Relay returns how the relay does now.
func (s *Sender) Relay() RelayStatus { return s.relay.now() }

// Holds lists what is kept back now, since the relay refuses it for a reason of ours.
func (s *Sender) Holds() []HoldStatus { return s.holds.now() }

// HoldsAll tells whether all mail is kept back.
func (s *Sender) HoldsAll() bool {
	list := s.holds.now()
	return len(list) == 1 && list[0].Domain == ""
}

// Holding tells whether mail to an address is kept back now.
func (s *Sender) Holding(address string) bool {
	return s.holds.covers(address)
}

// Freed is when the last hold over mail to an address ended, zero when there was none
// within the last hour.
func (s *Sender) Freed(address string) time.Time { return s.holds.freedAt(address) }

// Hasten is Kick for a person who mended something: holds are probed at once.
func (s *Sender) Hasten() {
	s.holds.hasten(time.Now())
	s.Kick()
}

// Traits returns what the relay showed of itself; safe for concurrent use.
func (s *Sender) Traits() Traits { return s.relay.known.traits() }

// Learn opens a connection to the relay, so that its traits are known before the
// first mail, and keeps it for that mail.
func (s *Sender) Learn(ctx context.Context) error {
	session, err := open(ctx, s.cfg, s.relay.known)
	if err == nil {
		s.relay.keep(session)
	}
	return err
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends. Then it claims no more, puts back what no worker
// has begun, gives the dialogues under way StopGrace to end, breaks off those
// that have not, and returns nil when every row is accounted for. It may be
// called once.
func (s *Sender) Run(ctx context.Context) error {
	abort, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var workers sync.WaitGroup
	for range s.cfg.Sessions {
		workers.Go(func() {
			for row := range s.rows {
				signal(s.room)
				if rest := s.handle(ctx, abort, row); rest {
					sleep(ctx, restAfterRefusal)
				}
			}
		})
	}
	if err := s.recall(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("held mail cannot be listed; each is tried once", "error", err)
	}
	s.claimUntil(ctx)
	close(s.rows)
	grace := time.AfterFunc(s.cfg.StopGrace, cut)
	defer grace.Stop()
	workers.Wait()
	s.done.Wait()
	s.relay.shut()
	return nil
}

// restAfterRefusal is how long a worker leaves its connection unopened when the
// relay refused it one while others are open: most relays limit their number.
const restAfterRefusal = 15 * time.Second

// handle sees one claimed row to its end.
func (s *Sender) handle(run, abort context.Context, row store.Outbound) (rest bool) {
	now := time.Now()
	status := s.relay.now()
	switch {
	case run.Err() != nil, row.DueAt.Sub(now) < s.cfg.Dialogue: // or its lease might run out in the dialogue
		s.giveBack(abort, row, now)
	case row.Kind.AtMostOnce() && now.After(s.cfg.lastTry(row)):
		late := &DeliveryError{Verdict: Fail, Stage: StageCompose, Err: errLate}
		s.recordTry(abort, row, s.cfg.outcome(row, reply{}, late, time.Time{}, now, 0), late, 0)
	case status.State == RelayDown:
		s.giveBack(abort, row, status.RetryAt)
	default:
		if ok, due := s.holds.passes(row); !ok {
			s.giveBack(abort, row, due)
			return false
		}
		return s.try(abort, row)
	}
	s.holds.unproven(row, false, now)
	return false
}

var errLate = errors.New("too old to be an answer")

// try makes one attempt at row and records how it ended.
func (s *Sender) try(abort context.Context, row store.Outbound) (rest bool) {
	ctx, cancel := context.WithTimeout(abort, s.cfg.Dialogue)
	defer cancel()
	begun := time.Now()
	rep, fault := s.hand(ctx, row)
	var relayAt time.Time
	if abort.Err() == nil {
		rest = s.relay.note(errorOf(fault))
	}
	now := time.Now()
	var heldUntil time.Time
	switch {
	case fault == nil:
		s.hurry(abort, s.holds.took(row))
	case fault.Verdict == Hold:
		heldUntil = s.holds.refuse(row, fault, now)
	default:
		s.holds.unproven(row, fault.Stage != StageCompose, now)
	}
	switch status := s.relay.now(); {
	case fault == nil:
	case fault.Verdict == Hold:
		relayAt = heldUntil
	case abort.Err() != nil, rest:
		relayAt = now // no fault of the mail: the next process, or an open connection, may take it at once
	case fault.ofRelay() && status.State == RelayDown:
		relayAt = status.RetryAt
	}
	s.recordTry(abort, row, s.cfg.outcome(row, rep, fault, relayAt, now, rand.Float64()), fault, now.Sub(begun))
	return rest
}

// hurry makes rows due that a hold made wait; where that fails they are due a few
// minutes later.
func (s *Sender) hurry(ctx context.Context, ids []store.OutboundID) {
	if len(ids) == 0 {
		return
	}
	again := store.Retry{IDs: ids}
	if _, err := s.store.RetryOutbounds(context.WithoutCancel(ctx), time.Now(), store.ByService(), again); err != nil {
		s.log.Warn("held mail waits for its own time", "mails", len(ids), "error", err)
	}
	s.Kick()
}

// hand composes row and sends it.
func (s *Sender) hand(ctx context.Context, row store.Outbound) (reply, *DeliveryError) {
	m, err := s.compose(ctx, row)
	if err != nil {
		fault := *asDelivery(StageCompose, err)
		fault.Stage = StageCompose // whatever the composer said: the relay was not asked
		return reply{}, &fault
	}
	rep, fault := s.send(ctx, row, m)
	if fault == nil || m.Smaller == nil || !fault.tooLarge() {
		return rep, fault
	}
	if m, err = m.Smaller(); err != nil {
		return reply{}, fault
	}
	return s.send(ctx, row, m)
}

// send hands a mail of row to the relay, and judges a refusal.
func (s *Sender) send(ctx context.Context, row store.Outbound, m Message) (reply, *DeliveryError) {
	if fault := m.check(); fault != nil {
		return reply{}, fault
	}
	rep, err := s.relay.send(ctx, m)
	if err != nil {
		fault := asDelivery(StageData, err)
		fault.judge(Parties{To: row.To, Ours: []string{row.From, m.From}})
		return reply{}, fault
	}
	return rep, nil
}

// errorOf keeps a nil *DeliveryError a nil error.
func errorOf(d *DeliveryError) error {
	if d == nil {
		return nil
	}
	return d
}

// recordTry records the end of a try, tells the metrics, and logs the change.
func (s *Sender) recordTry(abort context.Context, row store.Outbound, f store.Finish, fault *DeliveryError,
	took time.Duration,
) {
	a := Attempt{Kind: row.Kind, Outcome: f.State, Code: f.Code, Took: took, Waited: time.Since(row.QueuedAt)}
	level := slog.LevelInfo
	if fault != nil {
		a.Stage = fault.Stage
		level = slog.LevelWarn
	}
	s.record(abort, row, f, func() {
		s.observe.attempt(a)
		// The reply's text may name the recipient, so it is for debugging only;
		// the store keeps it with the row.
		s.log.Log(abort, level, "outbound "+string(f.State), "outbound", row.ID, "kind", row.Kind,
			"message_id", row.MessageID, "ticket", row.Number, "attempt", row.Attempts,
			"stage", a.Stage, "code", f.Code, "enhanced", f.Enhanced, "took", took)
		s.log.Debug("outbound reply", "outbound", row.ID, "reply", f.Reply)
	})
}

func (s *Sender) giveBack(abort context.Context, row store.Outbound, due time.Time) {
	s.record(abort, row, putBack(row, due), s.observe.putBack)
}

// record has the end of a try written in the background, then calls tell. It
// waits where too many ends are being written.
func (s *Sender) record(abort context.Context, row store.Outbound, f store.Finish, tell func()) {
	s.ends <- struct{}{}
	s.done.Go(func() {
		s.finish(abort, row, f)
		<-s.ends
		s.held.Add(-1)
		signal(s.room)
		tell()
	})
}

// Waits between the tries to record an end when the store fails.
const (
	storeWaitFirst = 100 * time.Millisecond
	storeWaitLast  = 10 * time.Second
)

// finish records an end. While the store cannot take it (a full disk) it holds
// on, as long as the lease lasts: a mail that is out and not recorded would go
// out again.
func (s *Sender) finish(abort context.Context, row store.Outbound, f store.Finish) {
	text.Clean(&f) // of the relay's words
	wait := storeWaitFirst
	for {
		err := s.store.FinishOutbound(context.WithoutCancel(abort), time.Now(), f)
		if err == nil {
			if f.State.Waiting() {
				s.Kick() // it may fall due before what the loop sleeps for
			}
			return
		}
		if errors.Is(err, store.ErrConflict) || abort.Err() != nil || time.Now().After(row.DueAt) {
			s.log.Error("outbound end not recorded", "outbound", row.ID, "state", f.State, "error", err)
			return
		}
		s.log.Warn("outbound end not recorded yet", "outbound", row.ID, "state", f.State, "error", err)
		sleep(abort, wait)
		wait = min(2*wait, storeWaitLast)
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// holdChanged logs that a hold begins or ends; the relay's words may name addresses,
// so they are for debugging only.
func (s *Sender) holdChanged(h HoldStatus, over bool) {
	scope := "all mail"
	if h.Domain != "" {
		scope = "one domain"
	}
	s.observe.hold(h, over)
	if over {
		s.log.Info("mail no longer held", "scope", scope, "since", h.Since, "refused", h.Refused)
		return
	}
	s.log.Warn("mail held: the relay refuses it for a reason of ours", "scope", scope, "stage", h.Stage, "probe_at",
		h.ProbeAt)
	s.log.Debug("mail held", "domain", h.Domain, "words", h.Words)
}

func (s *Sender) relayChanged(st RelayStatus) {
	s.observe.relay(st)
	switch st.State {
	case RelayUp:
		s.log.Info("relay up")
	case RelayTrying:
		s.log.Info("relay reached again, one mail goes first")
	case RelayDown:
		s.log.Warn("relay down", "error", st.Err, "since", st.Since, "retry_at", st.RetryAt)
	}
}
