package watch

import (
	"slices"
	"strings"
	"time"

	"signpost/store"
)

// RuleCanary tells that a mail is a canary's stray; the evidence is its run.
const RuleCanary = "canary"

// canaryHour is how many strays of canaries are answered in an hour, forged ones
// included: more than canaries send.
const canaryHour = 15

// spotCanary tells the stray of a canary from what people write. It goes through
// every rule as theirs do; only the budgets that an answer is held to are others
// (ofCanary).
func (w *Watcher) spotCanary(header []field, j *judgement) {
	if w.deps.Canary == nil {
		return
	}
	i := slices.IndexFunc(header, func(f field) bool { return strings.EqualFold(f.name, store.CanaryField) })
	if i < 0 {
		return
	}
	run, ok := w.deps.Canary(j.answer.To, header[i].value, time.Now())
	if !ok {
		return
	}
	j.canary, j.answer.Region = run, store.OwnRegion
	j.result.Rules = append(slices.Clip(j.result.Rules),
		store.Rule{ID: RuleCanary, Effect: store.EffectNote, Evidence: run})
}

// ofCanary is what the answer to a canary's stray is held to. One in so many days
// would silence it, and so would the budget of its domain, which is for people:
// so the answer is reserved under the run, once and for all. A host that copies a mark
// from a mail that passed by gains nothing by it: the run has been answered, at
// the canary's own address, and will not be again. The breaker counts it too.
func (l Limits) ofCanary(run string) store.AnswerLimits {
	return store.AnswerLimits{
		Sender: "canary " + run, Period: max(l.Period, 24*time.Hour),
		Budgets: []store.Budget{{Name: "answer/canary", Limit: canaryHour, Window: time.Hour}},
		Breaker: store.Budget{Name: "answer/breaker", Limit: l.Breaker, Window: l.BreakerWindow},
	}
}
