package alarm

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
)

const (
	// refusedWithin is the time within which refusals count together.
	refusedWithin = 24 * time.Hour
	maxRefused    = 100 // clusters looked at
)

// refusalTroubles tells of hosts that refuse us for several people: not their
// addresses are at fault then, but we are.
func (s *Subject) refusalTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	floor := s.Config.Alarm.Refusals
	since := now.Add(-refusedWithin)
	clusters, err := store.Items(s.Store.Refusals(ctx, since, store.Page{Limit: maxRefused}))
	if err != nil || floor <= 0 {
		return nil // a store that cannot be read is told of by itself
	}
	told := map[string]bool{}
	for _, c := range clusters {
		n := c.Since(since)
		if n < floor || told[c.Host] {
			continue
		}
		told[c.Host] = true
		list = append(list, store.Trouble{
			Key: "refusals/" + c.Host, What: fmt.Sprintf(
				"%d addresses at %s had our mail refused within a day; the latest report says %s", n, unlinked(c.Host),
				claim(c.Diagnostic)),
			Do: "The addresses may well be good: the host objects to us or to what we write. What is quoted are the " +
				"report's own words, which its writer chose; /ops/bounces has all cases.",
			Level: level(n, 1, 2*floor, 4*floor),
		})
	}
	return list
}
