package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// flowStore reads what waits, and who is answered.
type flowStore interface {
	Stats(ctx context.Context) (store.Stats, error)
	WaitingOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
	Responder(ctx context.Context, now time.Time) (store.Responder, error)
	MailboxResponder(ctx context.Context, mailbox string) (store.Responder, error)
}

// waitingLooked is how many waiting mails are told apart by region.
const waitingLooked = 1000

// longWait is how old an unsent mail may grow before its region is in trouble.
const longWait = 10 * time.Minute

// flowData is what stands on top of today's page.
type flowData struct {
	Regions   []regionFlow
	Troubles  []string
	Waiting   []figure // mail that is to go out now
	Out, In   []figure // since this installation began
	Responder string
}

type regionFlow struct {
	ID, Name, Address string
	Tone, Word        string // of the badge
	Sentence          string
}

// figure is a number and where its rows are.
type figure struct {
	Name, Link string
	Count      uint64
	Tone       string
}

// flowNow tells whether mail flows.
func (o *Ops) flowNow(ctx context.Context, now time.Time) (*flowData, error) {
	stats, err := o.stores.flow.Stats(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := store.Items(o.stores.flow.WaitingOutbounds(ctx, store.Page{Limit: waitingLooked}))
	if err != nil {
		return nil, err
	}
	responder, err := o.stores.flow.Responder(ctx, now)
	if err != nil {
		return nil, err
	}
	boxes := o.deps.Mailboxes()
	d := &flowData{
		Waiting: waitingFigures(stats), Out: outFigures(stats), In: inFigures(stats), Responder: responderWords(responder),
	}
	for _, words := range o.deps.Troubles(ctx) {
		d.Troubles = append(d.Troubles, capital(words))
	}
	for _, r := range o.deps.Regions {
		answers, err := o.answersIn(ctx, r, responder)
		if err != nil {
			return nil, err
		}
		d.Regions = append(d.Regions, flowOf(r, waiting, boxes, answers, now, o.holdsAll()))
	}
	return d, nil
}

// answersIn tells whether strays to a region's address are answered, as far as the
// switches go; all is the one over every mailbox.
func (o *Ops) answersIn(ctx context.Context, r store.Region, all store.Responder) (bool, error) {
	if r.Mailbox == "" || !all.On {
		return all.On, nil
	}
	own, err := o.stores.flow.MailboxResponder(ctx, r.Mailbox)
	return own.On, err
}

// holdsAll tells whether the relay refuses all our mail.
func (o *Ops) holdsAll() bool {
	return slices.ContainsFunc(o.deps.Holds(), func(h Hold) bool { return h.Domain == "" })
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return web.Span(now.Sub(t)) + " ago"
}

// flowOf says in one sentence whether a region's mail flows, out and in.
func flowOf(
	r store.Region, waiting []store.Outbound, boxes []Mailbox, answers bool, now time.Time, heldAll bool,
) regionFlow {
	f := regionFlow{ID: r.ID, Name: r.Name, Address: r.Address, Word: "flows"}
	n, held, oldest := waitingOf(r, waiting, now)
	out := "Everything queued has gone out"
	switch {
	case n == 1:
		out = fmt.Sprintf("1 mail has waited %s to go out", web.Span(oldest))
	case n > 1:
		out = fmt.Sprintf("%d mails wait to go out, the oldest for %s", n, web.Span(oldest))
	}
	switch {
	case held > 0 && heldAll:
		f.Tone, f.Word = "red", "held"
	case held > 0:
		f.Tone, f.Word = "amber", "some held"
	case oldest > longWait:
		f.Tone, f.Word = "amber", "late"
	}
	in := "its mailbox is not watched here"
	for _, b := range boxes {
		if b.ID != r.Mailbox {
			continue
		}
		in = "its mailbox was read to the end " + ago(b.LastCycle, now)
		if b.LastCycle.IsZero() {
			in = "its mailbox was not read to the end yet"
		}
		if b.Silent {
			f.Tone, f.Word = "red", "stopped"
			in += ", which is too long"
		}
	}
	f.Sentence = out + "; " + in + "."
	if !answers {
		f.Sentence += " Automatic answers are off."
		if f.Tone == "" {
			f.Tone, f.Word = "amber", "answers off"
		}
	}
	return f
}

// waitingOf counts the mails of a region that wait, those of them that are held, and
// how long the oldest has waited.
func waitingOf(r store.Region, waiting []store.Outbound, now time.Time) (n, held int, oldest time.Duration) {
	for _, o := range waiting {
		if o.Region != r.ID {
			continue
		}
		n++
		if o.State == store.StateHeld {
			held++
		}
		oldest = max(oldest, now.Sub(o.QueuedAt))
	}
	return n, held, oldest
}

func responderWords(r store.Responder) string {
	text := "Automatic answers are on."
	switch {
	case r.Tripped:
		text = "Automatic answers are stopped by the breaker."
	case !r.On:
		text = "Automatic answers are off."
	}
	if r.Since.IsZero() {
		return text
	}
	text += " Since " + when(r.Since) + " UTC"
	if r.By != "" {
		text += ", by " + r.By
	}
	if r.Reason != "" {
		text += ": " + strings.TrimSuffix(r.Reason, ".")
	}
	text += "."
	if r.Tripped {
		text += " They go on by themselves at " + when(r.RearmsAt) +
			" UTC, or as soon as the breaker is reset; each time in a row that it trips the pause is longer."
	}
	return text
}

func waitingFigures(s store.Stats) []figure {
	return []figure{
		{"waiting", "/ops/queue", s.Outbounds[store.StateQueued] + s.Outbounds[store.StateClaimed], "amber"},
		{"throttled", "/ops/queue#throttled", s.Outbounds[store.StateThrottled], "amber"},
		{"held", "/ops/queue#held", s.Outbounds[store.StateHeld], "amber"},
	}
}

func outFigures(s store.Stats) []figure {
	return []figure{
		{"sent", "", s.Outbounds[store.StateSent], ""},
		{"failed", "/ops/queue#failed", s.Outbounds[store.StateFailed], "red"},
		{"bounced", "/ops/bounces", s.Fates[store.FateBounced], "red"},
		{"rejected by servers", "/ops/bounces", s.Fates[store.FateRefused], "red"},
		{"suppressed", "/ops/suppressions", s.Outbounds[store.StateSuppressed], ""},
		{"in doubt", "", s.Outbounds[store.StateUnknown], ""},
	}
}

// inFigures are the mails of the ledger by what became of them, those there are.
func inFigures(s store.Stats) (all []figure) {
	for _, m := range verdict.Marks() {
		n := s.Verdicts[store.Kind(m.ID)] + s.Inbounds[store.InboundState(m.ID)]
		if n > 0 {
			all = append(all, figure{m.Name, "/ops/ledger?mark=" + m.ID, n, m.Tone})
		}
	}
	return all
}
