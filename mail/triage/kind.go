package triage

import (
	"strings"

	"signpost/store"
)

// kind decides what the mail is. Reports come first, since a bounce carries the
// marks of an automatic reply too; then what is ours; then the programs, and
// what is left a person wrote.
func (m *message) kind(rules []store.Rule) store.Kind {
	switch {
	case m.report != "":
		return m.report
	case fired(rules, "own-address", "own-instance"):
		return store.KindOwn
	case fired(rules, "calendar"):
		return store.KindCalendar
	case fired(rules, "reaction"):
		return store.KindReaction
	case fired(rules, "challenge"):
		return store.KindChallenge
	case fired(rules, "junk", "spam-mark"):
		return store.KindSpam
	case fired(rules, "list-header") && !m.replied(rules):
		return store.KindList
	case fired(rules, "auto-submitted", "responder-header", "other-helpdesk", "loop-header", "auto-subject",
		"away-text", "program-text", "acknowledgement"):
		return store.KindAutoReply
	case fired(rules, "precedence", "bulk-header"):
		if m.toMany(rules) {
			return store.KindList
		}
		return store.KindAutoReply
	case m.machine():
		return store.KindAutoReply
	}
	return store.KindDirect
}

// replied tells an automatic reply that a list passed on, or that carries list
// fields of its own.
func (m *message) replied(rules []store.Rule) bool {
	if _, ok := phrasebook().prefix(m.folded, autoSubject); ok && fired(rules, "auto-subject") {
		return true
	}
	_, ok := m.valued("Auto-Submitted", func(v string) bool { return keyword(v) == "auto-replied" })
	return ok
}

// toMany tells mail for many readers from a responder's, which marks itself with
// Precedence too but answers something.
func (m *message) toMany(rules []store.Rule) bool {
	words, _ := precedence(m)
	switch words = strings.ToLower(words); {
	case strings.Contains(words, "reply"):
		return false
	case fired(rules, "bulk-header") || strings.Contains(words, "list"):
		return true
	}
	if _, ok := m.robot(isListName); ok {
		return true
	}
	return !m.answers()
}

// machine tells a sender that nobody can be reached at.
func (m *message) machine() bool {
	if m.hasReturnPath && m.null {
		return true
	}
	_, ok := m.robot(func(address string) bool { return isDaemon(address) || isNoReply(address) })
	return ok
}
