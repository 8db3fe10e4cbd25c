package canary

import (
	"context"
	"time"

	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/text"
)

// flight is a run under way and what it has seen.
type flight struct {
	run    store.CanaryRun
	limit  time.Time
	whole  time.Time // when both letters were there; zero before
	late   int       // letters of earlier runs that came while this one flew
	answer store.Outbound
	stray  store.Inbound // zero while it is not in the ledger
	// fault is why the canary's mailbox could not be visited last; nil: it was.
	fault error
}

// fly goes on with a run until it ends, or ctx does: then the next process goes
// on with it.
func (c *Canary) fly(ctx context.Context, run store.CanaryRun) {
	c.busy(true)
	defer c.busy(false)
	f := &flight{run: run, limit: run.StartedAt.Add(c.cfg.Limit)}
	for !c.over(ctx, f) {
		// The longer it takes, the less a moment matters.
		if !c.wait(ctx, max(c.cfg.Poll, time.Since(run.StartedAt)/10)) {
			return
		}
	}
	c.end(ctx, f)
}

// over looks and tells whether the run has come to its end.
func (c *Canary) over(ctx context.Context, f *flight) bool {
	before := f.run
	if err := c.look(ctx, f, false); err != nil {
		c.deps.Log.Warn("the canary could not look", "run", f.run.ID, "error", err)
	}
	now := time.Now()
	if f.whole.IsZero() && f.run.Answer.Count > 0 && f.run.Confirmation.Count > 0 {
		f.whole = now
	}
	if f.run.Seen != before.Seen || f.run.Answer != before.Answer || f.run.Confirmation != before.Confirmation {
		if err := c.record(ctx, f); err != nil {
			c.deps.Log.Error("what the canary measured could not be kept", "run", f.run.ID, "error", err)
		}
	}
	return now.After(f.limit) || !f.whole.IsZero() && now.Sub(f.whole) >= c.cfg.Settle
}

// record writes down what was measured so far; it may quote a server's words.
func (c *Canary) record(ctx context.Context, f *flight) error {
	text.Clean(&f.run)
	return c.deps.Store.RecordCanary(context.WithoutCancel(ctx), f.run)
}

// end judges the run, cleans up after it and writes it down.
func (c *Canary) end(ctx context.Context, f *flight) {
	if err := c.look(ctx, f, true); err != nil {
		f.fault = err
	}
	f.run.Faults = c.judge(ctx, f)
	f.run.EndedAt = time.Now()
	if err := c.record(ctx, f); err != nil {
		c.deps.Log.Error("the canary's run could not be ended", "run", f.run.ID, "error", err)
		c.wait(ctx, c.cfg.Rest) // it is taken up again
		return
	}
	if f.run.Passed() {
		c.deps.Log.Info("canary came back", "run", f.run.ID, "region", f.run.Region,
			"answer", f.run.Answer.ArrivedAt.Sub(f.run.StartedAt),
			"confirmation", f.run.Confirmation.ArrivedAt.Sub(f.run.StartedAt))
	} else {
		c.deps.Log.Warn("canary failed", "run", f.run.ID, "region", f.run.Region, "faults", len(f.run.Faults))
	}
	c.deps.Ended(f.run)
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
