package canary

import (
	"context"
	"time"

	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/text"
)

// progress is a run under way and what it has seen.
type progress struct {
	run    store.CanaryRun
	limit  time.Time
	whole  time.Time // when both letters were there; zero before
	late   int       // letters of earlier runs that came while this one was under way
	answer store.Outbound
	stray  store.Inbound // zero while it is not in the ledger
	// fault is why the canary's mailbox could not be visited last; nil: it was.
	fault error
}

// runCanary goes on with a run until it ends, or ctx does: then the next process goes
// on with it.
func (c *Canary) runCanary(ctx context.Context, run store.CanaryRun) {
	c.busy(true)
	defer c.busy(false)
	p := &progress{run: run, limit: run.StartedAt.Add(c.cfg.Limit)}
	for !c.over(ctx, p) {
		// The longer it takes, the less a moment matters.
		if !c.wait(ctx, max(c.cfg.Poll, time.Since(run.StartedAt)/10)) {
			return
		}
	}
	c.end(ctx, p)
}

// over looks and tells whether the run has come to its end.
func (c *Canary) over(ctx context.Context, p *progress) bool {
	before := p.run
	if err := c.look(ctx, p, false); err != nil {
		c.deps.Log.Warn("the canary could not look", "run", p.run.ID, "error", err)
	}
	now := time.Now()
	if p.whole.IsZero() && p.run.Answer.Count > 0 && p.run.Confirmation.Count > 0 {
		p.whole = now
	}
	if p.run.Seen != before.Seen || p.run.Answer != before.Answer || p.run.Confirmation != before.Confirmation {
		if err := c.record(ctx, p); err != nil {
			c.deps.Log.Error("what the canary measured could not be kept", "run", p.run.ID, "error", err)
		}
	}
	return now.After(p.limit) || !p.whole.IsZero() && now.Sub(p.whole) >= c.cfg.Settle
}

// record writes down what was measured so far; it may quote a server's words.
func (c *Canary) record(ctx context.Context, p *progress) error {
	text.Clean(&p.run)
	return c.deps.Store.RecordCanary(context.WithoutCancel(ctx), p.run)
}

// end judges the run, cleans up after it and writes it down.
func (c *Canary) end(ctx context.Context, p *progress) {
	if err := c.look(ctx, p, true); err != nil {
		p.fault = err
	}
	p.run.Faults = c.judge(ctx, p)
	p.run.EndedAt = time.Now()
	if err := c.record(ctx, p); err != nil {
		c.deps.Log.Error("the canary's run could not be ended", "run", p.run.ID, "error", err)
		c.wait(ctx, c.cfg.Rest) // it is taken up again
		return
	}
	if p.run.Passed() {
		c.deps.Log.Info("canary came back", "run", p.run.ID, "region", p.run.Region,
			"answer", p.run.Answer.ArrivedAt.Sub(p.run.StartedAt),
			"confirmation", p.run.Confirmation.ArrivedAt.Sub(p.run.StartedAt))
	} else {
		c.deps.Log.Warn("canary failed", "run", p.run.ID, "region", p.run.Region, "faults", len(p.run.Faults))
	}
	c.deps.Ended(p.run)
}

// leg counts one more letter.
func (c *Canary) leg(l store.CanaryLeg, letter watch.Letter, run store.CanaryRun, now time.Time) store.CanaryLeg {
	if l.Count++; l.Count > 1 {
		return l
	}
	l = stated(l, letter.Stated(c.cfg.Trusted))
	l.ArrivedAt = within(letter.Arrived, run.StartedAt, now)
	return l
}

// stated notes what the receiving host states of a letter.
func stated(l store.CanaryLeg, said triage.Auth) store.CanaryLeg {
	l.SPF, l.DMARC = said.SPF, said.DMARC
	switch {
	case len(said.DKIM) > 0:
		l.DKIM = "pass"
	case said.Checked:
		l.DKIM = "none"
	}
	return l
}

// within is an instant that another's clock told, to the second, as far as ours
// allows it.
func within(at, from, to time.Time) time.Time {
	switch {
	case at.Before(from):
		return from
	case at.After(to):
		return to
	}
	return at
}
