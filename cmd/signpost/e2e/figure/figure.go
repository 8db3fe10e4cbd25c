package figure

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Pairs is how often the two sides of a ratio take turns.
const Pairs = 5

// Short is the measure for continuous integration: the same figures from fewer
// repetitions, in a few minutes.
func Short() bool { return os.Getenv("BENCH") == "short" }

// Size is a number of repetitions, for the whole measure and for the Short one.
func Size(whole, brief int) int {
	if Short() {
		return brief
	}
	return whole
}

// Figure is one line of the report.
type Figure struct {
	Name  string
	Unit  string // behind the value: " ms", "" for a ratio
	Aim   string // such as ">= 0.75"
	Pairs []float64
	Note  string
}

// Print writes the figure to the standard output: its median, its aim and each pair.
func (f Figure) Print() {
	line := fmt.Sprintf("%s: %s%s", f.Name, Digits(Median(f.Pairs)), f.Unit)
	if f.Aim != "" {
		line += " (aim " + f.Aim + f.Unit + ")"
	}
	if len(f.Pairs) > 1 {
		all := make([]string, len(f.Pairs))
		for i, v := range f.Pairs {
			all[i] = Digits(v)
		}
		line += " [pairs: " + strings.Join(all, " ") + "]"
	}
	if f.Note != "" {
		line += " " + f.Note
	}
	fmt.Println(line)
}

// Digits shows three of them, as many as such a figure is good for.
func Digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Median of unsorted values, the upper of the middle two; there must be one.
func Median[T cmp.Ordered](of []T) T { return slices.Sorted(slices.Values(of))[len(of)/2] }

// Quantile of unsorted values: 0.99 is what 99 of 100 stay below.
func Quantile[T cmp.Ordered](of []T, q float64) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*q))]
}

// Ratios divides pair by pair.
func Ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// Rounds times n single events, five times over, with a rest after each, and
// returns the median and the 99th percentile in ms of every round.
func Rounds(n int, rest time.Duration, once func(i int)) (p50, p99 []float64) {
	for round := range Pairs {
		took := make([]float64, n)
		for i := range took {
			began := time.Now()
			once(round*n + i)
			took[i] = float64(time.Since(began).Microseconds()) / 1000
			<-time.After(rest)
		}
		p50, p99 = append(p50, Quantile(took, 0.50)), append(p99, Quantile(took, 0.99))
	}
	return p50, p99
}

// AtRest lets watchers and senders come to rest between two single events.
const AtRest = 20 * time.Millisecond
