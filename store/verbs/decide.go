package verbs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// DecideInbound implements store.Ledger.
func (s *Store) DecideInbound(
	ctx context.Context, now time.Time, decisions []store.Decision,
) (rows []store.Inbound, err error) {
	now = store.Instant(now)
	for _, d := range decisions {
		if err := checkDecision(d); err != nil {
			return nil, wrap("decide inbound", d.ID, err)
		}
	}
	if len(decisions) == 0 {
		return nil, nil
	}
	err = s.write(ctx, 0, func(t *txn) (err error) {
		rows, err = t.decideAll(now, decisions)
		return err
	})
	if err != nil {
		return nil, wrap("decide inbounds, in all", len(decisions), err)
	}
	return rows, nil
}

func checkDecision(d store.Decision) error {
	if d.Verdict.Kind == "" || badName(string(d.Verdict.Kind)) {
		return invalid("a verdict needs a kind")
	}
	for _, r := range d.Verdict.Rules {
		if badName(r.ID) {
			return invalid("a rule's id is no name")
		}
	}
	if a := d.Answer; a != nil {
		switch {
		case !a.Kind.Answers():
			return invalid("only an auto-response answers a mail")
		case a.To == "" || a.From == "" || a.MessageID == "" || badName(a.Region):
			return invalid("an answer needs From, To and Message-ID, and a region's name")
		case a.Link != (store.LinkID{}) && (a.Ticket == 0 || d.LinkExpires.IsZero()):
			return invalid("a link needs its ticket and its end")
		case text.Invalid(a) != "": // also where a rule stops it
			return invalid(notText + "the answer's " + text.Invalid(a))
		}
	}
	return checkBudgets(append(slices.Clone(d.Limits.Budgets), d.Limits.Breaker))
}

func (t *txn) decideAll(now time.Time, decisions []store.Decision) ([]store.Inbound, error) {
	if err := t.refuseDecisions(decisions); err != nil {
		return nil, err
	}
	rows := make([]store.Inbound, len(decisions))
	for i, d := range decisions {
		var err error
		if rows[i], err = t.decide(now, d); err != nil {
			return nil, wrap("decide inbound", d.ID, err)
		}
	}
	return rows, t.moveCursors(rows)
}

// refuseDecisions looks at all that may be refused, before the first write.
func (t *txn) refuseDecisions(decisions []store.Decision) error {
	minted := map[string]bool{}
	for _, d := range decisions {
		if _, err := t.inbound(d.ID); err != nil {
			return wrap("inbound", d.ID, err)
		}
		if d.Wrote != 0 && !t.has(bTickets, u64(uint64(d.Wrote))) {
			return wrap("writer of inbound", d.ID, invalid("there is no such ticket"))
		}
		if d.Answer == nil {
			continue
		}
		if err := t.refuseLink(*d.Answer); err != nil {
			return wrap("answer to inbound", d.ID, err)
		}
		id := strings.ToLower(d.Answer.MessageID)
		_, err := t.outboundByMessageID(id)
		if err == nil || minted[id] {
			return wrap("answer to inbound", d.ID, invalid("the Message-ID is in use"))
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		minted[id] = true
	}
	return nil
}

// refuseLink looks at the ticket and the link an answer names.
func (t *txn) refuseLink(a store.Outbound) error {
	if a.Ticket != 0 && !t.has(bTickets, u64(uint64(a.Ticket))) {
		return invalid("there is no such ticket")
	}
	if a.Link != (store.LinkID{}) && t.has(bLinks, a.Link[:]) {
		return invalid("the link is in use")
	}
	return nil
}

// moveCursors moves the cursor of each mailbox to the highest UID decided.
func (t *txn) moveCursors(rows []store.Inbound) error {
	type epoch struct {
		mailbox  string
		validity uint32
	}
	highest := map[epoch]uint32{}
	for _, row := range rows {
		e := epoch{row.Mailbox, row.UIDValidity}
		highest[e] = max(highest[e], row.UID)
	}
	for e, uid := range highest {
		if err := t.moveCursor(e.mailbox, e.validity, uid); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) decide(now time.Time, d store.Decision) (store.Inbound, error) {
	row, err := t.inbound(d.ID)
	if err != nil || row.State != store.InboundStored {
		return row, err
	}
	row.DecidedAt, row.Verdict = now, keptVerdict(d.Verdict)
	if row.Verdict.Answer && d.Answer != nil {
		if row.Answer, err = t.answer(now, &row, d); err != nil {
			return row, err
		}
		row.Verdict.Answer = row.Answer != 0
	}
	if err := t.settle(&row, store.InboundDecided); err != nil {
		return row, err
	}
	t.countVerdict(row.Verdict)
	if err := errors.Join(t.applyReports(now, row), t.tellEcho(now, row)); err != nil {
		return row, err
	}
	return row, t.tellWrote(now, d.Wrote)
}

// keptVerdict is the verdict as it is stored: memory of its own, texts cut.
func keptVerdict(v store.Verdict) store.Verdict {
	v.Rules, v.Reports = slices.Clone(v.Rules), slices.Clone(v.Reports)
	for i := range v.Rules {
		v.Rules[i].Evidence = text.Cut(v.Rules[i].Evidence, store.MaxEvidence)
	}
	return v
}

func (t *txn) countVerdict(v store.Verdict) {
	t.addCount(countKind, string(v.Kind), 1)
	counted := map[string]bool{}
	for _, rule := range v.Rules {
		if !counted[rule.ID] {
			counted[rule.ID] = true
			t.addCount(countRule, rule.ID, 1)
		}
	}
}

// answer reserves the auto-response, unless a rule of the store's own stops it;
// the rules join the row's verdict. 0: stopped.
func (t *txn) answer(now time.Time, row *store.Inbound, d store.Decision) (store.OutboundID, error) {
	stops, charges, err := t.stops(now, *row, d)
	if err != nil {
		return 0, err
	}
	if len(stops) == 0 {
		var why string
		if charges, why, err = t.chargeBreaker(now, charges, row.ID, d.Limits); err != nil {
			return 0, err
		}
		if why != "" {
			stops = []store.Rule{stop(store.RuleBreaker, why)}
		}
	}
	if len(stops) > 0 {
		row.Verdict.Rules = append(row.Verdict.Rules, stops...)
		return 0, nil
	}
	t.putCharges(charges)
	if err := t.reserve(now, d.Limits); err != nil {
		return 0, err
	}
	mail := answerMail(now, row.ID, *d.Answer)
	err = t.addOutbound(&mail)
	if mail.Link != (store.LinkID{}) {
		expires := store.Instant(d.LinkExpires)
		value := link{ticket: mail.Ticket, expires: expires}.bytes()
		err = errors.Join(err, t.putExpiring(bLinks, expiryLink, digest(mail.Link), value, expires))
	}
	return mail.ID, err
}

func answerMail(now time.Time, id store.InboundID, mail store.Outbound) store.Outbound {
	mail.Inbound, mail.State, mail.QueuedAt, mail.DueAt = id, store.StateQueued, now, now
	mail.Promise.FirstResponseBy = kept(mail.Promise.FirstResponseBy)
	mail.Promise.ResolutionBy = kept(mail.Promise.ResolutionBy)
	mail.Promise.NextUpdateBy = kept(mail.Promise.NextUpdateBy)
	mail.Reason, mail.Attempts, mail.Claim, mail.DoneAt = "", 0, 0, time.Time{}
	mail.Reply, mail.Code, mail.Enhanced, mail.Delivery, mail.Echoes = "", 0, "", store.Delivery{}, nil
	return mail
}

func stop(id, evidence string) store.Rule {
	return store.Rule{ID: id, Effect: store.EffectStop, Evidence: text.Cut(evidence, store.MaxEvidence)}
}

// stops evaluates the store's own rules but the breaker: all of them, so that
// all that fired are recorded. The charges are what an answer would cost.
func (t *txn) stops(
	now time.Time, row store.Inbound, d store.Decision,
) (rules []store.Rule, charges []charge, err error) {
	limits := d.Limits
	responder, err1 := t.rearm(now)
	own, err2 := t.responder(row.Mailbox)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	if responder.Tripped {
		rules = append(rules, stop(store.RuleBreaker, responder.Reason))
	} else if responder.Off {
		rules = append(rules, stop(store.RuleOff, responder.Reason))
	}
	if own.Off {
		rules = append(rules, stop(store.RuleMailbox, own.Reason))
	}
	box, err := t.mailbox(row.Mailbox)
	if err != nil {
		return nil, nil, err
	}
	if connected := instant(box.Connected); row.InternalDate.Before(connected) {
		rules = append(rules, stop(store.RuleConnected, connected.Format(time.RFC3339)))
	}
	if until, ok := t.reserved(now, limits); ok {
		rules = append(rules, stop(store.RuleAnswered, "until "+until.Format(time.RFC3339)))
	}
	withheld, err := t.suppressedFor(now, d.Answer.To, store.MailAutoResponse)
	if err != nil {
		return nil, nil, err
	}
	if withheld != nil {
		rules = append(rules, stop(store.RuleSuppressed, withheld.why()))
	}
	charges, spent := t.spend(now, meter(limits.Budgets))
	if spent != nil {
		rules = append(rules, stop(store.RuleBudget, spent.Name))
	}
	return rules, charges, nil
}

// reserved tells whether the sender was answered within the period.
func (t *txn) reserved(now time.Time, limits store.AnswerLimits) (until time.Time, ok bool) {
	if limits.Sender == "" || limits.Period <= 0 {
		return until, false
	}
	key := digestOf(limits.Sender)
	b := t.value(bReservations, key[:])
	if b == nil {
		return until, false
	}
	until = readInstant(b)
	return until, now.Before(until)
}

func (t *txn) reserve(now time.Time, limits store.AnswerLimits) error {
	if limits.Sender == "" || limits.Period <= 0 {
		return nil
	}
	key := digestOf(limits.Sender)
	if b := t.value(bReservations, key[:]); b != nil {
		if err := t.dropExpiry(expiryReservation, key, readInstant(b)); err != nil {
			return err
		}
	}
	until := store.Instant(now.Add(limits.Period))
	return t.putExpiring(bReservations, expiryReservation, key, appendInstant(nil, until), until)
}
