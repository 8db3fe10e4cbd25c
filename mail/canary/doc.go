// Package canary tries the whole road, again and again, as a partner and a
// stranger would: it queues a stray mail to a support address and opens a ticket
// of its own, and then looks into a mailbox of its own for what comes back.
//
// A run (run.go) begins in one verb of the store, so that a crash leaves a whole
// one, which the next process goes on with. The stray leaves by the relay under the
// canary's own address, arrives in the support mailbox, is judged by every rule
// there is and answered by mail/watch; the confirmation leaves as every other does.
// The run looks (look.go) at the ledger and into the mailbox until both letters are
// there and a while longer, or until time is up; then it says what went wrong
// (judge.go), deletes its letters and closes its ticket's link.
//
// The canary obeys the rules against loops by how it is made. Its mark (mark.go) is
// a MAC that only this installation can mint, over a name that is new in every run
// and good for an hour; an answer is reserved under that name, so each stray gets
// one, also when another host sends it again. Answers go to the canary's address
// alone, under the breaker, and nothing that reaches that address is ever answered.
// What the canary opens and sends is of no region: store.OwnRegion.
//
// To add a measurement: a field of store.CanaryRun, filled in look.go, and in judge.go
// the sentence that ops read when it is not as it should be.
package canary
