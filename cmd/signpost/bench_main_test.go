//go:build bench

package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"signpost/cmd/signpost/config"
)

// The measured figures of the product: `make bench` prints one line for each.
// What is compared is measured in turns, five pairs in one run, and the median
// ratio counts, since a shared machine moves both alike. Nothing here fails for
// being slow; it fails when what it measures does not work.

// Variables of the environment that the measures read.
const (
	// benchServe makes this program the service of the named configuration: the
	// process that is measured, apart from the one that measures.
	benchServe = "SIGNPOST_BENCH_SERVE"
	// benchProfile is a folder where each service leaves its CPU profile.
	benchProfile = "SIGNPOST_BENCH_PROFILE"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(benchServe); config != "" {
		if err := serveMeasured(config); err != nil {
			fmt.Fprintln(os.Stderr, "measured service:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveMeasured is what serve does, with the sandbox's DNS: no measure asks the
// name servers of the world.
func serveMeasured(file string) error {
	if dir := os.Getenv(benchProfile); dir != "" {
		f, err := os.Create(fmt.Sprintf("%s/%d.pprof", dir, os.Getpid()))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	cfg, err := config.Load(file, os.Environ())
	if err != nil {
		return err
	}
	log, err := newLog(os.Stderr, cfg.Service.Log)
	if err != nil {
		return err
	}
	return serve(cfg, log, dialers{resolver: sandboxResolver{}})
}

// pairs is how often the two sides of a ratio take turns.
const pairs = 5

// short is the measure for continuous integration: the same figures from fewer
// repetitions, in a few minutes.
func short() bool { return os.Getenv("BENCH") == "short" }

// size is a number of repetitions, for the whole measure and for the short one.
func size(whole, brief int) int {
	if short() {
		return brief
	}
	return whole
}

// figure is one line of the report.
type figure struct {
	name  string
	unit  string // behind the value: " ms", "" for a ratio
	aim   string // such as ">= 0.75"
	pairs []float64
	note  string
}

// print shows the median and each pair.
func (f figure) print() {
	line := fmt.Sprintf("%s: %s%s", f.name, digits(median(f.pairs)), f.unit)
	if f.aim != "" {
		line += " (aim " + f.aim + f.unit + ")"
	}
	if len(f.pairs) > 1 {
		all := make([]string, len(f.pairs))
		for i, v := range f.pairs {
			all[i] = digits(v)
		}
		line += " [pairs: " + strings.Join(all, " ") + "]"
	}
	if f.note != "" {
		line += " " + f.note
	}
	fmt.Println(line)
}

// digits shows three of them, as many as such a figure is good for.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func median[T cmp.Ordered](of []T) T { return slices.Sorted(slices.Values(of))[len(of)/2] }

// quantile of unsorted values: 0.99 is what 99 of 100 stay below.
func quantile[T cmp.Ordered](of []T, q float64) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*q))]
}

// ratios divides pair by pair.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}
