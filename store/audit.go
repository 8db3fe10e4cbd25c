package store

import (
	"context"
	"time"
)

// AuditID is the store's own name of a row of the audit log: ascending, never reused.
type AuditID uint64

// AuditEvent is what a row of the audit log tells of.
type AuditEvent string

// The events.
const (
	AuditReplied           AuditEvent = "replied"
	AuditReplyUndone       AuditEvent = "reply_undone"
	AuditReplyResent       AuditEvent = "reply_resent"
	AuditNoted             AuditEvent = "noted"
	AuditTicketArranged    AuditEvent = "ticket_arranged" // status, assignee, priority, category or tags
	AuditLinksRevoked      AuditEvent = "links_revoked"
	AuditQuestionSettled   AuditEvent = "question_settled"
	AuditRequesterChanged  AuditEvent = "requester_changed"
	AuditColleagueAdded    AuditEvent = "colleague_added"
	AuditColleagueRemoved  AuditEvent = "colleague_removed"
	AuditAnswersSwitched   AuditEvent = "answers_switched"
	AuditMailRetried       AuditEvent = "mail_retried"
	AuditMailGivenUp       AuditEvent = "mail_given_up"
	AuditMailRead          AuditEvent = "mail_read" // that came in, as it was sent
	AuditAddressSuppressed AuditEvent = "address_suppressed"
	AuditAddressReleased   AuditEvent = "address_released"
	AuditAlarmAcknowledged AuditEvent = "alarm_acknowledged"
	AuditCanaryTried       AuditEvent = "canary_tried"
	AuditAgentAdded        AuditEvent = "agent_added"
	AuditAgentChanged      AuditEvent = "agent_changed"
	AuditAgentInvited      AuditEvent = "agent_invited" // a link into the account was mailed
	AuditSignedIn          AuditEvent = "signed_in"
	AuditSignedOut         AuditEvent = "signed_out"
	AuditSignInFailed      AuditEvent = "sign_in_failed"
)

// AuditEvents lists them.
func AuditEvents() []AuditEvent {
	return []AuditEvent{
		AuditReplied, AuditReplyUndone, AuditReplyResent, AuditNoted, AuditTicketArranged,
		AuditLinksRevoked, AuditQuestionSettled, AuditRequesterChanged, AuditColleagueAdded, AuditColleagueRemoved,
		AuditAnswersSwitched, AuditMailRetried, AuditMailGivenUp, AuditMailRead, AuditAddressSuppressed,
		AuditAddressReleased, AuditAlarmAcknowledged, AuditCanaryTried, AuditAgentAdded, AuditAgentChanged,
		AuditAgentInvited, AuditSignedIn, AuditSignedOut, AuditSignInFailed,
	}
}

// ObjectKind is what an act was done to.
type ObjectKind string

// The kinds of object.
const (
	ObjectTicket      ObjectKind = "ticket"
	ObjectOutbound    ObjectKind = "outbound"
	ObjectInbound     ObjectKind = "inbound"
	ObjectSuppression ObjectKind = "suppression"
	ObjectMailbox     ObjectKind = "mailbox" // no ID; Name "" for all of them
	ObjectAlarm       ObjectKind = "alarm"
	ObjectAgent       ObjectKind = "agent"
	ObjectCanary      ObjectKind = "canary" // no ID
)

// Object is what an act was done to, found by Kind, ID and, without an ID, Name.
type Object struct {
	Kind ObjectKind
	ID   uint64
	Name string // as people know it: a ticket's number, an address; at most 320 bytes are kept
}

// Changed is one value before and after an act, in a few words: at most MaxAuditValue
// bytes of each are kept, and of secrets none.
type Changed struct {
	Field         string
	Before, After string
}

// MaxAuditValue is how much of a value a row of the audit log keeps, in bytes.
const MaxAuditValue = 200

// Audit is a row of the audit log: one act of a person who works here.
type Audit struct {
	ID      AuditID
	At      time.Time
	Event   AuditEvent
	Agent   AgentID // who did it, 0 for the command line, or where it is not known
	Account string  // Actor.Account; "" where it is not known
	Network string  // the request came from, as the door names it; "" for none, or for several
	Object  Object
	Region  string // of the object; "" for none, or for several
	// Count is on how many objects it was done, of which Object names none where they
	// are several, or how often a sign-in failed.
	Count   uint64
	Changes []Changed
}

// AuditQuery says which rows are wanted. Zero fields want all.
type AuditQuery struct {
	Account string // who did it, compared by AddressKey
	Object  Object
}

// Bounds on the rows of failed sign-ins, so that strangers cannot fill the disk: the
// tries at one account from one network are one row an hour, and of such rows there are
// at most so many. More tries are counted in one row without a network for each account.
const (
	FailedSignInsOfAccount = 20  // rows an hour
	FailedSignInsOfAll     = 200 // rows an hour, those without a network not counted
)

// Audits are the verbs of the audit log. Every verb that a person who works here acts
// through writes one row in its own transaction, when something was changed; none edits
// or drops one. What agents have read and what they are typing is no act.
type Audits interface {
	// ListAudits lists the rows that q wants, newest first, of the regions that the actor
	// sees (ActReadAudit). ErrInvalid for a cursor of another list.
	ListAudits(ctx context.Context, by Actor, q AuditQuery, p Page) (List[Audit], error)
	// RecordAct writes the row of an act that changes nothing in the store: AuditMailRead
	// (ActReadMail) or AuditCanaryTried (ActTryCanary); ErrInvalid for another event.
	RecordAct(ctx context.Context, now time.Time, by Actor, event AuditEvent, o Object) error
	// FailSignIn counts a try to sign in to an account (0: to an address that has none)
	// that failed, in the row of its hour; see FailedSignInsOfAccount.
	FailSignIn(ctx context.Context, now time.Time, account AgentID, network string) error
}
