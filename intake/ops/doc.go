// Package ops is where those with the ops role watch over the flow of mail and
// mend it: whether mail flows in each region, each day in numbers, the ledger of
// every mail that came in with the rules and evidence behind its verdict, what
// hosts sent back and whom it stopped us from writing to, the queue of what waits
// to go out or failed, and how each mailbox is read.
//
// The audit log at /ops/audit (what staff did, with filters) is for leads and admins too.
//
// Pages: /ops (is mail flowing?), /ops/today (a day beside the days before, from
// counts alone), /ops/ledger (a search by index, and a mail at /ops/ledger/ID with
// its raw bytes), /ops/bounces (dead addresses with their tickets, hosts that
// refuse us), /ops/suppressions (whom we do not write to), /ops/queue,
// /ops/mailboxes (and the switches of the automatic answers), /ops/health (alarms
// and who knows of them, the service itself, the canary). Every route stands
// behind Door. Everything works by links and forms; the module ops.js only keeps
// an open page fresh, by fetching it anew and putting in place what changed.
//
// To add a page: a file with the handler, the page's data and the part of the store that it
// needs as an interface of its own, a template, and in ops.go the route, the declared page and
// the interface among stores.
package ops
