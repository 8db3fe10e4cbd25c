// Package generate fills a data file with a healthy month of tickets, and with mails: for
// looking at full pages, and for benchmarks.
//
// What stands here: tickets.go makes up what partners write and when, lives.go what becomes
// of each ticket (answered, asked back, rated, bounced), words.go the texts in five
// languages, mails.go what lies in support mailboxes, each mail as the raw text that triage
// judges. A call flows so: Fill takes a Shape; FillTickets mixes the steps of all lives by
// their instants and takes those up to now in batches, through the verbs that pages and the
// sender call; FillLedger writes mails, reports about some confirmations among them, and
// closes the mailboxes to answers for what came before. The same seed makes the same. Where
// there is no agent, tickets are opened alone.
//
// To add a way a ticket goes: a course with its weight. To add a kind of mail: a mailShape
// with its weight and the func that writes its body.
package generate
