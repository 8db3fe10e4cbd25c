package staff

import (
	"context"
	"errors"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// Config is how the door is kept. Begin with Defaults.
type Config struct {
	// BaseURL is where the pages are. Passkeys belong to its host; where that is an
	// address and no name they are not offered, but for one of loopback, where localhost
	// stands in for it.
	BaseURL string
	// RequireFactor are the roles for which the password alone is not enough.
	RequireFactor []store.Role
	// Issuer names this installation in an authenticator app. Own are further
	// words that a password must not be made of, such as its domain.
	Issuer string
	Own    []string
	Idle   time.Duration // a session ends so long after its last use
	Lasts  time.Duration // and so long after it began
	// PerAccount and PerAccountDay are how many failed tries an account has from
	// one network in Window and in a day, PerNetwork how many one network has for
	// all accounts in Window; then each gets its turn after the time divided by
	// the number. 0: no limit. limits.go tells what follows from them.
	PerAccount    int
	PerAccountDay int
	PerNetwork    int
	Window        time.Duration
	// AskedPerNetwork is how many links one network may ask for in an hour, AskedForAccount
	// how many go to one address in a day and AskedInAll to all of them.
	AskedPerNetwork, AskedForAccount, AskedInAll int
}

// How long things last.
const (
	// ProofLasts is how long a session that proved who its agent is may change how they
	// sign in without proving it again.
	ProofLasts = 5 * time.Minute
	// InviteLasts and ResetLasts are how long mailed links last.
	InviteLasts = 72 * time.Hour
	ResetLasts  = 30 * time.Minute
)

// Defaults fit a working day.
func Defaults() Config {
	return Config{
		Issuer: "Signpost", Idle: 4 * time.Hour, Lasts: 24 * time.Hour,
		PerAccount: 10, PerAccountDay: 40, PerNetwork: 100, Window: 15 * time.Minute,
		AskedPerNetwork: 10, AskedForAccount: 5, AskedInAll: 200,
	}
}

// Validate tells whether sessions make sense.
func (c Config) Validate() error {
	if c.Idle <= 0 || c.Lasts < c.Idle || c.Window <= 0 {
		return errors.New("staff: a session needs an idle time, no longer than it lasts in all, and tries a window")
	}
	return nil
}

// Agents is what the door asks of the store.
type Agents interface {
	AddAgent(ctx context.Context, now time.Time, by store.Actor, n store.NewAgent) (store.Agent, error)
	AssignedTo(ctx context.Context, by store.Actor, id store.AgentID) (map[string]uint64, bool, error)
	Agent(ctx context.Context, id store.AgentID) (store.Agent, error)
	AgentByEmail(ctx context.Context, email string) (store.Agent, error)
	ChangeAgent(
		ctx context.Context, now time.Time, by store.Actor, id store.AgentID, c store.AgentChange,
	) (store.Agent, error)
	OpenSession(ctx context.Context, now time.Time, n store.NewSession) (store.Session, error)
	Session(ctx context.Context, now time.Time, id store.SessionID) (store.Session, store.Agent, error)
	TouchSession(ctx context.Context, now time.Time, id store.SessionID, idle time.Duration) (store.Session, error)
	ProveSession(
		ctx context.Context, now time.Time, id store.SessionID, f store.SecondFactor, notice *store.NewMail,
	) error
	Sessions(ctx context.Context, now time.Time, by store.Actor, id store.AgentID) ([]store.Session, error)
	EndSessions(
		ctx context.Context, now time.Time, by store.Actor, id store.AgentID, but store.SessionID,
	) (int, error)
	MailAgentLink(
		ctx context.Context, now time.Time, by store.Actor, id store.AgentID, l store.NewAgentLink,
	) (store.Outbound, error)
	AskAgentLink(ctx context.Context, now time.Time, email string, l store.NewAgentLink) (bool, error)
	EndSession(ctx context.Context, now time.Time, by store.Actor, id store.SessionID) error
	RefuseAct(
		ctx context.Context, now time.Time, by store.Actor, act store.Act, o store.Object, times uint64,
	) error
	FailSignIn(ctx context.Context, now time.Time, account store.AgentID, network string) error
	ListAgents(ctx context.Context, p store.Page) (store.List[store.Agent], error)
	ResealAgent(ctx context.Context, id store.AgentID, from, to []byte) error
}

// Deps is what the door is plugged into.
type Deps struct {
	Agents Agents
	Ring   *ident.Ring // seals authenticators' secrets, signs known devices
	// Mails are about accounts, from this sender: its address and name. Without an address
	// none are sent, and there are no links to choose a password by.
	From, FromName string
	// Regions are those that people can be given, with their names.
	Regions []store.Region
	// Kick tells the outbox that there is mail; nil where it looks by itself.
	Kick func()
	// Home is where somebody goes who signed in without wanting a certain page;
	// nil for their account.
	Home func(store.Agent) string
}
