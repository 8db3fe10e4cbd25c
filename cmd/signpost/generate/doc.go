// Package generate fills a data file with realistic tickets and mails: for benchmarks, and
// for looking at full pages.
//
// What stands here: tickets.go makes up what partners write, mails.go what lies in
// support mailboxes, each mail as the raw text that triage judges. A call flows so: New
// takes a Shape; FillTickets opens tickets in batches and remembers some of their
// confirmations; FillLedger writes mails, reports about those confirmations among them,
// and closes the mailboxes to answers for what came before. The same seed makes the same.
//
// To add a kind of mail: a mailShape with its weight and the func that writes its body.
package generate
