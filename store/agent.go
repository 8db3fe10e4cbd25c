package store

import (
	"context"
	"slices"
	"time"
)

// AgentID is the store's own name of one who works here: ascending, never
// reused.
type AgentID uint64

// Role is what somebody who signed in may do. No role includes another.
type Role string

// The roles.
const (
	RoleAgent Role = "agent" // answers tickets at the desk
	RoleOps   Role = "ops"   // sees and mends the flow of mail
	RoleAdmin Role = "admin" // settings, and who may sign in
)

// Agent is one who works here and may sign in.
type Agent struct {
	ID    AgentID
	Email string // what they sign in with, compared by AddressKey
	Name  string
	Roles []Role
	// Password is a hash that names its own parameters; "" lets nobody in.
	Password string
	// TOTP is the secret shared with an authenticator (RFC 6238), nil without
	// one. TOTPStep is the last time step whose code was taken: no code counts
	// twice (section 5.2).
	TOTP      []byte
	TOTPStep  uint64
	Disabled  bool
	CreatedAt time.Time
	ChangedAt time.Time
}

// Has tells whether the agent has the role.
func (a Agent) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// NewAgent is what AddAgent needs.
type NewAgent struct {
	Email    string
	Name     string
	Roles    []Role
	Password string
}

// AgentChange says what to change; nil fields stay as they are.
type AgentChange struct {
	Name     *string
	Roles    *[]Role
	Password *string
	TOTP     *[]byte // of length 0 to do without
	Disabled *bool
	// SignOut ends every session. So does a change of Password, TOTP, Roles or
	// Disabled.
	SignOut bool
}

// SessionID names a session by a hash of its token, so that a copy of the store
// signs nobody in.
type SessionID [16]byte

// NewSession is a sign-in that succeeded.
type NewSession struct {
	ID    SessionID
	Agent AgentID
	Idle  time.Duration // how long it lasts without being touched
	Ends  time.Time     // and how long in all
	// Code is the time step of the authenticator's code, 0 without one.
	Code uint64
	// Replaces is the session this browser had before, which ends; zero for none.
	Replaces SessionID
}

// Session is a browser that signed in.
type Session struct {
	ID       SessionID
	Agent    AgentID
	OpenedAt time.Time
	Until    time.Time // when it ends unless it is touched
	Ends     time.Time // when it ends whatever happens
}

// Agents are the verbs of those who work here and of their sessions.
type Agents interface {
	// AddAgent writes an agent. ErrConflict when the address is somebody's,
	// ErrInvalid without one.
	AddAgent(ctx context.Context, now time.Time, n NewAgent) (Agent, error)
	// ChangeAgent changes what c names, and ends every session of the agent
	// where c says so, in the same transaction. A changed TOTP secret starts
	// with no step used.
	ChangeAgent(ctx context.Context, now time.Time, id AgentID, c AgentChange) (Agent, error)
	Agent(ctx context.Context, id AgentID) (Agent, error)
	// AgentByEmail finds an agent, also a disabled one, by AddressKey.
	AgentByEmail(ctx context.Context, email string) (Agent, error)
	// ListAgents lists agents by id, those after the one given (0: from the
	// first).
	ListAgents(ctx context.Context, after AgentID, limit int) ([]Agent, error)

	// OpenSession writes a session and ends the one it replaces. ErrConflict
	// for a disabled agent, for a code whose step was used or passed over
	// before, and for an id in use; ErrInvalid when it would be over at once.
	OpenSession(ctx context.Context, now time.Time, n NewSession) (Session, error)
	// Session returns a session that runs, and its agent. ErrNotFound for one
	// that is unknown, over or ended, or whose agent is disabled.
	Session(ctx context.Context, now time.Time, id SessionID) (Session, Agent, error)
	// TouchSession lets a session that runs last for idle from now, never
	// beyond Ends and never shorter than before. ErrNotFound as for Session.
	TouchSession(ctx context.Context, now time.Time, id SessionID, idle time.Duration) (Session, error)
	// EndSession ends a session; one that is unknown or over is no error.
	EndSession(ctx context.Context, id SessionID) error
}
