package verdict_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"signpost/intake/verdict"
	"signpost/store"
)

// A partner who replied to a ticket's mail was shown its page, any other sender the
// form: what is told of the answer is what was in it.
func TestAnAnswerIsToldByWhatItShowed(t *testing.T) {
	t.Parallel()
	if got := verdict.Answered(store.Outbound{Ticket: 7, Number: "US-1042"}); !strings.Contains(got, "page of US-1042") ||
		strings.Contains(got, "form") {
		t.Errorf("of the page of a ticket it is said %q", got)
	}
	if got := verdict.Answered(store.Outbound{}); !strings.Contains(got, "form") {
		t.Errorf("of the form it is said %q", got)
	}
}

// A kind of mail that is added to the store must get its name here.
func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../store/inbound.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		c, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(c.Names[0].Name, "Kind") {
			return true
		}
		id, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if !slices.ContainsFunc(verdict.Marks(), func(m verdict.Mark) bool { return m.ID == id }) {
			t.Errorf("mail of kind %q has no name", id)
		}
		return true
	})
	if seen < 10 {
		t.Errorf("only %d kinds were found in store/inbound.go", seen)
	}
}

func TestASentenceCountsWhatStoodAgainstAnAnswer(t *testing.T) {
	t.Parallel()
	decided := func(effects ...store.Effect) store.Inbound {
		m := store.Inbound{State: store.InboundDecided}
		for _, e := range effects {
			m.Verdict.Rules = append(m.Verdict.Rules, store.Rule{ID: "r", Effect: e})
		}
		return m
	}
	answered := decided(store.EffectMet)
	answered.Answer = 1
	for want, m := range map[string]store.Inbound{
		"It was answered":   answered,
		"One rule blocks":   decided(store.EffectMet, store.EffectStop),
		"2 rules block":     decided(store.EffectMissing, store.EffectStop, store.EffectNote),
		"is read, not":      decided(store.EffectNote),
		"Not decided yet":   {State: store.InboundStored},
		"was not answered.": {State: store.InboundQuarantined},
	} {
		if got := verdict.Sentence(m); !strings.Contains(got, want) {
			t.Errorf("it is said %q where %q is meant", got, want)
		}
	}
}
