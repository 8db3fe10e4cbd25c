// Package verdict tells those who work here what triage made of a mail: its
// kind, each rule that fired, what became of it and what a bounce in it means.
// One vocabulary, so that every page says the same of the same mail. Partners
// never read it; what they read is in store/lang.
//
// What stands here: the mark and the sentence of a mail and the words of its rules
// (verdict.go), and those of a bounce (report.go). A call flows from a row of the ledger
// to words; nothing is asked of the store. To add a kind of mail: its row in Marks.
// To add a rule or a reason: its row in the table of its file.
package verdict

import (
	"fmt"

	"signpost/store"
)

// Mark is how a ledger's row is told at a glance.
type Mark struct {
	ID   string // one of store.Inbound.Marks
	Name string
	Tone string // of its badge, "" for a plain one
}

// Marks are all there are, in the order in which they are offered.
func Marks() []Mark {
	return []Mark{
		{store.MarkAnswered, "answered", "teal"},
		{string(store.KindDirect), "a person wrote", ""},
		{string(store.KindBounce), "bounce", ""},
		{string(store.KindDelay), "delay", "amber"},
		{string(store.KindDelivered), "delivered", "green"},
		{string(store.KindAutoReply), "automatic reply", ""},
		{string(store.KindComplaint), "complaint", "red"},
		{string(store.KindList), "list or newsletter", ""},
		{string(store.KindReceipt), "read receipt", ""},
		{string(store.KindChallenge), "challenge", ""},
		{string(store.KindReport), "machine's report", ""},
		{string(store.KindCalendar), "calendar", ""},
		{string(store.KindReaction), "reaction", ""},
		{string(store.KindOwn), "our own", ""},
		{string(store.KindSpam), "spam", ""},
		{string(store.KindUnparsable), "not readable", "amber"},
		{string(store.InboundStored), "not decided yet", "amber"},
		{string(store.InboundQuarantined), "set aside", "red"},
	}
}

// MarkOf is the mark with that id; one not known here is named by it.
func MarkOf(id string) Mark {
	for _, m := range Marks() {
		if m.ID == id {
			return m
		}
	}
	return Mark{ID: id, Name: id}
}

// Rule is one rule that fired.
type Rule struct {
	ID, Evidence string
	Words        string // what it means for the answer
	Tone         string // of its badge
}

// Rules are the rules of a verdict, in its order.
func Rules(fired []store.Rule) []Rule {
	rules := make([]Rule, len(fired))
	for i, r := range fired {
		rules[i] = Rule{ID: r.ID, Evidence: r.Evidence, Words: "noted"}
		switch r.Effect {
		case store.EffectStop:
			rules[i].Words = "blocks a reply"
		case store.EffectMissing:
			rules[i].Words = "missing"
		case store.EffectMet:
			rules[i].Words = "passed"
		}
	}
	return rules
}

// Answered says what an automatic answer showed its reader the way to.
func Answered(answer store.Outbound) string {
	if answer.Number != "" {
		return "It was answered automatically, once, with a link to the page of " + answer.Number + "."
	}
	return "It was answered automatically, once, with a link to the form."
}

// Sentence says what became of a mail.
func Sentence(m store.Inbound) string {
	stops := 0
	for _, r := range m.Verdict.Rules {
		if r.Effect == store.EffectStop || r.Effect == store.EffectMissing {
			stops++
		}
	}
	switch {
	case m.State == store.InboundStored:
		return "Not decided yet: the watcher comes to it within moments."
	case m.State == store.InboundQuarantined:
		return "Set aside after several tries. It is kept, and was not answered."
	case m.Answer != 0:
		return "It was answered automatically, once."
	case stops == 1:
		return "It was not answered. One rule blocks a reply."
	case stops > 1:
		return fmt.Sprintf("It was not answered. %d rules block a reply, and each is enough.", stops)
	}
	return "It was not answered: mail of its kind is read, not replied to."
}
