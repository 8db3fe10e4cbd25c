package store_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestABudgetIsSpentAndComesBack(t *testing.T) {
	t.Parallel()
	b := store.Budget{Name: "b", Limit: 4, Window: time.Hour}
	var u store.Usage
	spend := func(now time.Time) (n int) {
		for {
			var ok bool
			if u, ok = b.Spend(u, now); !ok {
				return n
			}
			n++
		}
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{59 * time.Minute, 4}, // all of it, late in the window
		{60 * time.Minute, 0}, // the window before weighs in full
		{75 * time.Minute, 1}, // three quarters of 4 are still in view
		{90 * time.Minute, 1}, // 2 of 4, and the one just spent
		{119 * time.Minute, 1},
		{120 * time.Minute, 1}, // the window before held 3
		{10 * time.Hour, 4},
	} {
		if got := spend(noon.Add(step.after)); got != step.want {
			t.Errorf("after %v: %d, want %d", step.after, got, step.want)
		}
	}
}

func TestAClockSetBackSpendsFromTheSameWindow(t *testing.T) {
	t.Parallel()
	b := store.Budget{Limit: 1, Window: time.Hour}
	u, ok := b.Spend(store.Usage{}, noon)
	if !ok {
		t.Fatal("the first was refused")
	}
	for _, back := range []time.Duration{time.Microsecond, 59 * time.Minute, time.Hour} {
		if after, ok := b.Spend(u, noon.Add(-back)); ok || after != u {
			t.Errorf("setting the clock back %v made room: %+v", back, after)
		}
	}
}

// TestAMomentInNextYearStopsNothing: a machine that starts with a wrong clock sends
// for a moment, and is set right.
func TestAMomentInNextYearStopsNothing(t *testing.T) {
	t.Parallel()
	b := store.Budget{Limit: 2, Window: time.Hour}
	u, _ := b.Spend(store.Usage{}, noon.AddDate(1, 0, 0))
	u, _ = b.Spend(u, noon.AddDate(1, 0, 0))
	for i, want := range []bool{true, true, false} {
		var ok bool
		if u, ok = b.Spend(u, noon.Add(time.Duration(i)*time.Minute)); ok != want {
			t.Errorf("%d minutes after it was set right: allowed %v", i, ok)
		}
	}
	if !b.Expires(u).Equal(noon.Add(2 * time.Hour)) {
		t.Errorf("weighs until %v", b.Expires(u))
	}
}

func TestWithoutALimitNothingIsCounted(t *testing.T) {
	t.Parallel()
	for _, b := range []store.Budget{{}, {Limit: -1, Window: time.Hour}} {
		if u, ok := b.Spend(store.Usage{}, noon); !ok || u != (store.Usage{}) || !b.Unlimited() {
			t.Errorf("%+v: %+v, %v", b, u, ok)
		}
	}
}

// TestABudgetHolds spends at random instants and counts, in every pair of
// neighbouring windows, against the weighted sum that the contract gives, and in
// every window as the budget cuts them against the limit.
func TestABudgetHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		b := store.Budget{
			Limit:  rapid.IntRange(1, 20).Draw(r, "limit"),
			Window: time.Duration(rapid.IntRange(1, 5000).Draw(r, "window")) * time.Microsecond,
		}
		var u store.Usage
		var spent []time.Time
		now := noon
		for range rapid.IntRange(1, 60).Draw(r, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(r, "gap")) * time.Microsecond)
			var ok bool
			want := weigh(b, spent, now) <= float64(b.Limit)-1
			if u, ok = b.Spend(u, now); ok != want {
				r.Fatalf("at %v: allowed %v, want %v after %v", now, ok, want, spent)
			}
			if ok {
				spent = append(spent, now)
			}
			if !b.Expires(u).After(now) && ok {
				r.Fatalf("expires at %v, in use at %v", b.Expires(u), now)
			}
		}
	})
}

// weigh counts what was spent in now's window, and in the one before by the
// share of it in view.
func weigh(b store.Budget, spent []time.Time, now time.Time) float64 {
	start := now.Add(-time.Duration(now.UnixMicro()%b.Window.Microseconds()) * time.Microsecond)
	var current, before float64
	for _, at := range spent {
		switch {
		case !at.Before(start):
			current++
		case !at.Before(start.Add(-b.Window)):
			before++
		}
	}
	view := 1 - float64(now.Sub(start))/float64(b.Window)
	return current + before*view - 1e-9
}
