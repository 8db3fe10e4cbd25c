// Package ops is where those with the ops role watch over the flow of mail and
// mend it: whether mail flows in each region, each day in numbers, the ledger of
// every mail that came in with the rules and evidence behind its verdict, what
// hosts sent back and whom it stopped us from writing to, the queue of what waits
// to go out or failed, and how each mailbox is read.
//
// The pages by the items of the navigation (shell.go): Today at /ops, with the flow of
// mail on top, and /ops/today for another day or one region, from counts alone; Mail,
// the ledger, at /ops/ledger (a search by index, and a mail at /ops/ledger/ID with its
// raw bytes); Delivery with /ops/queue, /ops/bounces (bounced addresses with their
// tickets, servers that reject our mail) and /ops/suppressions in tabs; /ops/mailboxes
// (and the switches of the automatic answers); /ops/health (alarms and who acknowledged
// them, the service itself, the canary); /ops/audit, what staff did, which is for leads
// and admins too. Every route stands behind Door. Everything works by links and forms.
// An open page follows the live topic "ops", whose version changes with the counts and
// the alarms, and fetches its parts marked data-live anew.
//
// Tones: red is for a fault that a person must act on, amber for what is soon, paused
// or switched off by hand, green for delivered alone, and none for what is right.
//
// To add a page: a file with the handler, the page's data and the part of the store that it
// needs as an interface of its own, a template, and in ops.go the route, the declared page and
// the interface among stores.
package ops
