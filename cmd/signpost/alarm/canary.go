package alarm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

const canaryLooked = 200 // runs

// canaryTroubles tells of regions whose last run failed, and of a canary that
// makes no more runs.
func (s *Subject) canaryTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	if !s.Config.Canary.On {
		return nil
	}
	runs, err := store.Items(s.Store.CanaryRuns(ctx, store.Page{Limit: canaryLooked}))
	if err != nil {
		return nil // a store that cannot be read is told of by itself
	}
	for _, region := range s.Config.Regions() {
		failed := failedSince(runs, region.ID)
		if len(failed) == 0 {
			continue
		}
		often := ""
		if len(failed) > 1 {
			often = fmt.Sprintf(" %d times in a row", len(failed))
		}
		list = append(list, store.Trouble{
			Key: "canary/" + region.ID, What: fmt.Sprintf("the canary of region %s failed%s: %s", region.ID, often,
				strings.Join(failed[0].Faults, "; ")),
			Do: "Partners may be in the same case: no confirmation, or no answer to a stray mail. /ops/health shows its " +
				"last runs and what the hosts state of our mail.",
			Level: level(len(failed), 1, 3, 10),
		})
	}
	since := s.Began
	if len(runs) > 0 && runs[0].StartedAt.After(since) {
		since = runs[0].StartedAt
	}
	if every := s.Config.Canary.Every; every > 0 && now.Sub(since) > 2*every+s.Config.Canary.Limit {
		list = append(list, store.Trouble{
			Key: "canary-silent", What: "the canary has not set out since " + since.UTC().Format("2 Jan 15:04 UTC"), Level: 1,
			Do: "The log of the service says why: it could not write its run.",
		})
	}
	return list
}

// failedSince are a region's runs since one passed, of runs that are newest first.
func failedSince(runs []store.CanaryRun, region string) (failed []store.CanaryRun) {
	for _, r := range runs {
		switch {
		case r.Region != region || r.EndedAt.IsZero():
		case r.Passed():
			return failed
		default:
			failed = append(failed, r)
		}
	}
	return failed
}
