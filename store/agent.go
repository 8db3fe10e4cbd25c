package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// AgentID is the store's own name of one who works here: ascending, never
// reused.
type AgentID uint64

// Agent is one who works here and may sign in.
type Agent struct {
	ID    AgentID
	Email string // what they sign in with, compared by AddressKey
	Name  string // as colleagues read it
	Roles []Role
	// Regions are the ids of the regions whose tickets and mail the agent sees; none: all.
	Regions []string
	Profile Profile
	// Password is a hash that names its own parameters; "" lets nobody in.
	Password string
	// TOTP is the secret shared with an authenticator (RFC 6238), nil without
	// one. The store keeps it as it is given: sealed, by who signs agents in.
	// TOTPStep is the last time step whose code was taken: no code counts twice
	// (section 5.2).
	TOTP     []byte
	TOTPStep uint64
	// Recovery are the hashes of the recovery codes that are not used yet.
	Recovery []RecoveryHash
	Passkeys []Passkey   // in the order in which they were added
	Links    []AgentLink // those mailed to the agent and not used, the oldest first
	// Generation counts what ended all of the agent's sessions at once.
	Generation uint32
	Disabled   bool
	AwayUntil  time.Time // when they come back; zero: not away
	SignedInAt time.Time // last; zero: never
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// Away tells whether the agent is away at an instant.
func (a Agent) Away(at time.Time) bool { return at.Before(a.AwayUntil) }

// Administers tells whether the agent can sign in and manage staff of all regions.
func (a Agent) Administers() bool {
	return !a.Disabled && (a.Password != "" || len(a.Passkeys) > 0) && May(a.Actor(), ActManageStaff, Everywhere()) == nil
}

// ErrLastAdmin: the change would leave no admin who can sign in.
var ErrLastAdmin = fmt.Errorf("%w: no other admin could sign in", ErrConflict)

// HandedBackAtOnce is how many tickets one transaction hands back.
const HandedBackAtOnce = 500

// RecoveryHash is the hash of a recovery code, which stands once for a code of
// the authenticator. The zero hash is no code's.
type RecoveryHash [32]byte

// MaxRecovery is how many recovery codes an agent has at the most.
const MaxRecovery = 32

// Shown is the agent's name as partners read it.
func (a Agent) Shown() string { return cmp.Or(a.Profile.DisplayName, a.Name) }

// Signature stands below what the agent writes to a reader of that language: their own
// text, else their name.
func (a Agent) Signature(lang string) string { return cmp.Or(a.Profile.Signature(lang), a.Shown()) }

// Has tells whether the agent has the role, or one that includes it.
func (a Agent) Has(r Role) bool {
	return slices.ContainsFunc(a.Roles, func(had Role) bool { return had.Includes(r) })
}

// NewAgent is what AddAgent needs.
type NewAgent struct {
	Email    string
	Name     string
	Roles    []Role
	Regions  []string
	Password string
}

// AgentChange says what to change; nil fields stay as they are.
type AgentChange struct {
	Name     *string
	Roles    *[]Role
	Regions  *[]string
	Profile  *Profile
	Password *string
	TOTP     *[]byte // of length 0 to do without
	Recovery *[]RecoveryHash
	// AddsPasskey is one more passkey, DropsPasskey one less; nil and zero for none.
	// Recovery codes go with the last passkey and authenticator.
	AddsPasskey  *Passkey
	DropsPasskey PasskeyID
	// WithoutPasskeys drops all that the agent had before the change.
	WithoutPasskeys bool
	Disabled        *bool
	AwayUntil       *time.Time // zero: back
	// HandsBack hands all unsolved tickets of the agent back.
	HandsBack bool
	// SignOut ends every session. So does a change of Password, TOTP, Roles or
	// Disabled, and a passkey less.
	SignOut bool
	// Spends is the proof by which the change was allowed, of the secret and the
	// recovery codes that the agent had before it.
	Spends SecondFactor
	// Notice is a mail that tells the agent of the change; nil for none.
	Notice *NewMail
}

// Manages tells whether the change is of what an agent may do, which agents do not
// change for themselves.
func (c AgentChange) Manages() bool { return c.Roles != nil || c.Regions != nil || c.Disabled != nil }

// SecondFactor is a proof that counts once: the time step of an authenticator's
// code, a recovery code, a signature of a passkey, or a mailed link. The zero value is
// none.
type SecondFactor struct {
	Step     uint64
	Recovery RecoveryHash
	Passkey  PasskeyUse
	Link     LinkID
}

// SessionID names a session by a hash of its token, so that a copy of the store
// signs nobody in.
type SessionID [16]byte

// NewSession is a sign-in that succeeded.
type NewSession struct {
	ID     SessionID
	Agent  AgentID
	Idle   time.Duration // how long it lasts without being touched
	Ends   time.Time     // and how long in all
	Spends SecondFactor
	// Replaces is the session this browser had before, which ends; zero for none.
	Replaces SessionID
	Network  string // that the request came from, as Actor.Network
	Browser  string // that it came from, in a few words
	// Renews: the agent was signed in and changed what ended the session. It is no sign-in
	// in the audit log.
	Renews bool
	// Notice is a mail that tells the agent of the sign-in; nil for none.
	Notice *NewMail
}

// Bounds on sessions.
const (
	MaxSessions = 200 // of one agent: one more ends the one used longest ago
	MaxBrowser  = 100
)

// Session is a browser that signed in.
type Session struct {
	ID       SessionID
	Agent    AgentID
	OpenedAt time.Time
	Until    time.Time // when it ends unless it is touched
	Ends     time.Time // when it ends whatever happens
	UsedAt   time.Time // when it was opened or touched last
	// ProvedAt is when the agent last proved who they are: at the sign-in, or since.
	ProvedAt         time.Time
	Network, Browser string // that it was opened from
}

// Agents are the verbs of those who work here and of their sessions.
type Agents interface {
	// AddAgent writes an agent (ActManageStaff). ErrConflict when the address is another
	// agent's, ErrInvalid without one, and for more than MaxRoles or MaxAgentRegions.
	AddAgent(ctx context.Context, now time.Time, by Actor, n NewAgent) (Agent, error)
	// ChangeAgent spends the second factor that c names, changes what c names, queues the
	// notice and ends every session of the agent where c says so, in one transaction. A
	// changed TOTP secret starts with no step used. Agents change their own account but
	// for what AgentChange.Manages names, and who spends one of the agent's links does; all
	// else needs ActManageStaff. ErrConflict for a factor that was spent before, is over
	// or is not the agent's, for a passkey that is an agent's already, and for one less
	// that the agent has not; ErrInvalid for more than MaxRecovery codes or MaxPasskeys,
	// as for AddAgent, and for a Profile that is out of its bounds. ErrLastAdmin where
	// staff would leave no admin who can sign in.
	//
	// Unsolved tickets that the agent may no longer answer, and with HandsBack all, go back
	// to unassigned, each with an EventAssigned and a row of the audit log:
	// HandedBackAtOnce in the transaction of the change, the others in further ones.
	// Housekeep goes on where the call is interrupted.
	ChangeAgent(ctx context.Context, now time.Time, by Actor, id AgentID, c AgentChange) (Agent, error)
	// EndAllSessions ends every session of every agent and tells how many
	// (ActManageSecrets); it is in the audit log as an act on the installation's secret.
	EndAllSessions(ctx context.Context, now time.Time, by Actor) (int, error)
	// ResealAgent puts the TOTP secret to in the place of from, where to is the
	// same secret in another wrapping: steps used and sessions stay. ErrConflict
	// when the agent's is not from any more.
	ResealAgent(ctx context.Context, id AgentID, from, to []byte) error
	// MailAgentLink gives the agent a link and queues the mail with it, in one transaction
	// (ActManageStaff). ErrConflict for a disabled agent; ErrInvalid for a link that would
	// be over at once or a mail of another kind.
	MailAgentLink(ctx context.Context, now time.Time, by Actor, id AgentID, l NewAgentLink) (Outbound, error)
	// AskAgentLink is MailAgentLink for a stranger who names an address: what is charged to
	// the budgets of l.Mail is the same whether an agent has it or not. It tells whether a
	// mail was queued: not where there is no such agent, the agent is disabled, or a
	// budget is spent.
	AskAgentLink(ctx context.Context, now time.Time, email string, l NewAgentLink) (queued bool, err error)
	// AssignedTo counts the unsolved tickets of an agent, by region. stopped tells that there
	// are more tickets than DeskLooked. Of oneself, or of anybody (ActManageStaff).
	AssignedTo(ctx context.Context, by Actor, id AgentID) (regions map[string]uint64, stopped bool, err error)
	Agent(ctx context.Context, id AgentID) (Agent, error)
	// AgentByEmail finds an agent, also a disabled one, by AddressKey.
	AgentByEmail(ctx context.Context, email string) (Agent, error)
	// ListAgents lists agents by id.
	ListAgents(ctx context.Context, p Page) (List[Agent], error)

	// OpenSession writes a session and ends the one it replaces. ErrConflict
	// for a disabled agent, for a step that was used or passed over before, for a
	// recovery code that is not the agent's or was used, and for an id in use;
	// ErrInvalid when it would be over at once.
	OpenSession(ctx context.Context, now time.Time, n NewSession) (Session, error)
	// Session returns a session that runs, and its agent. ErrNotFound for one
	// that is unknown, over or ended, or whose agent is disabled.
	Session(ctx context.Context, now time.Time, id SessionID) (Session, Agent, error)
	// TouchSession lets a session that runs last for idle from now, never
	// beyond Ends and never shorter than before. ErrNotFound as for Session.
	TouchSession(ctx context.Context, now time.Time, id SessionID, idle time.Duration) (Session, error)
	// ProveSession spends a factor of the agent whose session it is, and has the session
	// proved now. ErrNotFound as for Session, ErrConflict as for ChangeAgent.
	ProveSession(ctx context.Context, now time.Time, id SessionID, f SecondFactor, notice *NewMail) error
	// Sessions lists an agent's sessions that run, the one used last first: at most
	// MaxSessions. Of one's own, or of anybody's (ActManageStaff).
	Sessions(ctx context.Context, now time.Time, by Actor, id AgentID) ([]Session, error)
	// EndSessions ends all of an agent's sessions but one (zero: all of them); who may
	// is as for Sessions. It tells how many ran.
	EndSessions(ctx context.Context, now time.Time, by Actor, id AgentID, but SessionID) (int, error)
	// EndSession ends a session of the actor's own, or any (ActManageStaff); one that is
	// unknown or over is no error.
	EndSession(ctx context.Context, now time.Time, by Actor, id SessionID) error
}
