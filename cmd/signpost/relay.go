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
