// Package figure prints what the benchmarks measure, one line a Figure.
//
// A call flows so: a benchmark takes Size repetitions of what it compares in Pairs turns,
// or Rounds of a single event, and prints a Figure, whose value is the median of its
// pairs. To add a figure, print one where it is measured, with the aim of the README.
package figure
