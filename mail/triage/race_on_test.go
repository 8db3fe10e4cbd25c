//go:build race

package triage

// raceEnabled: the detector slows everything down by a factor of its own.
const raceEnabled = true
