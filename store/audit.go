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
	AuditRefused           AuditEvent = "refused" // Audit.Act says what was
	AuditExported          AuditEvent = "audit_exported"
	AuditPersonErased      AuditEvent = "person_erased" // their name left the audit log
	AuditSecretRotated     AuditEvent = "secret_rotated"
	AuditSecretRevoked     AuditEvent = "secret_revoked"
	AuditSecretDropped     AuditEvent = "secret_dropped"
)

// AuditEvents lists them.
func AuditEvents() []AuditEvent {
	return []AuditEvent{
		AuditReplied, AuditReplyUndone, AuditReplyResent, AuditNoted, AuditTicketArranged,
		AuditLinksRevoked, AuditQuestionSettled, AuditRequesterChanged, AuditColleagueAdded, AuditColleagueRemoved,
		AuditAnswersSwitched, AuditMailRetried, AuditMailGivenUp, AuditMailRead, AuditAddressSuppressed,
		AuditAddressReleased, AuditAlarmAcknowledged, AuditCanaryTried, AuditAgentAdded, AuditAgentChanged,
		AuditAgentInvited, AuditSignedIn, AuditSignedOut, AuditSignInFailed,
		AuditRefused, AuditExported, AuditPersonErased, AuditSecretRotated, AuditSecretRevoked, AuditSecretDropped,
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
	ObjectPage        ObjectKind = "page"   // no ID; Name is its path
	ObjectAudit       ObjectKind = "audit"  // no ID: the audit log
	ObjectPerson      ObjectKind = "person" // of the audit log
	ObjectSecret      ObjectKind = "secret" // no ID; Name is its fingerprint
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

// Audit is a row of the audit log: one act of a person who works here, one that was
// refused, or what strangers were refused within an hour.
type Audit struct {
	ID      AuditID
	At      time.Time
	Event   AuditEvent
	Act     Act     // of AuditRefused
	Agent   AgentID // who did it, 0 for the command line, or where it is not known
	Account string  // Actor.Account; "" where it is not known
	Network string  // the request came from, as the door names it; "" for none, or for several
	Object  Object
	Region  string // of the object; "" for none, or for several
	// Count is on how many objects it was done, of which Object names none where they
	// are several, or how often a sign-in failed or an act was refused in an hour.
	Count   uint64
	Changes []Changed
	// Key names the key of MAC, which ties the row to all before it.
	Key string
	MAC []byte
}

// AuditQuery says which rows are wanted. Zero fields want all.
type AuditQuery struct {
	Account string // who did it, compared by AddressKey, or the pseudonym of who was erased
	Object  Object
	Event   AuditEvent
	// Since and Until are the first instant wanted and the first no longer wanted. They are
	// looked up in the order of the rows: where the clock was set back meanwhile, rows of the
	// time that came twice may be left out.
	Since, Until time.Time
	Oldest       bool // first; else the newest
}

// Bounds on the rows of what failed or was refused, so that it cannot fill the disk: it is
// one row an hour for each account, network, act and object, and of such rows there are at
// most so many an hour. What is more is counted in one row for each account and act, without
// a network and an object.
const (
	FailedSignInsOfAccount = 20
	FailedSignInsOfAll     = 200 // those without a network not counted
	RefusalsOfAccount      = 50
	RefusalsOfAccounts     = 500 // of all accounts
	RefusalsOfStrangers    = 200 // of all who have no account
)

// AuditKeys make the MACs of the audit log from the installation's secrets; an *ident.Ring
// is one. It must be safe for concurrent use and do no I/O.
type AuditKeys interface {
	// AuditKey names the key that new rows are made with.
	AuditKey() string
	// AuditMAC is the MAC of data under the named key, of 16 bytes or more; false for a
	// key that is not here.
	AuditMAC(key string, data []byte) ([]byte, bool)
}

// AuditHead is the end of the audit log at one time. Who keeps one elsewhere can prove
// later that the log still holds every row up to it (ProveAuditHead).
type AuditHead struct {
	ID    AuditID   `json:"line"`
	At    time.Time `json:"at"` // of that row
	Key   string    `json:"key"`
	MAC   []byte    `json:"mac"`   // of that row
	Proof []byte    `json:"proof"` // the MAC of what is above
}

// AuditStub stands for the rows that were dropped because they were too old.
type AuditStub struct {
	First AuditID   `json:"first_line"`
	Last  AuditID   `json:"last_line"`
	Count uint64    `json:"lines"`
	Until time.Time `json:"until"` // the instant of the last
	MAC   []byte    `json:"mac"`   // of the last
}

// AuditFault is the first row at which the audit log is not as it was written; ID is 0 for
// a fault of the log as a whole.
type AuditFault struct {
	ID  AuditID `json:"line"`
	Why string  `json:"why"`
}

// AuditRun is what a run of VerifyAudits found.
type AuditRun struct {
	Head    AuditHead   // how far it came: ID and MAC alone, which the next run begins behind
	Lines   uint64      // it looked at
	Dropped AuditStub   // zero: none was dropped
	Broken  *AuditFault // nil: none
	End     bool        // it came to the end
}

// Audits are the verbs of the audit log. Every verb that a person who works here acts
// through writes one row in its own transaction, when something was changed, and one that
// is refused writes it in another; no verb edits one. What agents have read and what they
// are typing is no act.
//
// # How rows are proven
//
// Each row has a MAC (AuditKeys) over itself and over the MAC of the row before it, so that
// a row which was changed, removed or put in shows at it or at the next one. The head, a row
// of its own that each act rewrites, is MACed too: without the installation's secret the end
// cannot be cut off either, but for putting a whole older copy of the store in its place,
// which shows where a head was kept elsewhere.
//
// What a MAC is over names people by number alone: who did it, whose account or address it
// was done to, whose name a value is. The names stand apart, a row a name, each under a MAC
// that ties it to its number. So a name that is erased (ErasePerson) becomes a pseudonym in
// one row, in every line at once and for good, and no MAC of a line changes. Free text that
// an agent wrote (a note, a reason) stands in the line and leaves with it, by age.
//
// How often a sign-in failed, or an act was refused, within an hour is no part of what the
// row is chained by, and has a MAC of its own. Who has an older copy of the store could put
// that row's older count back. After a leak of the secret itself, the lines written before are
// still proven by those that follow under the new one; names and counts written before are not.
//
// Rows are dropped by age alone, oldest first (DropAudits); the stub that stands for them is
// MACed and holds the MAC of the last, which the first row that is left is chained to.
type Audits interface {
	// ListAudits lists the rows that q wants of the regions that the actor sees
	// (ActReadAudit). ErrInvalid for a cursor of another list.
	ListAudits(ctx context.Context, by Actor, q AuditQuery, p Page) (List[Audit], error)
	// RecordAct writes the row of an act that changes nothing in the store: AuditMailRead
	// (ActReadMail), AuditCanaryTried (ActTryCanary), AuditExported (ActReadAudit), or one
	// of the installation's secret (ActManageSecrets). ErrInvalid for another event.
	RecordAct(ctx context.Context, now time.Time, by Actor, event AuditEvent, o Object) error
	// RefuseAct counts an act that a door refused so many times; see RefusalsOfAccount. Of a
	// ticket that the object names by number, it counts only what a region was in the way of.
	RefuseAct(ctx context.Context, now time.Time, by Actor, act Act, o Object, times uint64) error
	// FailSignIn counts a try to sign in to an account (0: to an address that has none)
	// that failed, in the row of its hour; see FailedSignInsOfAccount.
	FailSignIn(ctx context.Context, now time.Time, account AgentID, network string) error
	// ErasePerson puts pseudonyms in the place of names (addresses, accounts, names of
	// agents) in all rows, and returns them; names that are in none are left out.
	// ErrConflict for the address of an agent who may still sign in. ActManageStaff.
	ErasePerson(ctx context.Context, now time.Time, by Actor, names []string) ([]string, error)
	// DropAudits drops up to limit of the oldest rows, those from before an instant, and
	// returns how many.
	DropAudits(ctx context.Context, before time.Time, limit int) (int, error)
	// AuditHead is the head as it is now; ErrNotFound when there never was a row.
	AuditHead(ctx context.Context) (AuditHead, error)
	// VerifyAudits proves up to limit rows behind the head that a run before returned, the
	// zero one: from the oldest. It stops at the first fault.
	VerifyAudits(ctx context.Context, after AuditHead, limit int) (AuditRun, error)
	// ProveAuditHead tells why the log does not hold all that it held at a head, nil where
	// it does. A head whose row was dropped by age is taken as proven.
	ProveAuditHead(ctx context.Context, h AuditHead) (*AuditFault, error)
}
