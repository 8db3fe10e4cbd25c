package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"signpost/mail/triage"
	"signpost/store"
)

// behindList is the verdict on a mail that came through a list of ours.
func behindList(kind store.Kind) store.Verdict {
	return store.Verdict{Kind: kind, Rules: []store.Rule{
		{ID: triage.RuleOwnList, Effect: store.EffectNote}, {ID: "list-header", Effect: store.EffectStop},
	}}
}

// TestAListInFrontOfAMailboxIsTold once enough mail came; reports and strangers' newsletters say nothing of it.
func TestAListInFrontOfAMailboxIsTold(t *testing.T) {
	t.Parallel()
	direct := store.Verdict{Kind: store.KindDirect}
	newsletter := store.Verdict{Kind: store.KindList, Rules: []store.Rule{{ID: "list-header", Effect: store.EffectStop}}}
	for name, c := range map[string]struct {
		mails []store.Verdict
		told  bool
	}{
		"a list": {slices.Repeat([]store.Verdict{behindList(store.KindList)}, 10), true},
		"a group that writes as us": {slices.Repeat([]store.Verdict{behindList(store.KindOwn), direct,
			behindList(store.KindList)}, 5), true},
		"half of them":       {slices.Repeat([]store.Verdict{behindList(store.KindList), direct}, 10), false},
		"newsletters":        {slices.Repeat([]store.Verdict{newsletter, direct}, 20), false},
		"bounces through it": {slices.Repeat([]store.Verdict{behindList(store.KindBounce), direct}, 20), false},
		"in earlier days": {slices.Concat(slices.Repeat([]store.Verdict{behindList(store.KindList)}, 40),
			slices.Repeat([]store.Verdict{direct}, 26)), false},
	} {
		var f fronts
		for _, v := range c.mails {
			f.add(store.Inbound{Mailbox: "us", Verdict: v})
		}
		if n, all, yes := f.most("us"); yes != c.told {
			t.Errorf("%s: %d of %d told: %v", name, n, all, yes)
		}
	}
	var few fronts
	for range frontLeast - 1 {
		few.add(store.Inbound{Mailbox: "us", Verdict: behindList(store.KindList)})
	}
	if _, _, yes := few.most("us"); yes {
		t.Error("told after a few mails")
	}
}

// TestAGroupInFrontOfAMailboxRaisesAnAlarm: what came before a restart counts too.
func TestAGroupInFrontOfAMailboxRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i := range frontLeast {
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress},
			plainMail(from, "Order", "Precedence: list", "Mailing-list: list "+supportAddress)); err != nil {
			t.Fatal(err)
		}
	}
	d.awaitLedger(t, frontLeast)
	if err := d.app.recallFronts(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := d.app.frontTroubles()
	if len(list) != 1 || !strings.HasPrefix(list[0].Key, "front/") ||
		!strings.Contains(list[0].Do, "make it the mailbox itself") {
		t.Errorf("told of %+v", list)
	}
}
