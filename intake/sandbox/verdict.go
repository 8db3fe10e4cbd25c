package sandbox

import (
	"context"
	"crypto/sha256"
	"strings"

	"signpost/store"
)

// verdictView is what the watcher decided on a mail.
type verdictView struct {
	Pending     bool   // not seen or not decided yet
	Quarantined string // why it could not be handled
	Kind        string
	KindWords   string
	Answered    bool
	Outcome     string // one sentence
	Rules       []ruleView
	Reports     []reportView
}

type reportView struct {
	store.Report
	Means string // what is done about it
}

type ruleView struct {
	ID, Effect, Words, Evidence string
	Tone                        string // of the badge
}

const ledgerLooked = 200 // rows looked through for a mail without Message-ID

// verdict finds a mail's ledger row by its bytes; a Message-ID alone proves
// nothing.
func (b *Sandbox) verdict(ctx context.Context, m Mail, messageID string) (*verdictView, error) {
	hash := sha256.Sum256(m.Raw)
	id := strings.Trim(strings.TrimSpace(messageID), "<>")
	var rows []store.Inbound
	var err error
	if id != "" {
		if rows, err = b.deps.Ledger.InboundByMessageID(ctx, id, 50); err != nil {
			return nil, err
		}
	}
	row, found := withHash(rows, hash)
	if !found {
		if rows, err = b.deps.Ledger.ListInbound(ctx, 0, ledgerLooked); err != nil {
			return nil, err
		}
		row, found = withHash(rows, hash)
	}
	if !found {
		return &verdictView{Pending: true}, nil
	}
	return verdictOf(row), nil
}

func withHash(rows []store.Inbound, hash [32]byte) (store.Inbound, bool) {
	for _, r := range rows {
		if r.Hash == hash {
			return r, true
		}
	}
	return store.Inbound{}, false
}

func verdictOf(row store.Inbound) *verdictView {
	switch row.State {
	case store.InboundStored:
		return &verdictView{Pending: true}
	case store.InboundQuarantined:
		return &verdictView{Quarantined: orElse(row.Fault, "no reason was recorded")}
	}
	v := &verdictView{
		Kind: string(row.Verdict.Kind), KindWords: kindWords(row.Verdict.Kind),
		Answered: row.Answer != 0,
	}
	for _, r := range row.Verdict.Reports {
		v.Reports = append(v.Reports, reportView{r, outcomeWords(r.Outcome)})
	}
	stopped := 0
	for _, r := range row.Verdict.Rules {
		rule := ruleView{ID: r.ID, Effect: string(r.Effect), Evidence: r.Evidence}
		switch r.Effect {
		case store.EffectStop:
			rule.Words, rule.Tone = "forbids an answer", "red"
			stopped++
		case store.EffectMissing:
			rule.Words, rule.Tone = "a condition is missing", "amber"
			stopped++
		case store.EffectMet:
			rule.Words, rule.Tone = "a condition is met", "green"
		default:
			rule.Words = "noted"
		}
		v.Rules = append(v.Rules, rule)
	}
	v.Outcome = outcome(v.Answered, stopped)
	return v
}

// outcomeWords says what a report's outcome leads to.
func outcomeWords(outcome string) string {
	switch outcome {
	case "dead":
		return "the address gets no more mail"
	case "refused":
		return "the mail was refused, the address stays good"
	case "later":
		return "the address may work later"
	case "done":
		return "nothing to do"
	}
	return outcome
}

func outcome(answered bool, stopped int) string {
	switch {
	case answered:
		return "It was answered: an automatic answer, pointing to the form, was queued."
	case stopped == 1:
		return "It was not answered. One rule stood against it."
	case stopped > 1:
		return "It was not answered. Several rules stood against it; one would have been enough."
	}
	return "It was not answered."
}

func kindWords(k store.Kind) string {
	switch k {
	case store.KindDirect:
		return "A person wrote"
	case store.KindBounce:
		return "A report of failed delivery"
	case store.KindDelay:
		return "A report of delayed delivery"
	case store.KindDelivered:
		return "A report of successful delivery"
	case store.KindAutoReply:
		return "An automatic reply"
	case store.KindList:
		return "Mailing list or newsletter"
	case store.KindComplaint:
		return "A complaint about our mail"
	case store.KindReceipt:
		return "A read receipt"
	case store.KindChallenge:
		return "A challenge to prove we are people"
	case store.KindReport:
		return "A machine's report"
	case store.KindCalendar:
		return "A calendar message"
	case store.KindOwn:
		return "Our own mail come back"
	case store.KindSpam:
		return "Spam"
	case store.KindUnparsable:
		return "Not readable as mail"
	}
	return "Something else"
}
