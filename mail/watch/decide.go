package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/text"
)

const (
	// judgeLimit bounds the judging of one mail, and then its authentication.
	judgeLimit = 10 * time.Second
	// authenticators is how many mails of a chunk wait for the DNS at once.
	authenticators = 16
	// A mail whose verdict hangs on a name server that does not answer is put
	// off by putOff, at most until maxPutOff after it was seen: a late answer is
	// worse than none.
	putOff    = time.Minute
	maxPutOff = time.Hour
	// pendingAtOnce is how many leftovers are in memory at a time, maxPending how
	// many one turn looks at.
	pendingAtOnce = 32
	maxPending    = 512
	// chunkJudge bounds the authentication of a chunk, and pendingLimit a turn's
	// work on leftovers: name servers that never answer are easily had, and who
	// has some could make everybody's mail wait.
	chunkJudge   = 30 * time.Second
	pendingLimit = time.Minute
)

// Rules that need more than the mail's own text.
const (
	// RuleSilent stops every answer of a mailbox set to silent.
	RuleSilent = "mailbox-silent"
	// RuleAtOnce: it answers a mail of ours sooner than a person could have read
	// it. Two machines that bear no mark are known by nothing else.
	RuleAtOnce = "answered-at-once"
)

// atOnce is how soon no person answers. What counts is the time from the moment
// our mail was minted to that at which the mailbox took the answer, both told by
// us and our host alone.
const atOnce = time.Minute

// open is a recorded mail that waits for its verdict.
type open struct {
	row   store.Inbound
	head  []byte
	whole bool
}

// judgement is what became of one open mail.
type judgement struct {
	result triage.Result
	fault  error // it could not be judged
	later  bool  // the DNS, or the store, does not answer now
	would  bool  // its content alone allowed an answer
	answer *store.Outbound
	from   netip.Addr     // the address it came from, as our host saw it; invalid: unknown
	wrote  store.TicketID // the ticket whose proven requester wrote it; 0: none
	canary string         // the run whose stray it is; "": none's
}

// enterLedger records a chunk and decides it. It returns the rows as they then
// stand, and whether any mail has to be tried again later.
func (w *Watcher) enterLedger(ctx context.Context, mails []mail, f folder, noticed time.Time, k *work,
) ([]store.Inbound, bool, error) {
	news := make([]store.NewInbound, len(mails))
	for i := range mails {
		news[i] = w.newInbound(&mails[i], f)
	}
	if err := k.mayRecord(); err != nil {
		return nil, false, err
	}
	recorded, err := w.record(ctx, news)
	if err != nil {
		return nil, false, err
	}
	close(k.recorded)
	var opens []open
	var rows []store.Inbound
	for i, row := range recorded {
		if row.State == store.InboundStored {
			opens = append(opens, open{row: row, head: mails[i].head, whole: mails[i].whole})
		} else {
			rows = append(rows, row) // known from an earlier epoch, or decided before a crash
		}
	}
	decided, retry, err := w.judgeAndApply(ctx, opens, f, noticed, k.turn)
	return append(rows, decided...), retry, err
}

func (w *Watcher) record(ctx context.Context, news []store.NewInbound) ([]store.Inbound, error) {
	if len(news) == 0 {
		return nil, nil
	}
	rows, err := w.deps.Ledger.RecordInbound(context.WithoutCancel(ctx), time.Now(), news)
	if err != nil {
		return nil, fmt.Errorf("record %d mails: %w", len(news), err)
	}
	return rows, nil
}

func (w *Watcher) newInbound(m *mail, f folder) store.NewInbound {
	n := store.NewInbound{
		Mailbox: w.box.ID, UIDValidity: f.validity, UID: m.uid, InternalDate: m.date,
		Size: m.length, Hash: m.hash, Blob: m.blob, Truncated: m.truncated,
	}
	// A mail whose header cannot be decoded for display is recorded all the same.
	_ = w.guard(0, func() { n.MessageID, n.From, n.Subject = describe(m.head) })
	if m.blob == "" {
		n.Raw = m.head
	}
	text.Clean(&n) // of words that a stranger chose
	return n
}

// settlePending decides what a crash, or a silent name server, left over.
func (s *session) settlePending(ctx context.Context) error {
	pending, err := s.w.deps.Ledger.PendingInbound(ctx, s.w.box.ID, store.Page{Limit: maxPending})
	if err != nil {
		return fmt.Errorf("list pending mails: %w", err)
	}
	rows := after(pending.Items, s.w.pendingAt)
	until := time.Now().Add(pendingLimit)
	for group := range slices.Chunk(rows, pendingAtOnce) {
		if time.Now().After(until) { // new mail waits; the rest is next
			s.retryBy(time.Now().Add(putOff))
			break
		}
		s.w.pendingAt = group[len(group)-1].ID
		opens, retry, err := s.w.reopenAll(ctx, group)
		if err != nil {
			return err
		}
		if retry {
			s.retryBy(time.Now().Add(putOff))
		}
		decided, retry, err := s.w.judgeAndApply(ctx, opens, s.folder, time.Now(), new(work).turn)
		if err != nil {
			return err
		}
		if retry {
			s.retryBy(time.Now().Add(putOff))
		}
		if err := s.mark(ctx, decided); err != nil {
			return err
		}
	}
	if pending.Next != "" {
		s.retryBy(time.Now().Add(time.Second))
	}
	return nil
}

// after puts the rows behind id first, so that none of them waits behind such as
// take all the time there is.
func after(rows []store.Inbound, id store.InboundID) []store.Inbound {
	i := slices.IndexFunc(rows, func(r store.Inbound) bool { return r.ID > id })
	if i < 0 {
		return rows
	}
	return slices.Concat(rows[i:], rows[:i])
}

// reopenAll reads recorded mails back. One whose text cannot be read ends in
// quarantine like any that cannot be judged: it must not stand before the rest.
func (w *Watcher) reopenAll(ctx context.Context, rows []store.Inbound) (opens []open, retry bool, err error) {
	for _, row := range rows {
		o, fault := w.reopen(ctx, row)
		switch {
		case fault == nil:
			opens = append(opens, o)
		case ctx.Err() != nil:
			return nil, false, fault
		default:
			if row, err = w.quarantine(ctx, row.ID, "its text cannot be read: "+fault.Error()); err != nil {
				return nil, false, err
			}
			retry = retry || row.State == store.InboundStored
		}
	}
	return opens, retry, nil
}

// retryBy has the next turn begin at t at the latest.
func (s *session) retryBy(t time.Time) {
	if s.retryAt.IsZero() || t.Before(s.retryAt) {
		s.retryAt = t
	}
}

// reopen reads a recorded mail back from the store.
func (w *Watcher) reopen(ctx context.Context, row store.Inbound) (open, error) {
	if row.Blob == "" {
		raw, err := w.deps.Ledger.RawInbound(ctx, row.ID)
		return open{row: row, head: raw, whole: !row.Truncated}, err
	}
	if w.deps.Blobs == nil {
		return open{row: row}, nil
	}
	r, _, err := w.deps.Blobs.Open(ctx, row.Blob)
	if err != nil {
		return open{}, err
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, store.RawInline))
	return open{row: row, head: head}, err
}

// judgeAndApply judges recorded mails and, once turn returns, applies the verdicts.
func (w *Watcher) judgeAndApply(ctx context.Context, opens []open, f folder, noticed time.Time,
	turn func() error,
) (rows []store.Inbound, retry bool, err error) {
	var decisions []store.Decision
	judged := w.judgeAll(ctx, opens, f)
	if err := turn(); err != nil {
		return nil, false, err
	}
	for i, j := range judged {
		switch {
		case j.fault != nil:
			row, err := w.quarantine(ctx, opens[i].row.ID, j.fault.Error())
			if err != nil {
				return nil, false, err
			}
			retry = retry || row.State == store.InboundStored
		case j.later:
			retry = true
		default:
			f.first.add(j.result, j.would)
			decisions = append(decisions, w.decision(opens[i].row, j))
		}
	}
	rows, err = w.apply(ctx, decisions)
	w.decided(rows, noticed)
	return rows, retry, err
}

func (w *Watcher) decision(row store.Inbound, j judgement) store.Decision {
	d := store.Decision{ID: row.ID, Verdict: j.result.Verdict, Answer: j.answer}
	if d.Answer != nil {
		d.Limits = w.deps.Limits.of(j.answer.To, j.from, j.byHost())
		if d.Wrote = j.wrote; d.Wrote != 0 {
			d.Limits = w.deps.Limits.ofTicket(j.answer.Number, j.answer.To, j.from, j.byHost())
		}
		if j.canary != "" {
			d.Limits = w.deps.Limits.ofCanary(j.canary)
		}
		if j.answer.Link != (store.LinkID{}) {
			d.LinkExpires = time.Now().Add(w.deps.LinkKept)
		}
	}
	text.Clean(&d)
	return d
}

// apply writes the verdicts, all in one transaction. When the store refuses one
// of them as invalid, the others are written without it.
func (w *Watcher) apply(ctx context.Context, decisions []store.Decision) ([]store.Inbound, error) {
	if len(decisions) == 0 {
		return nil, nil
	}
	rows, err := w.deps.Ledger.DecideInbound(context.WithoutCancel(ctx), time.Now(), decisions)
	if !errors.Is(err, store.ErrInvalid) {
		return rows, err
	}
	if len(decisions) == 1 {
		_, err = w.quarantine(ctx, decisions[0].ID, "verdict refused: "+err.Error())
		return nil, err
	}
	rows = nil
	for _, d := range decisions {
		one, err := w.apply(ctx, []store.Decision{d})
		if err != nil {
			return rows, err
		}
		rows = append(rows, one...)
	}
	return rows, nil
}

// decided counts what was decided and wakes the sender.
func (w *Watcher) decided(rows []store.Inbound, noticed time.Time) {
	answers := 0
	for _, row := range rows {
		if row.Answer != 0 {
			answers++
		}
		w.deps.Observer.decided(row, time.Since(noticed))
		w.log.Debug("mail decided", "inbound", row.ID, "kind", row.Verdict.Kind, "answer", row.Answer)
	}
	w.count(func(h *Health) { h.Decided += uint64(len(rows)); h.Answered += uint64(answers) })
	if answers > 0 && w.deps.Kick != nil {
		w.deps.Kick()
	}
}

func (w *Watcher) quarantine(ctx context.Context, id store.InboundID, reason string) (store.Inbound, error) {
	row, err := w.deps.Ledger.QuarantineInbound(context.WithoutCancel(ctx), time.Now(), id,
		text.Cut(text.Valid(reason), 500))
	if err != nil {
		return row, fmt.Errorf("quarantine inbound %d: %w", id, err)
	}
	if row.State == store.InboundQuarantined {
		w.log.Error("mail set aside", "inbound", id, "uid", row.UID, "reason", row.Fault)
		w.count(func(h *Health) { h.Quarantined++ })
		w.deps.Observer.quarantined(row)
	}
	return row, nil
}

// judgeAll judges each mail, and authenticates those that would be answered,
// several at a time since they wait for the DNS.
func (w *Watcher) judgeAll(ctx context.Context, opens []open, f folder) []judgement {
	judged := make([]judgement, len(opens))
	asking, cancel := context.WithTimeout(ctx, chunkJudge)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(authenticators)
	for i := range opens {
		j, o := &judged[i], opens[i]
		if j.result, j.fault = w.classify(ctx, o); j.fault == nil {
			w.tieGuarded(ctx, o, j)
		}
		if j.fault != nil || !j.result.Answer {
			continue
		}
		if evidence, fast := w.answeredAtOnce(o, j.result); fast {
			j.stop(store.Rule{ID: RuleAtOnce, Effect: store.EffectStop, Evidence: evidence})
			continue
		}
		j.would = true
		switch {
		case w.box.Silent:
			j.stop(store.Rule{ID: RuleSilent, Effect: store.EffectStop, Evidence: text.Cut(w.box.ID, 200)})
			continue
		case o.row.InternalDate.Before(f.connectedAt): // the DNS need not be asked
			j.stop(store.Rule{ID: store.RuleConnected, Effect: store.EffectStop,
				Evidence: f.connectedAt.UTC().Format(time.RFC3339)})
			continue
		}
		g.Go(func() error {
			if fault := w.guard(o.row.ID, func() { w.vouch(asking, o, j) }); fault != nil {
				j.fault = fault
			}
			return nil
		})
	}
	g.Wait()
	return judged
}

// answeredAtOnce tells a mail that answers one of ours within atOnce.
func (w *Watcher) answeredAtOnce(o open, r triage.Result) (evidence string, fast bool) {
	for _, id := range append(slices.Clip(r.References), r.InReplyTo) {
		minted, ok := w.deps.Ring.MintedAt(id)
		if !ok {
			continue
		}
		if took := o.row.InternalDate.Sub(minted); took < atOnce {
			return fmt.Sprintf("%v after %s", max(0, took).Round(time.Second), id), true
		}
	}
	return "", false
}

// tieGuarded ties the reports of a mail; where the store cannot say now what they
// are about, the mail is judged again later.
func (w *Watcher) tieGuarded(ctx context.Context, o open, j *judgement) {
	var err error
	j.fault = w.guard(o.row.ID, func() { err = w.tie(ctx, time.Now(), o, &j.result) })
	if err != nil {
		j.later = true
		w.log.Warn("a report could not be tied yet", "inbound", o.row.ID, "error", err)
	}
}

// byHost tells that the mail came from a host that may send for the address it is
// answered at (RFC 7208).
func (j *judgement) byHost() bool {
	return slices.ContainsFunc(j.result.Rules, func(r store.Rule) bool { return r.ID == "spf-pass" })
}

// stop adds a rule that forbids the answer.
func (j *judgement) stop(rule store.Rule) {
	j.result.Answer = false
	j.result.Rules = append(slices.Clip(j.result.Rules), rule)
}

// classify judges one mail. Parsers of hostile input do panic, and do hang: the
// first is caught, from the second we walk away.
func (w *Watcher) classify(ctx context.Context, o open) (triage.Result, error) {
	if o.head == nil && o.row.Blob != "" {
		return triage.Result{}, errors.New("its text lies in a blob store that is not there")
	}
	e := triage.Envelope{
		Now: time.Now(), InternalDate: o.row.InternalDate, Truncated: !o.whole, Junk: w.box.Junk,
		Ours: w.deps.Ours, OwnMessageID: w.deps.Ring.OwnMessageID, OwnInstance: w.deps.Instance,
	}
	type outcome struct {
		result triage.Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var out outcome
		out.err = w.guard(o.row.ID, func() { out.result = w.deps.Classify(o.head, e) })
		done <- out
	}()
	limit := time.NewTimer(judgeLimit)
	defer limit.Stop()
	select {
	case out := <-done:
		return out.result, out.err
	case <-limit.C:
		return triage.Result{}, fmt.Errorf("judging took more than %v", judgeLimit)
	}
}

// guard turns a panic over one mail into an error.
func (w *Watcher) guard(id store.InboundID, step func()) (fault error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("judging a mail panicked", "inbound", id, "panic", p, "stack", string(debug.Stack()))
			fault = fmt.Errorf("judging panicked: %v", p)
		}
	}()
	step()
	return nil
}

// vouch authenticates a mail that would be answered and forms the answer.
func (w *Watcher) vouch(ctx context.Context, o open, j *judgement) {
	ctx, cancel := context.WithTimeout(ctx, judgeLimit)
	defer cancel()
	checked, unsure := w.authenticate(ctx, o, j.result)
	var rule *store.Rule
	if checked.Answer {
		rule, unsure = w.dns.receivesMail(ctx, store.Domain(checked.AnswerTo))
	}
	j.later = unsure && time.Since(o.row.SeenAt) < maxPutOff
	j.result = checked
	if rule != nil {
		j.stop(*rule)
	}
	if j.result.Answer {
		header := fields(o.head)
		j.answer, j.wrote = w.answer(ctx, time.Now(), o.row, checked)
		j.from = w.box.Trust.readTrace(header).hop.peer
		j.answer.Parties = parties(j.answer.To, j.from)
		w.spotCanary(header, j)
	}
}

// text is the mail from its first byte to its last, for DKIM.
func (w *Watcher) text(ctx context.Context, o open) (io.ReadCloser, error) {
	if o.row.Blob != "" && w.deps.Blobs != nil {
		r, _, err := w.deps.Blobs.Open(ctx, o.row.Blob)
		return r, err
	}
	if !o.whole {
		return nil, errors.New("only the first part of the mail was kept")
	}
	return io.NopCloser(bytes.NewReader(o.head)), nil
}
