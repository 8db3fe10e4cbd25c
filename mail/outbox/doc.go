// Package outbox sends the mail that stands in the store's outbox.
//
// A Sender is one loop and a few workers. The loop sleeps until the next row
// falls due or until Kick says that one was queued; then it claims rows, which
// stamps their lease and their attempt before anything is dialled, and hands
// them to the workers. A worker has the row composed, takes a connection to the
// relay (an idle one where there is one), holds one SMTP dialogue, and records
// how it ended: sent, to be tried again, failed, or unknown.
//
//	Kick, due row -> loop: ClaimOutbound -> rows -> worker: Compose
//	    -> relay.send: session (RFC 5321) -> outcome -> FinishOutbound
//
// What decides what happens after a fault has its places:
//
//   - Judge reads the relay's reply: whom it speaks of, and so whether the mail is
//     tried again, held, or fails.
//   - DeliveryError says what went wrong and whether trying again can help.
//     What is unknown is temporary: a mail too many costs less than one lost.
//   - relay keeps the health of the relay apart from the fate of a mail. While
//     the relay is down no row is claimed and none uses up an attempt; one
//     probe at a time looks whether it is back, and one mail goes first.
//   - holds keeps mail back that the relay refuses for a reason of ours, of one
//     domain or all, probes with one mail at a time, and ends with the first taken.
//   - outcome turns both into what the store is told, a refusal with what it says
//     of the recipient, read like a bounce (mail/triage). A ticket's mail goes out
//     at least once, always under the same Message-ID; an auto-response at most
//     once.
//
// To teach the sender a reply that it misjudges: the reply in the table of judge_test.go,
// then the words in judgewords.go; what ops can do about it in mend.go. To add an
// optional parameter of MAIL or RCPT: mailLine or rcptLine, and optional, which names
// what is left out once a relay refuses it (message.go).
package outbox
