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
}

// Defaults fit a working day.
func Defaults() Config {
	return Config{
		Issuer: "Signpost", Idle: 4 * time.Hour, Lasts: 24 * time.Hour,
		PerAccount: 10, PerAccountDay: 40, PerNetwork: 100, Window: 15 * time.Minute,
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
	AgentByEmail(ctx context.Context, email string) (store.Agent, error)
	ChangeAgent(
		ctx context.Context, now time.Time, by store.Actor, id store.AgentID, c store.AgentChange,
	) (store.Agent, error)
	OpenSession(ctx context.Context, now time.Time, n store.NewSession) (store.Session, error)
	Session(ctx context.Context, now time.Time, id store.SessionID) (store.Session, store.Agent, error)
	TouchSession(ctx context.Context, now time.Time, id store.SessionID, idle time.Duration) (store.Session, error)
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
	// Home is where somebody goes who signed in without wanting a certain page;
	// nil for their account.
	Home func(store.Agent) string
}
