// Package ops is where those with the ops role watch over the flow of mail and
// mend it: whether mail flows in each region, the ledger of every mail that came
// in with the rules and evidence behind its verdict, and the queue of what waits
// to go out or failed, and what hosts sent back.
//
// Pages: /ops (is mail flowing?), /ops/ledger (a search by index, and a mail at
// /ops/ledger/ID with its raw bytes), /ops/bounces (hosts that refuse us, addresses
// not written to any more), /ops/queue. Every route stands behind
// Door. Everything works by links and forms; the module ops.js only keeps an
// open page fresh, by fetching it anew and putting in place what changed.
package ops
