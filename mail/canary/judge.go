package canary

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

// judge is all that went wrong in a run, in words for those who are to mend it.
func (c *Canary) judge(ctx context.Context, p *progress) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	r := p.run
	waited := time.Since(r.StartedAt).Round(time.Second)
	switch {
	case r.Seen.Count == 0:
		add("the stray mail did not come into the ledger within %v: %s", waited, c.fateOf(ctx, r.StrayID))
	case r.Seen.Count > 1:
		add("the stray mail came into the ledger %d times", r.Seen.Count)
	}
	if p.fault != nil {
		add("the canary's mailbox could not be read: %v", p.fault)
		return faults
	}
	switch {
	case r.Seen.Count > 0 && p.answer.ID == 0:
		add("the stray mail was not answered: %s", reasons(p.stray))
	case p.answer.ID != 0 && r.Answer.Count == 0:
		add("the answer did not arrive within %v: %s", waited, wordsOf(p.answer))
	case r.Answer.Count > 1:
		add("%d answers came to one mail", r.Answer.Count)
	}
	switch {
	case r.Confirmation.Count == 0:
		add("the confirmation did not arrive within %v: %s", waited, c.confirmation(ctx, r.Ticket))
	case r.Confirmation.Count > 1:
		add("%d confirmations came of one ticket", r.Confirmation.Count)
	}
	if p.late > 0 {
		add("%d letters of earlier runs came meanwhile: something is late, or comes twice", p.late)
	}
	return append(faults, authFaults(r)...)
}

// authFaults is what receiving hosts hold against our mail.
func authFaults(r store.CanaryRun) (faults []string) {
	for _, leg := range []struct {
		name string
		of   store.CanaryLeg
	}{{"answer", r.Answer}, {"confirmation", r.Confirmation}} {
		switch {
		case leg.of.DMARC == "fail":
			faults = append(faults, "the receiving host states dmarc=fail of the "+leg.name)
		case leg.of.SPF == "fail" && leg.of.DKIM != "pass":
			faults = append(faults, "the receiving host states spf=fail of the "+leg.name+", and nothing signed it")
		}
	}
	return faults
}

// fateOf is what became of one of our mails, by its Message-ID.
func (c *Canary) fateOf(ctx context.Context, messageID string) string {
	row, err := c.deps.Store.OutboundByMessageID(ctx, messageID)
	if err != nil {
		return err.Error()
	}
	return wordsOf(row)
}

func (c *Canary) confirmation(ctx context.Context, id store.TicketID) string {
	rows, err := store.Items(c.deps.Store.OutboundsOfTicket(ctx, id, store.Page{Limit: 1}))
	if err != nil || len(rows) == 0 {
		return fmt.Sprint("it is not there: ", err)
	}
	return wordsOf(rows[0])
}

// wordsOf tells how far a mail came.
func wordsOf(row store.Outbound) string {
	said := row.Reply
	if row.Reason != "" {
		said = row.Reason
	}
	switch row.State {
	case store.StateSent:
		return "the relay took it (" + said + ")"
	case store.StateQueued, store.StateClaimed:
		if said == "" {
			return "it waits in the outbox"
		}
		return "it waits in the outbox (" + said + ")"
	}
	return fmt.Sprintf("it is %s (%s)", row.State, said)
}

// reasons are the rules that kept a mail from being answered.
func reasons(row store.Inbound) string {
	if row.State != store.InboundDecided {
		return "it is not decided yet"
	}
	var all []string
	for _, r := range row.Verdict.Rules {
		if r.Effect == store.EffectStop || r.Effect == store.EffectMissing {
			all = append(all, r.ID+" ("+r.Evidence+")")
		}
	}
	return strings.Join(all, ", ")
}
