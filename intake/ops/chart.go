package ops

import (
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

// The chart of a canary's runs is drawn in these units; the page scales it.
const (
	chartWidth  = 640
	chartHeight = 112
	chartTop    = 10 // room for the marks of runs that failed
	chartBottom = 96
)

// chart is how long the mails of each run took, the newest run at the right.
type chart struct {
	Width, Height, Bottom int
	Top                   int
	Most                  string // what the upper line stands for
	Marks                 []chartMark
	Words                 string // for those who do not see it
}

// chartMark is one run: a dot for the answer, a square for the confirmation, a
// cross where it failed.
type chartMark struct {
	X               int
	Answer, Confirm int // heights; 0: none
	Failed          bool
	Words           string
}

func newChart(runs []store.CanaryRun) chart {
	c := chart{Width: chartWidth, Height: chartHeight, Top: chartTop, Bottom: chartBottom}
	var took []time.Duration
	failed := 0
	for _, r := range runs {
		for _, l := range []store.CanaryLeg{r.Answer, r.Confirmation} {
			if l.Count > 0 {
				took = append(took, max(0, l.ArrivedAt.Sub(r.StartedAt)))
			}
		}
	}
	if len(took) == 0 {
		return c
	}
	slices.Sort(took)
	most := roundUp(took[len(took)-1])
	c.Most = seconds(most)
	step := chartWidth / runsCharted
	for i, r := range runs {
		m := chartMark{X: chartWidth - step/2 - i*step, Failed: !r.EndedAt.IsZero() && !r.Passed()}
		m.Answer, m.Confirm = height(r.Answer, r.StartedAt, most), height(r.Confirmation, r.StartedAt, most)
		row := runOf(r)
		m.Words = fmt.Sprintf("%s, %s: %s. Answer %s, confirmation %s.",
			row.Started, row.Region, row.Word, row.Answer.Took, row.Confirm.Took)
		if m.Failed {
			failed++
		}
		c.Marks = append(c.Marks, m)
	}
	c.Words = fmt.Sprintf("Arrival times of the last %d runs: half of the mails came within %s, "+
		"all that came within %s; %d runs failed.",
		len(runs), seconds(took[len(took)/2]), seconds(took[len(took)-1]), failed)
	return c
}

// height is where a mail's mark stands, 0 when none came.
func height(l store.CanaryLeg, began time.Time, most time.Duration) int {
	if l.Count == 0 {
		return 0
	}
	share := float64(max(0, l.ArrivedAt.Sub(began))) / float64(most)
	return chartBottom - int(share*float64(chartBottom-chartTop-8))
}

// roundUp is the next round time, for the upper line.
func roundUp(d time.Duration) time.Duration {
	for _, round := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		if d <= round {
			return round
		}
	}
	return d
}
