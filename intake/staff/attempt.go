package staff

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// attempt is one try to prove to be an account's owner, at the sign-in or on the
// account's own page.
type attempt struct {
	x                     *web.Exchange
	email, password, code string
	now                   time.Time

	from   client
	status int // that refuses it, where it is no 422
}

var errUnproven = errors.New("not proven")

// slowError sends a try away before it is looked at.
type slowError struct {
	status int // 429: the tries of its account or network; 503: those of all
	wait   time.Duration
	err    error
}

func (e *slowError) Error() string {
	return fmt.Sprintf("status %d, try again in %v: %v", e.status, e.wait, e.err)
}
func (e *slowError) Unwrap() error { return e.err }

// words tell the wait to who must wait. They are the same whether the account is
// there or not.
func (e *slowError) words() string {
	if errors.Is(e.err, errLimit) {
		return fmt.Sprintf(wordsSlow, inWords(e.wait))
	}
	return fmt.Sprintf(wordsBusy, inWords(e.wait))
}

var errLimit = errors.New("too many failed tries")

// signsIn opens a session for who proves to be an account's owner. errUnproven
// for all that is wrong, found out in the same time; *slowError.
func (s *Staff) signsIn(t *attempt) (store.Agent, error) {
	who, err := s.deps.Agents.AgentByEmail(t.x.Request.Context(), t.email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return who, err
	}
	factor, err := s.proves(t, who)
	if err != nil {
		return who, err
	}
	return who, s.enter(t, who, factor)
}

// enter opens a session for who proved to be the account's owner, and tells the owner of
// a device that was not known.
func (s *Staff) enter(t *attempt, who store.Agent, factor store.SecondFactor) error {
	n := store.NewSession{Spends: factor, Notice: s.recoveryNotice(t.x, who, t.now, factor)}
	if n.Notice == nil && t.from.device == "" {
		n.Notice = s.notice(t.x, who, t.now, "New sign-in to your account", "Your account was used in a browser that it was "+
			"not used in before.")
	}
	err := s.open(t.x, t.now, who, n)
	if errors.Is(err, store.ErrConflict) { // disabled, or a factor that was spent, at the same moment
		return s.failed(t, who, true, err)
	}
	if err == nil {
		s.limits.giveBack(t.from, t.email, t.now)
	}
	return err
}

// takeTurn holds a try to its limits. It stays counted until it is given back.
func (s *Staff) takeTurn(t *attempt, who store.Agent) error {
	t.from = s.clientOf(t.x, who, t.now)
	if wait := s.limits.take(t.from, t.email, t.now); wait > 0 {
		s.guesses.add(t.now, who.ID, t.from.network(), false)
		return &slowError{status: http.StatusTooManyRequests, wait: wait, err: errLimit}
	}
	return nil
}

// proves holds a try to its limits, compares the password and then the code. The
// zero agent stands for an account that is not there: its password is compared
// all the same. The try stays counted until it is given back.
func (s *Staff) proves(t *attempt, who store.Agent) (f store.SecondFactor, err error) {
	if err := s.takeTurn(t, who); err != nil {
		return f, err
	}
	same, err := s.samePassword(t, who)
	if err != nil {
		s.limits.giveBack(t.from, t.email, t.now) // it was not looked at
		return f, err
	}
	if !same {
		return f, s.failed(t, who, false, errors.New("the password is not the account's"))
	}
	if !s.asksCode(who) {
		return f, nil
	}
	f, ok := s.factorOf(who, t.code, t.now)
	if !ok {
		return f, s.failed(t, who, true, errors.New("the code is none of the account's"))
	}
	return f, nil
}

// failed tells the log and those who count the guesses of a try that failed.
// password tells that the password was right.
func (s *Staff) failed(t *attempt, who store.Agent, password bool, why error) error {
	s.guesses.add(t.now, who.ID, t.from.network(), password)
	if err := s.deps.Agents.FailSignIn(t.x.Request.Context(), t.now, who.ID, t.from.network().String()); err != nil {
		return err
	}
	t.x.Log.Info("sign-in refused", "request", t.x.ID, "agent", who.ID, "network", t.from.network().String(),
		"password_right", password, "known_device", t.from.device != "")
	return fmt.Errorf("%w: %w", errUnproven, why)
}

// samePassword waits for a turn and compares. A *slowError when none comes.
func (s *Staff) samePassword(t *attempt, who store.Agent) (same bool, err error) {
	known := who.Password != "" && !who.Disabled
	hash := s.nobody() // asked for whoever it is, so that its first making tells nobody apart
	if known {
		hash = who.Password
	}
	password := t.password
	if len(password) > maxPassword {
		password = "" // nobody's
	}
	waited := s.inTurn(t.x.Request.Context(), t.from, func() { same, err = samePassword(hash, password) })
	return known && same, errors.Join(waited, err)
}

// inTurn hashes when the client's turn comes, or tells when to try again.
func (s *Staff) inTurn(ctx context.Context, c client, hash func()) error {
	switch err := s.hashing.do(ctx, c, hash); {
	case errors.Is(err, errLine):
		return &slowError{status: http.StatusTooManyRequests, wait: hashWait, err: err}
	case errors.Is(err, errBusy):
		return &slowError{status: http.StatusServiceUnavailable, wait: hashWait, err: err}
	default:
		return err
	}
}
