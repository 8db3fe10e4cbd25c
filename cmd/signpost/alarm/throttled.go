package alarm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"signpost/intake/form"
	"signpost/store"
)

// throttledTroubles tells of confirmations that wait for room in a limit: from so
// many on (0: never), and always where the limit over all is what they wait for.
func throttledTroubles(stats store.Stats, floor int) []store.Trouble {
	waiting := int(stats.Outbounds[store.StateThrottled])
	stopped := stats.Throttled[form.BudgetAll]+stats.Throttled[form.BudgetAllDay] > 0
	if !stopped && (floor <= 0 || waiting < floor) {
		return nil
	}
	t := store.Trouble{
		Key: "confirmations", What: fmt.Sprintf("%d confirmations wait for room in a limit (%s)", waiting,
			byBudget(stats.Throttled)), Level: 1,
		Do: "Requests are taken all the same, and the confirmations leave when there is room. Is it a flood of posts, or " +
			"many partners at once? /ops/queue#throttled shows whom they are for; the limits are the confirmations_ keys " +
			"of [form].",
	}
	if floor > 0 {
		t.Level = max(1, level(waiting, floor, 10*floor, 100*floor))
	}
	if stopped {
		t.What = "the limit over all confirmations is spent: " + t.What
		t.Level = max(2, t.Level)
	}
	return []store.Trouble{t}
}

// byBudget names what mail waits for, the most frequent first.
func byBudget(waiting map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(waiting), func(a, b string) int {
		return cmp.Or(cmp.Compare(waiting[b], waiting[a]), cmp.Compare(a, b))
	})
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = fmt.Sprintf("%s: %d", name, waiting[name])
	}
	return strings.Join(words, ", ")
}
