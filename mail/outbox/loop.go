package outbox

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// nap is what the loop waits for when there is nothing to do. A kick always
// ends it.
type nap struct {
	until time.Time // zero: no hour is set
	room  bool      // a worker that took or finished a row ends it too
}

// sooner is the nap that ends at an instant at the latest; the zero one changes
// nothing.
func (n nap) sooner(at time.Time) nap {
	if !at.IsZero() && (n.until.IsZero() || at.Before(n.until)) {
		n.until = at
	}
	return n
}

// again is no nap at all.
func again() nap { return nap{until: time.Unix(1, 0)} }

// Waits of the loop where no event tells it when to go on.
const (
	// blockedFirst, blockedLast: rows are due but held back by PerDomain, perhaps
	// for claims that are not ours (another node's, or those of a process that
	// crashed), whose end is not announced.
	blockedFirst = time.Second
	blockedLast  = 30 * time.Second
	// lookAgain bounds every nap: a timer does not see a clock that is set
	// forward, nor the time a machine is suspended.
	lookAgain = time.Minute
	// faultFirst, faultLast: the store fails.
	faultFirst = 100 * time.Millisecond
	faultLast  = 30 * time.Second
)

// claimUntil is the loop: claim what is due, sleep until more is.
func (s *Sender) claimUntil(ctx context.Context) {
	blocked := backoff{first: blockedFirst, last: blockedLast}
	faults := backoff{first: faultFirst, last: faultLast}
	for ctx.Err() == nil {
		n, err := s.step(ctx, &blocked)
		if err != nil && ctx.Err() == nil {
			s.log.Error("outbox cannot be read", "error", err)
			n = nap{until: time.Now().Add(faults.next())}
		} else {
			faults.reset()
		}
		s.doze(ctx, n)
	}
}

// step does one round and says what to wait for.
func (s *Sender) step(ctx context.Context, blocked *backoff) (nap, error) {
	limit := cap(s.rows) - len(s.rows)
	switch status := s.relay.now(); {
	case status.State == RelayDown && time.Now().Before(status.RetryAt):
		return nap{until: status.RetryAt, room: true}, nil // a dialogue begun before may show that it is up
	case status.State == RelayDown:
		s.relay.probe(ctx)
		return again(), nil
	case status.State == RelayTrying && s.held.Load() > 0:
		return nap{room: true}, nil
	case status.State == RelayTrying:
		limit = 1
	case limit < cap(s.rows)/2:
		return nap{room: true}, nil // a claim is a commit: make it worth one
	}
	p := s.holds.plan(time.Now())
	switch {
	case p.none:
		return nap{until: p.next, room: true}, nil
	case p.probe && s.held.Load() > 0: // first what was claimed before the hold ends
		return nap{room: true}, nil
	case p.probe:
		return s.probeAll(ctx, p, blocked)
	}
	return s.claimAll(ctx, limit, p, blocked)
}

// claimAll claims up to limit rows: first one for each held domain that is to be
// probed, then what is not held.
func (s *Sender) claimAll(ctx context.Context, limit int, p plan, blocked *backoff) (nap, error) {
	for _, domain := range p.probes[:min(len(p.probes), limit-1)] {
		rows, err := s.claim(ctx, store.Claim{Limit: 1, Only: domain})
		if err != nil {
			return nap{}, err
		}
		s.holds.send(domain, firstOf(rows))
		s.assign(rows)
		limit -= len(rows)
	}
	rows, err := s.claim(ctx, store.Claim{Limit: limit, Except: p.except})
	if err != nil {
		return nap{}, err
	}
	s.assign(rows)
	if len(rows) > 0 {
		blocked.reset()
	}
	if len(rows) == limit {
		return again(), nil
	}
	n, err := s.untilDue(ctx, blocked)
	return n.sooner(p.next), err
}

// probeAll claims the one mail that shows whether the relay takes any again.
func (s *Sender) probeAll(ctx context.Context, p plan, blocked *backoff) (nap, error) {
	rows, err := s.claim(ctx, store.Claim{Limit: 1, Except: p.except})
	if err == nil && len(rows) == 0 && len(p.except) > 0 {
		rows, err = s.claim(ctx, store.Claim{Limit: 1})
	}
	if err != nil {
		return nap{}, err
	}
	if len(rows) > 0 {
		s.holds.send("", rows[0].ID)
		s.assign(rows)
		blocked.reset()
		return nap{room: true}, nil
	}
	if _, err := s.store.NextOutbound(ctx); errors.Is(err, store.ErrNotFound) {
		s.holds.idle()
	}
	return s.untilDue(ctx, blocked)
}

// claim leases rows. A claim that was broken off might have been written all the
// same, and its rows would wait out their leases, so the end of ctx does not break
// it off.
func (s *Sender) claim(ctx context.Context, c store.Claim) ([]store.Outbound, error) {
	c.PerDomain, c.Lease, c.Owner = s.cfg.PerDomain, s.cfg.leases(), s.cfg.Owner
	return s.store.ClaimOutbound(context.WithoutCancel(ctx), time.Now(), c)
}

// assign hands claimed rows to the workers. It never blocks: no more are claimed
// than there is room.
func (s *Sender) assign(rows []store.Outbound) {
	s.held.Add(int64(len(rows)))
	for _, row := range rows {
		s.rows <- row
	}
}

func firstOf(rows []store.Outbound) store.OutboundID {
	if len(rows) == 0 {
		return 0
	}
	return rows[0].ID
}

// untilDue is the nap of a loop that has claimed all it could.
func (s *Sender) untilDue(ctx context.Context, blocked *backoff) (nap, error) {
	next, err := s.store.NextOutbound(ctx)
	switch now := time.Now(); {
	case errors.Is(err, store.ErrNotFound):
		return nap{}, nil
	case err != nil:
		return nap{}, err
	case next.After(now):
		return nap{until: next}, nil
	default:
		// Rows of a domain that has its fill. Mostly one of our own ends and
		// makes room; it may have ended since the claim.
		return nap{room: true, until: now.Add(blocked.next())}, nil
	}
}

// doze waits as n says, or for a kick or the end of ctx.
func (s *Sender) doze(ctx context.Context, n nap) {
	var timer <-chan time.Time
	if !n.until.IsZero() {
		wait := time.Until(n.until)
		if wait <= 0 {
			return
		}
		t := time.NewTimer(min(wait, lookAgain))
		defer t.Stop()
		timer = t.C
	}
	var room <-chan struct{}
	if n.room {
		room = s.room
	}
	select {
	case <-ctx.Done():
	case <-s.kick:
	case <-room:
	case <-timer:
	}
}

// backoff doubles from first to last.
type backoff struct{ first, last, wait time.Duration }

func (b *backoff) next() time.Duration {
	b.wait = min(max(b.first, 2*b.wait), b.last)
	return b.wait
}

func (b *backoff) reset() { b.wait = 0 }
