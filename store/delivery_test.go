package store_test

import (
	"testing"

	"signpost/store"
)

func TestOnlyWorseNewsReplacesAFate(t *testing.T) {
	t.Parallel()
	order := []store.Fate{
		"", store.FateDelayed, store.FateDelivered, store.FateComplained, store.FateRefused, store.FateBounced,
	}
	for i, known := range order {
		for j, news := range order {
			if got := news.Outranks(known); got != (j > i) {
				t.Errorf("%q outranks %q: %v", news, known, got)
			}
		}
	}
	if store.Fate("anything").Outranks("") {
		t.Error("an unknown fate is news")
	}
}

func TestWhatAReportSaysOfItsMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    store.Kind
		action  store.Action
		outcome store.Outcome
		want    store.Fate
	}{
		{store.KindBounce, "failed", "dead", store.FateBounced},
		{store.KindBounce, "failed", "later", store.FateBounced}, // it did not arrive
		{store.KindBounce, "failed", "refused", store.FateRefused},
		{store.KindBounce, "delayed", "later", store.FateDelayed},
		{store.KindBounce, "delivered", "done", store.FateDelivered}, // one recipient of several
		{store.KindDelay, "delayed", "later", store.FateDelayed},
		{store.KindDelivered, "delivered", "done", store.FateDelivered},
		{store.KindDelivered, "relayed", "done", ""},
		{store.KindDelivered, "expanded", "done", ""},
		{store.KindComplaint, "failed", "refused", store.FateComplained},
		{store.KindComplaint, "failed", "done", ""}, // one taken back
		{store.KindBounce, "", "dead", ""},
		{store.KindAutoReply, "failed", "dead", ""},
		{store.KindDirect, "failed", "dead", ""},
	} {
		if got := store.FateOf(c.kind, store.Report{Action: c.action, Outcome: c.outcome}); got != c.want {
			t.Errorf("%s, %s, %s: %q, want %q", c.kind, c.action, c.outcome, got, c.want)
		}
	}
}

func TestRefusalsWithTheSameWordsAreOne(t *testing.T) {
	t.Parallel()
	same := []string{
		"550 5.7.1 [192.0.2.1] is listed. See https://list.example/a?ip=192.0.2.1 a1b2c3-5si123.45 - gsmtp",
		"550 5.7.1 [192.0.2.200] is   Listed. See https://list.example/b  f0e1d2-8si77.1 - GSMTP",
	}
	a, b := store.RefusalText(same[0]), store.RefusalText(same[1])
	if a != b || a != "550 5.7.1 # is listed. see * # - gsmtp" {
		t.Errorf("%q and %q", a, b)
	}
	if store.RefusalText("550 5.7.1 spam") == store.RefusalText("550 5.7.26 spam") {
		t.Error("two codes are one refusal")
	}
	for _, words := range []string{"", "\xff\xfe", string(make([]byte, 5000)), "1.2.3.4.5.6.7.8.9", ".."} {
		if got := store.RefusalText(words); len(got) > 200 {
			t.Errorf("%d bytes of %q", len(got), words)
		}
	}
}
