// Package doctor tests a configuration against the live world, for signpost check: each
// line says what holds, what does not, and what to do.
//
// What stands here: the modes of files (modes.go), the clock, the data folder (store.go),
// DNS, accounts, the relay, mailboxes and the canary. A call flows so: Examine runs every
// check with a bound on its time; a check writes good, warn or fail to the report, each
// under the heading of what it looked at, and never changes what it looks at. What the
// service itself shows of the same things (the clock, a relay's traits, what would be
// done with a mail) is exported, so that it is said once.
//
// To add a check: a func(ctx, config.Config, *report) in the file of its subject, and its
// name in Examine. What it needs of the wiring is a field of Deps.
package doctor
