package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store"
)

// rule is one small named question put to a mail. judge returns the words it
// fired on; effect is what it does then. Rules are independent: all are asked,
// all that fire are recorded.
type rule struct {
	id     string
	source string // where it comes from
	effect store.Effect
	judge  func(m *message) (words string, fired bool)
}

// need is a rule whose not firing forbids an answer.
func need(id, source string, judge func(*message) (string, bool)) rule {
	return rule{id, source, store.EffectMet, judge}
}

func stop(id, source string, judge func(*message) (string, bool)) rule {
	return rule{id, source, store.EffectStop, judge}
}

func note(id, source string, judge func(*message) (string, bool)) rule {
	return rule{id, source, store.EffectNote, judge}
}

// groups are all rules in the order in which they are shown.
func groups() [][]rule {
	return [][]rule{ownRules, senderRules, automaticRules, contentRules, audienceRules, spamRules}
}

func judge(m *message) []store.Rule {
	fired := make([]store.Rule, 0, 8)
	for _, group := range groups() {
		for _, r := range group {
			words, ok := r.judge(m)
			effect := r.effect
			if !ok && effect == store.EffectMet && words != "" {
				effect, ok = store.EffectMissing, true
			}
			if ok {
				fired = append(fired, store.Rule{ID: r.id, Effect: effect, Evidence: evidence(words)})
			}
		}
	}
	return fired
}

// evidence makes words fit for a ledger.
func evidence(words string) string { return cut(header.Clean(cut(words, 1000)), 200) }

func fired(rules []store.Rule, ids ...string) bool {
	for _, r := range rules {
		if contains(ids, r.ID) && r.Effect != store.EffectMissing {
			return true
		}
	}
	return false
}

// present fires on any of the named fields.
func present(names ...string) func(*message) (string, bool) {
	return func(m *message) (string, bool) {
		name, value, ok := m.header.First(names...)
		return name + ": " + value, ok
	}
}

// valued fires on a field of that name whose value says yes; every instance of
// the field is asked.
func (m *message) valued(name string, says func(value string) bool) (words string, fired bool) {
	m.header.All(name, func(v []byte) bool {
		if value := header.Unfold(v); says(value) {
			words, fired = name+": "+value, true
		}
		return !fired
	})
	return words, fired
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
