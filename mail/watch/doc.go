// Package watch reads the support mailboxes: every mail in them gets a row in
// the ledger, a verdict, and, where a person wrote, one automatic answer.
//
// How a mail flows. Watcher.Run keeps one connection to one mailbox and repeats a
// cycle: list the UIDs above the cursor, fetch them in chunks (fetch.go), write the
// chunk to the ledger with its raw text, judge each mail (decide.go), tie what
// bounces report to the mails they are about (tie.go), authenticate those that would
// be answered by what the host that let them in states (border.go, results.go,
// auth.go) or by their signature (dkim.go), form their answers (answer.go), let one
// verb of the store apply all verdicts and move the cursor, wake the sender, and mark
// the mails on the server or move them (mark.go). Then it waits in IDLE for the next
// (idle.go). While the ledger works on one chunk the next is being fetched.
//
// Servers break the standard in many ways, and the client library ends the connection
// at each. So between the two stands package wire, which gives the library only what
// it can read. A mail that does not come all the same is asked for in less and less
// (ladder.go): without its date, without ranges, at last by its sequence number.
//
// What the store holds counts; what is changed on the server is for people alone:
// flags are never read back, and a mail is known by (UIDVALIDITY, UID), or by its content after
// the server has renumbered the folder. Raw text is committed before anything is
// made of it, so a crash at any point is repeated from the store. A mail that the
// server cannot deliver becomes a suspect (suspect.go): the others go on, and in
// the end it is set aside where a person sees it.
//
// What this package never does: select by \Seen, trust a sequence number whose UID
// it has not asked for, ask for ENVELOPE, BODYSTRUCTURE or FLAGS, send a command
// without a deadline, hold more of a mail in memory than its first 256 KiB, or delete
// anything but a canary's own letters from the canary's own mailbox (visit.go).
//
// To add a reason for silence: a Rule with EffectStop given to judgement.stop in judgeAll
// (decide.go), in order of its cost, and its words in intake/verdict. To add a way of
// tying a report to its mail: a store.Tie and its claim in tie.go, the surest first.
package watch
