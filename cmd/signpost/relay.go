package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"signpost/cmd/signpost/doctor"
	"signpost/intake/ops"
	"signpost/mail/outbox"
	"signpost/sla"
	"signpost/store"
)

// What the service knows and tells of its relay.

// heldTrouble tells of mail that the relay refuses for a reason of ours: one alarm,
// however many domains it is about.
func (a *App) heldTrouble(ctx context.Context, now time.Time, stats store.Stats) []store.Trouble {
	holds, held := a.sender.Holds(), stats.Outbounds[store.StateHeld]
	if held == 0 {
		return nil
	}
	t := store.Trouble{Key: "held", Level: 1}
	since := now
	if len(holds) == 0 {
		rows, err := a.db.HeldOutbounds(ctx, 0, 1)
		if err != nil || len(rows) == 0 {
			return nil
		}
		row := rows[0]
		since = row.Hold.Since
		t.What = fmt.Sprintf("%s held, refused for a reason of ours at %s: %s", mailsAre(held), row.Hold.Stage, row.Reply)
		t.Do = outbox.Mend(outbox.Stage(row.Hold.Stage), row.Reply)
	} else {
		h := holds[0]
		since = h.Since
		scope := "all our mail"
		if h.Domain != "" {
			scope = "our mail to " + h.Domain
		} else {
			held += stats.Outbounds[store.StateQueued]
		}
		if n := len(holds); n > 1 {
			scope += fmt.Sprintf(" and %d more domains", n-1)
		}
		t.What = fmt.Sprintf("the relay refuses %s since %s UTC at %s: %s (%s held)", scope,
			since.UTC().Format("2 Jan 15:04"), h.Stage, h.Words, mailsAre(held))
		t.Do = outbox.Mend(h.Stage, h.Words)
	}
	t.Do += " Held mail is not lost and goes out by itself once the relay takes it; /ops/queue shows it, and ops may " +
		"give it up there."
	t.Level += level(now.Sub(since), 6*time.Hour, 24*time.Hour)
	return []store.Trouble{t}
}

func mailsAre(n uint64) string {
	if n == 1 {
		return "1 mail is"
	}
	return fmt.Sprintf("%d mails are", n)
}

// waitingLooked is how many waiting mails are looked at for one that no hold keeps.
const waitingLooked = 100

// oldestUnheld is when the oldest waiting mail was queued that no hold keeps back, as
// far as looked; zero when there is none.
func (a *App) oldestUnheld(ctx context.Context, stats store.Stats) time.Time {
	if stats.Outbounds[store.StateHeld] == 0 && len(a.sender.Holds()) == 0 {
		return stats.OldestQueued
	}
	rows, err := a.db.WaitingOutbounds(ctx, 0, waitingLooked)
	if err != nil {
		return stats.OldestQueued
	}
	for _, row := range rows {
		if row.Hold.Stage == "" && !a.sender.Holding(row.To) {
			return row.QueuedAt
		}
	}
	return time.Time{}
}

// heldForOps is what the pages show of the holds.
func (a *App) heldForOps() (all []ops.Hold) {
	for _, h := range a.sender.Holds() {
		all = append(all, ops.Hold{
			Domain: h.Domain, Since: h.Since, Words: h.Words, Stage: string(h.Stage), Do: outbox.Mend(h.Stage, h.Words),
			ProbeAt: h.ProbeAt,
		})
	}
	return all
}

// relayForOps is what the pages show of the relay.
func (a *App) relayForOps() []ops.Relay {
	traits := a.sender.Traits()
	if !traits.Known {
		return []ops.Relay{{Name: a.cfg.SMTP.Address, Value: "not spoken with since the service began"}}
	}
	var all []ops.Relay
	for _, trait := range doctor.RelayTraits(traits) {
		all = append(all, ops.Relay(trait))
	}
	return all
}

// learnRelay opens the first connection, so that the form knows what the relay
// offers; where it fails the sender tells of it with the first mail.
func (a *App) learnRelay(ctx context.Context) error {
	if err := a.sender.Learn(ctx); err != nil {
		a.log.Warn("the relay cannot be asked what it offers yet", "error", err)
	}
	<-ctx.Done()
	return nil
}

// renewing composes a confirmation whose promised date passed before it could leave
// (it was held, or the relay was down) anew with the promise of now.
func (a *App) renewing(compose outbox.Compose) outbox.Compose {
	return func(ctx context.Context, row store.Outbound) (outbox.Message, error) {
		now := time.Now()
		if row.Kind != store.MailConfirmation || !sla.Overdue(row.Promise, now) {
			return compose(ctx, row)
		}
		promise, err := a.policy.Promise(row.Region, now)
		if err == nil {
			row, err = a.db.RenewPromise(ctx, now, row.ID, row.Claim, promise)
		}
		if err != nil {
			return outbox.Message{}, fmt.Errorf("renew the promise: %w", err)
		}
		return compose(ctx, row)
	}
}

// relayReply is a line of classify --relay-reply.
type relayReply struct {
	At    outbox.Stage `json:"at"`
	Reply []string     `json:"reply"`
}

// maxReplyLine bounds one line of relay replies.
const maxReplyLine = 1 << 20

// classifyReplies judges JSON lines of relay replies, one line of verdict each.
func classifyReplies(out io.Writer, in io.Reader, file string) error {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	w, lines, n := bufio.NewWriter(out), bufio.NewScanner(in), 0
	lines.Buffer(nil, maxReplyLine)
	for lines.Scan() {
		n++
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var r relayReply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		switch r.At {
		case outbox.StageMail, outbox.StageRcpt, outbox.StageData, outbox.StageDot:
		default:
			return fmt.Errorf("%s, line %d: at %q: write mail, rcpt, data or dot", file, n, r.At)
		}
		j := outbox.Judge(r.At, r.Reply, outbox.Parties{})
		fmt.Fprintf(w, "{\"verdict\":%q,\"outcome\":%q}\n", j.Verdict, j.Told())
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s, after line %d: %w", file, n, err)
	}
	return w.Flush()
}
