package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

func TestTheLastCommitsAreMeasured(t *testing.T) {
	t.Parallel()
	m := New()
	if _, _, n := m.Commits(); n != 0 {
		t.Errorf("%d commits before the first", n)
	}
	for range 2000 { // those that are no longer among the last
		m.ObserveCommit(1, time.Hour)
	}
	for i := range 1024 {
		m.ObserveCommit(1, time.Duration(i)*time.Millisecond)
	}
	if p50, p99, n := m.Commits(); n != 1024 || p50 != 512*time.Millisecond || p99 != 1013*time.Millisecond {
		t.Errorf("p50 %v, p99 %v of %d", p50, p99, n)
	}
}

// TestWhatIsOverIsShownNoMore: an alarm's gauge goes with the alarm, and a run of the
// canary is counted by its region and result.
func TestWhatIsOverIsShownNoMore(t *testing.T) {
	t.Parallel()
	m := New()
	m.AlarmsStanding([]string{"breaker", "relay"})
	m.AlarmsStanding([]string{"relay"})
	m.CanaryRan(store.CanaryRun{Region: "us", Faults: []string{"no answer came"}})
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for line, want := range map[string]bool{
		`signpost_alarm{alarm="relay"} 1`: true, `signpost_alarm{alarm="breaker"}`: false,
		`signpost_canary_runs_total{region="us",result="failed"} 1`: true,
	} {
		if strings.Contains(page.Body.String(), line) != want {
			t.Errorf("%s is shown: %v", line, !want)
		}
	}
}
