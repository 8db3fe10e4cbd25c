// Package upkeep does what has to be done again and again: it drops what has expired,
// sweeps attachments that no entry names, makes due what a wrong clock put off, and releases
// throttled mail for which a limit has room again. It also sets how much memory the process
// takes before it collects (memory.go).
//
// A call flows so: Run goes round every ten minutes (upkeep.go), RunThrottled every minute
// (throttled.go); each calls verbs of the store in small batches, so that a partner's post
// never waits long for them.
//
// To add a chore: a method that works in batches until ctx ends, called in Run, and its verb
// in Store.
package upkeep
