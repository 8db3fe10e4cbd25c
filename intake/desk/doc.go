// Package desk is where agents answer: lists of tickets, a ticket's page with its thread
// and what became of each mail, replies and internal notes, and what is arranged about a
// ticket. Every page works as plain forms; static/desk.js adds drafts, keys, presence and
// live news. Every address answers as JSON too, in the shapes of json.go.
//
// # How a reply flows
//
// The ticket's page carries the Ticket.Version that it shows. POST .../reply (reply.go) is
// read by intake/post and becomes one call of store.Desk.Reply: thread, status, assignee
// and mail in one transaction. When anything was written behind that version, the verb
// writes nothing and the page comes back with both texts (409); "force" sends all the
// same. The mail waits for undo; remembered (undo.go) by agent, so that each page of the
// desk offers the way back until then. Deps.Kick wakes the sender.
//
//	list.go     lists and counts        filter.go   a list's address <-> store.TicketFilter
//	ticket.go   the ticket's page       thread.go   its entries       events.go  events in words
//	reply.go    replies, notes          undo.go     taking back       arrange.go the other acts
//	delivery.go what became of a mail   drafts.go   what is typed     presence.go who is there
//	rowacts.go  the keys of a list      log.go      tries of a mail   why.go     a promise explained
//	resend.go   sending again, another address        colleagues.go  who takes part beside the requester
//	files.go    files and previews      preview.go  the mail as it will be sent
//	attach.go   how a reply's files go
//
// # How to add an act
//
// A line in routes (desk.go) with a handler of the form of arrange.go's: it reads its
// fields, calls one verb with Desk.by, and answers with d.arranged. Its control on the page
// carries data-act, and a line in keys.go gives it a key: the sheet of keys, the palette
// and the handler read that one table.
package desk
