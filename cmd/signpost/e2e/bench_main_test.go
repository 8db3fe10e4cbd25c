//go:build bench

package e2e

import (
	"os"
	"testing"
)

// The measured figures of the product: `make bench` prints one line for each.
// What is compared is measured in turns, five pairs in one run, and the median
// ratio counts, since a shared machine moves both alike. Nothing here fails for
// being slow; it fails when what it measures does not work.

// measuredBinary is the program to measure: the one make built, or one built here. Its tag
// has it ask the sandbox's DNS.
func measuredBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SIGNPOST_BENCH_BINARY"); path != "" {
		return path
	}
	return build(t, "-tags", "bench")
}
