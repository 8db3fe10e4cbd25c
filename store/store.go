// Package store holds the domain of Signpost: its types, its errors, and the
// verbs by which they change, each with its contract in prose. It knows no
// database, no clock and no I/O. store/verbs writes the verbs over the rows of an
// engine (store/engine), and store/storetest holds them to these contracts.
//
// Rules that bind the verbs and every caller:
//
//   - One verb is one transaction: either all that its comment names happened,
//     or nothing did. A verb that returned nil is durable: it survives a crash
//     of the process and of the machine.
//   - store never asks the time. Verbs take now and keep it in UTC, truncated
//     to the microsecond, which is what every database can keep exactly.
//   - Values given to a verb and values it returns belong to the caller; no
//     reference to their memory is kept.
//   - A verb that people act through takes an Actor after now, and asks it for the
//     right to its act (May): ErrForbidden, and nothing written, without. What staff
//     do not see, by its region, is ErrNotFound. A partner has rights to the ticket
//     behind their own link alone. A verb without an Actor says why, in its contract
//     or in the access matrix (cmd/signpost/testdata/access.txt), whose test asks.
//   - Not found is ErrNotFound, never a nil value with a nil error.
//   - A text is valid UTF-8 without NUL: a verb that would keep another is ErrInvalid and
//     changes nothing (store/text cleans what comes from outside). What is kept as a
//     digest alone (an idempotency key, a network) may be any bytes, as raw mails are.
//   - A name (a region's id and prefix, a mailbox, a kind, a rule) is a text of at most
//     200 bytes.
//   - A list is read page by page (Page, List), in the order of an index; no verb
//     scans. Pages, All and Collect walk a whole one.
//
// To add a verb: declare it in the interface of its noun, with what it writes in one
// transaction and when it returns which error; write it in store/verbs, where checks,
// rules and rows stand apart; tell its contract as stories in store/storetest, and
// teach the model there to do it.
//
// To add a list: declare it as a verb that ends in Page and returns a List; give
// store/verbs a listing of its index (pages.go), whose name no other list has; add it to
// the table of storetest (pages.go, pagesof.go), which tells the stories of paging
// for every list.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The errors a verb may return, always wrapped with the verb, the noun and its
// id. Anything else is a fault of the driver or the disk.
var (
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row is no longer in the state the caller claims (a lease
	// that ran out, an idempotency key used again with another content).
	ErrConflict = errors.New("conflict")
	// ErrInvalid: the arguments break the verb's contract; nothing was written.
	ErrInvalid = errors.New("invalid")
	// ErrFull: the disk or the store's budget is full; nothing was written and
	// everything acknowledged before is still there.
	ErrFull = errors.New("storage full")
	// ErrForbidden: the actor has no right to the act; nothing was written.
	ErrForbidden = errors.New("forbidden")
	// ErrUnseen is ErrNotFound of what is there and that the actor does not see. Who acts
	// learns no more than of what is not there.
	ErrUnseen = fmt.Errorf("%w", ErrNotFound)
)

// Instant is how every driver keeps a time: UTC, whole microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Store is the union of all verbs, for the wiring in cmd and for storetest. A
// consumer declares the narrow part it needs.
type Store interface {
	Tickets
	Desk
	Links
	Partners
	Colleagues
	Outbox
	Ledger
	Deliveries
	Agents
	Audits
	Board
	Numbers
	Alarms
	Canary
	Changes
	Duties
	Tokens
	Upkeep
}

// Tickets are the verbs of the form, the ticket page and the console.
type Tickets interface {
	// OpenTicket writes the ticket with the next number of its region's prefix
	// (from 1001, without gaps: a failed call uses none up), its first entry,
	// its deadlines, and the link and the confirmation that n names. That is queued; or
	// suppressed where its address is (Reason begins with RuleSuppressed; a dead
	// one also opens QuestionUndeliverable); or throttled or suppressed where a
	// budget of n.Budgets is spent (Reason begins with RuleBudget). A queued one
	// charges all budgets, any other none. While other mail is throttled by
	// a budget, a new one may use half of that (Budget.Half). ErrInvalid for a link or
	// Message-ID in use.
	//
	// When n.Idempotency was used within IdempotencyKept with the same
	// n.Fingerprint, nothing is written and the first call's ticket and
	// confirmation are returned, as they stand now, with Replayed set. The same
	// key with another fingerprint returns them too, with ErrConflict.
	//
	// With n.Follows, an EventFollowed entry of the older ticket tells of the new one.
	// ErrNotFound as TicketByLink; ErrConflict for one that is not closed or has another
	// requester's address (AddressKey).
	OpenTicket(ctx context.Context, now time.Time, n NewTicket) (Opened, error)
	// AppendMessage adds a partner's follow-up to the ticket behind link, marks
	// the requester's address as proven, and reopens a solved or pending
	// ticket. Behind a colleague's link it is theirs (Entry.Colleague), and proves their
	// address. ErrNotFound for an unknown, expired or revoked link, ErrClosed for a
	// closed ticket. Idempotency as in OpenTicket, for each link on its own; a repeat returns
	// the first call's entry.
	AppendMessage(ctx context.Context, now time.Time, by Actor, m NewMessage) (Entry, error)

	Ticket(ctx context.Context, id TicketID) (Ticket, error)
	// TicketByNumber finds the ticket of a number, compared without case, that the actor may
	// do the act to.
	TicketByNumber(ctx context.Context, by Actor, act Act, number string) (Ticket, error)
	// TicketByLink returns the ticket that an unexpired, unrevoked link opens to its
	// requester; ErrForbidden for a colleague's (Colleagues.Door tells them apart).
	TicketByLink(ctx context.Context, now time.Time, link LinkID) (Ticket, error)
	// RevokeLink makes the link open nothing from now on. ErrNotFound for an
	// unknown or expired one.
	RevokeLink(ctx context.Context, now time.Time, by Actor, link LinkID) error
	// TicketsByRequester lists the tickets of one address (compared by AddressKey) that the
	// actor may do the act to, newest first.
	TicketsByRequester(ctx context.Context, by Actor, act Act, address string, p Page) (List[Ticket], error)
	// Entries lists a ticket's thread behind the entry of number after (0: all of it),
	// in order. ErrNotFound for an unknown ticket.
	Entries(ctx context.Context, id TicketID, after uint32, p Page) (List[Entry], error)
	// ShownBefore reads the most entries that partners are shown at now (Entry.ShownAt) in
	// front of one, or with before 0 the last ones, at most MaxPage, with the mails of those
	// replies. It looks at no more than SearchLooked entries. Read of the part is 0.
	ShownBefore(ctx context.Context, now time.Time, id TicketID, before uint32, most int) (ThreadPart, error)
	// DeadlinesDue lists deadlines that fall due from since until until, both
	// included, earliest first. A clock asks from the instant up to which it has
	// done its work, at its very first start from that instant: what fell due
	// before it ran is not its to tell. A deadline is there as long as Ticket.Deadlines
	// names it; Housekeep drops it DeadlineKept after it fell due.
	DeadlinesDue(ctx context.Context, since, until time.Time, p Page) (List[Deadline], error)
}

// Outbox are the verbs of the sender.
type Outbox interface {
	// QueueMail queues a mail of the service's own in OwnRegion, suppressed where
	// its address is, as in OpenTicket. ErrInvalid for another kind, without
	// From, To or Message-ID, and for a Message-ID in use.
	QueueMail(ctx context.Context, now time.Time, n NewMail) (Outbound, error)
	// ClaimOutbound leases up to c.Limit due rows, at most c.PerDomain of one
	// recipient domain counting those still leased, oldest due first. Each
	// claimed row has its attempt counted, its owner and its next due instant (now plus
	// its lease of c.Lease) stamped before it is returned, so that a crash while dialling
	// neither loses it nor hammers the peer. An auto-response whose lease ran
	// out unfinished becomes StateUnknown and is never claimed again: it may
	// have gone out, and one too few is the right error. A due row whose address
	// was suppressed meanwhile ends suppressed instead, as in OpenTicket. A held row
	// is claimed like a queued one.
	// ErrInvalid without a limit or a lease, with more than MaxLeases of them or one that
	// is not above 0, and for an Owner that is no name.
	ClaimOutbound(ctx context.Context, now time.Time, c Claim) ([]Outbound, error)
	// FinishOutbound records how one attempt ended. ErrConflict when the row is
	// no longer claimed under f.Claim; a lease that ran out does not matter as
	// long as nobody else has claimed the row. A final failure of a ticket's
	// mail, but for an auto-response, also reopens the ticket and appends an
	// EventMailFailed entry to it.
	//
	// Where f.Report says that the relay refused the mail, it takes effect as the
	// same report in a bounce would (Ledger.DecideInbound), its event standing in
	// the place of EventMailFailed.
	//
	// In StateHeld the mail waits until DueAt like a queued one, Hold says since when
	// it has been refused so, and nothing is told in its ticket. A refusal of our
	// standing (OutcomeRefused) joins its Refusal with the first such end. A claimed
	// mail that goes back in StateQueued was told something else: Hold.Stage is "".
	FinishOutbound(ctx context.Context, now time.Time, f Finish) error
	// ReleaseThrottled queues throttled mail for which all its budgets have room
	// again, and charges them: in turns, one of each network and then the next of
	// each (NewTicket.Network), so that the many of one wait behind the few of all
	// others; a network whose mail was not throttled before comes in at the turn
	// that is on. It ends as suppressed what may not leave any more: the
	// first answer was promised for now or earlier (where none was promised, it was
	// opened ThrottledKept ago), or a Final budget is spent. It does at most limit
	// of either, and looks at no more than ThrottledLooked mails.
	ReleaseThrottled(ctx context.Context, now time.Time, limit int) (Released, error)
	// NextOutbound is the instant at which the next row falls due, leased rows
	// included; ErrNotFound when the outbox holds nothing to send. It may lie in
	// the past for a row that only Claim.PerDomain keeps back: a sender whose
	// claim returned fewer rows than it asked for, while attempts of its own are
	// under way, waits for one of those to finish (or for a kick, or for an
	// instant that lies ahead) and does not claim again before.
	NextOutbound(ctx context.Context) (time.Time, error)

	// RenewPromise gives a confirmation that is claimed under claim the promise it is
	// to tell, in the place of one whose first date passed before it could be told,
	// and returns it. Where its ticket still has that older promise, the ticket and
	// its deadlines get the new one too. ErrConflict when the row is not claimed so,
	// ErrInvalid for another kind of mail.
	RenewPromise(ctx context.Context, now time.Time, id OutboundID, claim uint64, p Promise) (Outbound, error)

	// ReplyOf returns the entry that a MailReply goes out as, and the messages and replies
	// before it, the newest first, at most so many; those that their authors could still
	// take back when it was written are left out. ErrNotFound for another kind of mail.
	ReplyOf(ctx context.Context, id OutboundID, earlier int) (Entry, []Entry, error)

	Outbound(ctx context.Context, id OutboundID) (Outbound, error)
	// OutboundByMessageID finds a row by its Message-ID (without angle brackets,
	// compared without case).
	OutboundByMessageID(ctx context.Context, messageID string) (Outbound, error)
	// OutboundsOfTicket lists the mails of one ticket, oldest first.
	// ErrNotFound for an unknown ticket.
	OutboundsOfTicket(ctx context.Context, id TicketID, p Page) (List[Outbound], error)
}

// Ledger are the verbs of the watcher: every mail seen in a mailbox, and what
// became of it.
type Ledger interface {
	// ConnectMailbox returns the mailbox's state, creating it at the first call
	// with ConnectedAt = ConnectionInstant(now): mail that arrived before is
	// never answered.
	ConnectMailbox(ctx context.Context, now time.Time, mailbox string) (MailboxState, error)
	// BeginEpoch records that the mailbox shows another UIDVALIDITY: the cursor
	// returns to 0, and mail of earlier epochs is recognised by its content. It
	// changes nothing in the epoch that runs already.
	BeginEpoch(ctx context.Context, now time.Time, mailbox string, uidValidity uint32) (MailboxState, error)
	// RecordInbound writes one ledger row a mail in StateStored, with the raw
	// mail, and returns them in the order given. A mail already recorded under
	// the same mailbox, UIDVALIDITY and UID is returned as it stands; so is one
	// with the same content hash from an earlier epoch of the same mailbox,
	// which takes the new UID. It never moves the cursor. ErrNotFound for a
	// mailbox that was never connected.
	RecordInbound(ctx context.Context, now time.Time, mails []NewInbound) ([]Inbound, error)
	// DecideInbound applies the verdicts of a chunk of mails: writes each
	// verdict on its row, reserves an auto-response where the verdict and the
	// budgets allow one, and moves the mailbox's cursor to the highest UID
	// given. It returns the rows as decided: a rule of the store's own (sender
	// answered within the period or suppressed, domain budget, breaker, responder
	// or mailbox off) that
	// stopped an answer stands in the verdict with the others, and the verdict
	// no longer answers. Budgets and the breaker are charged by reserved answers
	// alone. A row already decided or quarantined is left as it is; the cursor
	// moves past it all the same. A row of an earlier epoch moves no cursor.
	//
	// Reports whose Tie is proven take effect, all in the same transaction: they
	// become their mail's Delivery where the fate outranks the one known; else
	// nothing happens, so the same report twice changes nothing twice. With a new
	// fate: a dead address is suppressed for all mail, one that complained for
	// automatic mail; a mailbox full FullTimes within FullWindow is as good as dead
	// for another one; a refusal joins its Refusal. The mail's ticket gets an event
	// of what bounced, was refused or complained of, is reopened by the first two,
	// and asks QuestionUndeliverable when its requester's address is dead. What
	// comes back of an auto-response is no event: that address is never answered
	// again.
	//
	// Where Verdict.About names a ticket's mail, its first echo of each kind (EchoOf)
	// is an event of the ticket, and nothing more.
	//
	// Decision.Wrote is an act of its requester, whether the mail is answered or not: an
	// EventWroteUnread opens a pending ticket, and sets LastPartnerAt. It is told once
	// within WroteTold, or when it opens the ticket. Nothing happens to a ticket whose
	// address is not proven.
	//
	// ErrNotFound, and nothing written, when an id is unknown.
	DecideInbound(ctx context.Context, now time.Time, d []Decision) ([]Inbound, error)
	// SkipTo moves the cursor of a mailbox without a mail, for UIDs that hold
	// none any more. The cursor never moves back. ErrConflict when the mailbox
	// is in another epoch.
	SkipTo(ctx context.Context, mailbox string, uidValidity, uid uint32) error
	// QuarantineInbound counts an attempt at a mail that could not be handled
	// and, at the third, quarantines it; the cursor then moves past it.
	// ErrConflict for a mail already decided or quarantined.
	QuarantineInbound(ctx context.Context, now time.Time, id InboundID, reason string) (Inbound, error)

	Inbound(ctx context.Context, id InboundID) (Inbound, error)
	// RawInbound returns the mail as it was fetched, byte for byte, where it is
	// kept in the store; a mail with Inbound.Blob set lies in the blob store
	// and is ErrNotFound here, as is one with RawDropped.
	RawInbound(ctx context.Context, id InboundID) ([]byte, error)
	InboundByUID(ctx context.Context, mailbox string, uidValidity, uid uint32) (Inbound, error)
	// InboundByMessageID lists the rows with that Message-ID, newest first; an
	// id proves nothing, several mails may carry it.
	InboundByMessageID(ctx context.Context, messageID string, p Page) (List[Inbound], error)
	// ListInbound lists the ledger newest first.
	ListInbound(ctx context.Context, p Page) (List[Inbound], error)
	// PendingInbound lists rows recorded but not decided, oldest first: what a
	// crash left between the two. ErrNotFound for a mailbox never connected.
	PendingInbound(ctx context.Context, mailbox string, p Page) (List[Inbound], error)

	// LatestInbound is the mail with the highest UID that the running epoch of the
	// mailbox has in the ledger; ErrNotFound when it has none.
	LatestInbound(ctx context.Context, mailbox string) (Inbound, error)

	// Responder returns the state of the automatic answers at now; they start On. A
	// breaker that tripped re-arms by itself at RearmsAt: they are On again from then
	// on, and what tripped it is forgotten by the first DecideInbound that would answer.
	Responder(ctx context.Context, now time.Time) (Responder, error)
	// MailboxResponder is the same of the answers to the mail of one mailbox,
	// which are given when both are On. They start On, whether the mailbox was ever
	// connected or not.
	MailboxResponder(ctx context.Context, mailbox string) (Responder, error)
	// SwitchResponder turns automatic answers on or off: once it has returned, no
	// DecideInbound reserves one against it. Turning all on also closes the breaker
	// and forgets what tripped it (the budget that was spent, and which answers came
	// back so far), but not how often it did; turning all off by hand lasts until they
	// are turned on by hand. The mailboxes' own switches stay as they are.
	SwitchResponder(ctx context.Context, now time.Time, by Actor, s Switch) (Responder, error)
}

// Upkeep are the verbs of the service itself.
type Upkeep interface {
	// Stats returns the counts that the driver keeps beside the rows; it costs
	// the same at any size.
	Stats(ctx context.Context) (Stats, error)
	// BlobsReferenced tells which of the hashes any entry, draft or ledger row names.
	BlobsReferenced(ctx context.Context, hashes []BlobHash) ([]bool, error)
	// ListBlobs lists the hashes that entries, drafts and ledger rows name, in order.
	ListBlobs(ctx context.Context, p Page) (List[BlobHash], error)
	// Housekeep drops expired idempotency keys, links, sessions, suppressions, refusals, reservations and
	// budgets that weigh nothing any more, alarms and canary runs past their time, and
	// hours counted and deadlines due
	// longer ago than they are kept (TallyKept, DomainTallyKept, DeadlineKept), changes
	// behind the last ChangesKept, at most limit of them all, oldest first, and returns how many it dropped.
	// Tickets that an interrupted ChangeAgent left to hand back count as dropped.
	Housekeep(ctx context.Context, now time.Time, limit int) (int, error)
	// DropRaws drops the raw mails of the ledger that were seen before an instant
	// and, oldest first, as many more as Stats.RawBytes is above most (0: none). The
	// rows stay, with RawDropped. A mail not decided when its turn comes keeps its
	// own. It looks at no more than limit mails and returns how many it dropped.
	DropRaws(ctx context.Context, before time.Time, most uint64, limit int) (int, error)
	// EndLeases ends the claims and the duties of a process that is gone, "" for those of
	// every process: where one process owns the store it ends them all at its start,
	// before it claims. A mail tried fewer than
	// LeaseTries times is due at once, an auto-response becomes StateUnknown, as
	// when its lease runs out; any other mail waits its lease out, since it may be
	// what ended the process. It returns how many mails it ended the claims of.
	EndLeases(ctx context.Context, now time.Time, owner string) (int, error)
	// PullOutbounds makes waiting mails due now that are due later than by, at most
	// limit of them, and returns how many: no sender waits as long, so a clock that
	// was wrong must have set it. Claims that last longer than by end as when their
	// lease runs out.
	PullOutbounds(ctx context.Context, now, by time.Time, limit int) (int, error)
	// MarkRestored records that this store was restored from a backup at now:
	// in every mailbox mail that arrived before is never answered, since an
	// answer given after the backup is not in the store. For the same reason
	// every auto-response still waiting becomes StateUnknown, and every session
	// ends: one that was ended after the backup must not come back to life. The log of
	// changes begins anew (Changes), since its readers know of changes that are lost.
	MarkRestored(ctx context.Context, now time.Time) error
	// Check reads the whole store and returns every inconsistency found, joined.
	Check(ctx context.Context) error
	Close() error
}
