package sla

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"signpost/store"
)

func officeRegion() store.Region {
	return store.Region{
		ID: "us", Zone: "America/New_York", Hours: "Mon-Fri 09:00-17:00", Holidays: []string{"2026-12-25"},
		FirstResponse: 8 * time.Hour, Resolution: 16 * time.Hour,
	}
}

// TestAPromiseCountsBusinessTime: opened on the last working morning before Christmas,
// in the region's own zone.
func TestAPromiseCountsBusinessTime(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy([]store.Region{officeRegion()})
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Date(2026, 12, 24, 14, 0, 0, 0, time.UTC) // Thursday, 09:00 in New York
	promise, err := policy.Promise("us", opened)
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 12, 24, 22, 0, 0, 0, time.UTC)      // Thursday, 17:00
	resolution := time.Date(2026, 12, 28, 22, 0, 0, 0, time.UTC) // Monday, 17:00: Friday is a holiday
	if !promise.FirstResponseBy.Equal(first) || !promise.ResolutionBy.Equal(resolution) {
		t.Errorf("promised %v and %v, want %v and %v", promise.FirstResponseBy, promise.ResolutionBy, first, resolution)
	}
	if zone := policy.Zone("us"); zone == nil || zone.String() != "America/New_York" {
		t.Errorf("zone %v", zone)
	}
	if _, err := policy.Promise("eu", opened); !errors.Is(err, store.ErrNotFound) || policy.Zone("eu") != nil {
		t.Errorf("a region without a policy: %v, zone %v", err, policy.Zone("eu"))
	}
	if Overdue(promise, first.Add(-time.Second)) || !Overdue(promise, first) || Overdue(store.Promise{}, first) {
		t.Error("a promise is overdue from its first date on, and one without dates never")
	}
}

// A ticket put on hold without a date hears of us again within the time of a first
// response, and its other dates stay.
func TestATicketOnHoldHasADateForItsNextUpdate(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy([]store.Region{officeRegion()})
	if err != nil {
		t.Fatal(err)
	}
	k := store.Ticket{Region: "us"}
	k.Promise, _ = policy.Promise("us", time.Date(2026, 12, 24, 14, 0, 0, 0, time.UTC))
	want := k.Promise
	want.NextUpdateBy = time.Date(2026, 12, 28, 22, 0, 0, 0, time.UTC) // Monday's end: Friday is a holiday
	if got := policy.Promising(store.MomentHeld, k, time.Date(2026, 12, 24, 22, 0, 0, 0, time.UTC)); got != want {
		t.Errorf("promised %+v, not %+v", got, want)
	}
	want.NextUpdateBy = want.FirstResponseBy // it still waits for that
	if got := policy.Promising(store.MomentHeld, k, time.Date(2026, 12, 24, 15, 0, 0, 0, time.UTC)); got != want {
		t.Errorf("promised %+v, not %+v", got, want)
	}
}

func TestARegionWithoutACalendarIsNamed(t *testing.T) {
	t.Parallel()
	region := officeRegion()
	region.Hours = "whenever"
	if _, err := NewPolicy([]store.Region{region}); err == nil || err.Error()[:10] != "region us:" {
		t.Errorf("got %v", err)
	}
}

// TestTheClockOfAResolutionStandsWhileThePartnerIsWaitedFor: a ticket that waits for
// its partner from Thursday noon to Monday noon has the afternoon of Thursday left.
func TestTheClockOfAResolutionStandsWhileThePartnerIsWaitedFor(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy([]store.Region{officeRegion()})
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Date(2026, 12, 23, 22, 0, 0, 0, time.UTC) // Wednesday, 17:00 in New York: closed
	k := store.Ticket{Region: "us", OpenedAt: opened}
	k.Promise = policy.Promising(store.MomentOpened, k, opened)
	if want, _ := policy.Promise("us", opened); k.Promise != want || want.ResolutionBy.IsZero() {
		t.Fatalf("promised %v, want %v", k.Promise, want)
	}
	k.StoppedAt = time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC) // 3 h of 16 h have passed
	monday := time.Date(2026, 12, 28, 17, 0, 0, 0, time.UTC)
	got := policy.Promising(store.MomentResumed, k, monday)
	// Monday has 5 h left, Tuesday 8 h.
	want := store.Promise{FirstResponseBy: k.Promise.FirstResponseBy,
		ResolutionBy: time.Date(2026, 12, 29, 22, 0, 0, 0, time.UTC)}
	if got != want {
		t.Errorf("promised %v, want %v", got, want)
	}
	given := store.Promise{ResolutionBy: monday}
	for name, k := range map[string]store.Ticket{
		"opened with a promise":   {Region: "us", OpenedAt: opened, Promise: given},
		"a region without policy": {Region: "eu", OpenedAt: opened, Promise: given},
		"overdue when it stopped": {Region: "us", Promise: given, StoppedAt: monday.Add(time.Hour)},
	} {
		for _, m := range []store.Moment{store.MomentOpened, store.MomentResumed, store.MomentAnswered} {
			if m == store.MomentResumed && k.StoppedAt.IsZero() {
				continue
			}
			if got := policy.Promising(m, k, monday.Add(48*time.Hour)); got != given {
				t.Errorf("%s, %s: promised %v", name, m, got)
			}
		}
	}
}

// TestWhyAPromiseIsDueAgreesWithTheRule: a clock that stands and goes on at random instants
// ends where the store's rule puts it, and what was counted adds up to the target.
func TestWhyAPromiseIsDueAgreesWithTheRule(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	region := officeRegion()
	region.Resolution = 40 * time.Hour
	policy, err := NewPolicy([]store.Region{region})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		now := time.Date(2026, 12, 1+dice.IntN(25), dice.IntN(24), dice.IntN(60), 0, 0, time.UTC)
		k := store.Ticket{Region: "us", OpenedAt: now}
		k.Promise = policy.Promising(store.MomentOpened, k, now)
		var pauses []store.Span
		for range dice.IntN(5) {
			k.StoppedAt = now.Add(time.Duration(dice.IntN(60)) * time.Hour)
			now = k.StoppedAt.Add(time.Duration(dice.IntN(100)) * time.Hour)
			k.Promise = policy.Promising(store.MomentResumed, k, now)
			pauses = append(pauses, store.Span{From: k.StoppedAt, To: now})
		}
		if dice.IntN(3) == 0 {
			pauses = append(pauses, store.Span{From: now.Add(time.Hour)})
		}
		why, err := policy.Why("us", store.DeadlineResolution, k.OpenedAt, pauses)
		if err != nil || !why.Due.Equal(k.Promise.ResolutionBy) {
			t.Fatalf("opened %v, pauses %v: due %v, the rule says %v (%v)", k.OpenedAt, pauses, why.Due,
				k.Promise.ResolutionBy, err)
		}
		var sum time.Duration
		for _, c := range why.Counted {
			sum += c.To.Sub(c.From)
			for _, p := range why.Pauses {
				if c.From.Before(p.To) && p.From.Before(c.To) {
					t.Fatalf("%v is counted within the pause %v", c, p)
				}
			}
		}
		if sum != region.Resolution {
			t.Fatalf("opened %v, pauses %v: %v counted, want %v", k.OpenedAt, pauses, sum, region.Resolution)
		}
	}
	if _, err := policy.Why("eu", store.DeadlineResolution, time.Time{}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a region without a policy: %v", err)
	}
}
