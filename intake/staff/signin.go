package staff

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// hashWait is how long a sign-in may wait for its turn at hashing.
const hashWait = 10 * time.Second

type signInData struct {
	Email, Next string
	Fault       string
}

// Words of a refusal. The first says nothing of which part was wrong.
const (
	wordsWrong = "That did not work. Check the address, the password and, if you use an authenticator, its newest code."
	wordsSlow  = "There were too many tries from your network. Nothing is locked: try again in %s."
)

func (s *Staff) showSignIn(x *web.Exchange) error {
	x.Private()
	x.ReferrerSameOrigin()
	next := inside(x.Request.URL.Query().Get("next"))
	who, err := s.SignedIn(x)
	switch {
	case err == nil && next != "":
		return x.Redirect(next)
	case err == nil:
		return x.Redirect(s.home(who))
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return s.signIn.Show(x, http.StatusOK, signInData{Next: next})
}

// inside is an address of this site to go on to, "" for anything else: a link
// must not send who signs in to another's pages.
func inside(next string) string {
	if !strings.HasPrefix(next, "/") || len(next) > 2000 || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return ""
	}
	return next
}

func (s *Staff) postSignIn(x *web.Exchange) error {
	x.Private()
	x.ReferrerSameOrigin()
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	d := signInData{Email: strings.TrimSpace(f.Get("email")), Next: inside(f.Get("next"))}
	now := time.Now()
	if wait := s.slowed(x, d.Email, now); wait > 0 {
		return s.showSlow(x, d, wait)
	}
	who, code, err := s.proven(x.Request.Context(), now, d.Email, f.Get("password"), f.Get("code"))
	if err == nil {
		err = s.open(x, now, who.ID, code)
	}
	switch {
	case errors.Is(err, errUnproven), errors.Is(err, store.ErrConflict): // disabled, or a code used twice
		x.Log.Info("sign-in refused", "request", x.ID, "network", origin.Widest(x.Remote()).String())
		d.Fault = wordsWrong
		return s.signIn.Show(x, http.StatusUnprocessableEntity, d)
	case err != nil:
		return err
	}
	s.excuse(x, d.Email, now)
	x.Log.Info("signed in", "request", x.ID, "agent", who.ID, "network", origin.Widest(x.Remote()).String())
	if d.Next != "" {
		return x.Redirect(d.Next)
	}
	return x.Redirect(s.home(who))
}

// slowed takes one try of the account from this network, or tells how long it
// must wait.
func (s *Staff) slowed(x *web.Exchange, email string, now time.Time) time.Duration {
	if ok, wait := s.perNetwork.AllowNetworks(x.Remote(), "", now); !ok {
		return wait
	}
	if ok, wait := s.perAccount.AllowNetworks(x.Remote(), store.AddressKey(email), now); !ok {
		s.perNetwork.ReturnNetworks(x.Remote(), "", now)
		return wait
	}
	return 0
}

// excuse gives back the try of who proved to be right.
func (s *Staff) excuse(x *web.Exchange, email string, now time.Time) {
	s.perNetwork.ReturnNetworks(x.Remote(), "", now)
	s.perAccount.ReturnNetworks(x.Remote(), store.AddressKey(email), now)
}

func (s *Staff) showSlow(x *web.Exchange, d signInData, wait time.Duration) error {
	d.Fault = strings.Replace(wordsSlow, "%s", inWords(wait), 1)
	x.Header().Set("Retry-After", retryAfter(wait))
	return s.signIn.Show(x, http.StatusTooManyRequests, d)
}

var errUnproven = errors.New("not proven")

// proven tells who signs in, and the step of the code they used, 0 for none.
// errUnproven for all that is wrong, found out in the same time.
func (s *Staff) proven(ctx context.Context, now time.Time, email, password, code string) (who store.Agent, step uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	who, err = s.deps.Agents.AgentByEmail(ctx, email)
	known := err == nil && who.Password != "" && !who.Disabled
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return who, 0, err
	}
	hash := s.nobody() // asked for whoever it is, so that its first making tells nobody apart
	if known {
		hash = who.Password
	}
	if len(password) > maxPassword {
		password = "" // nobody's
	}
	same, err := s.hashers.same(ctx, hash, password)
	if err != nil {
		return who, 0, err
	}
	if !known || !same {
		return who, 0, errUnproven
	}
	if len(who.TOTP) == 0 {
		return who, 0, nil
	}
	if step = checkCode(who.TOTP, code, now, who.TOTPStep); step == 0 {
		return who, 0, errUnproven
	}
	return who, step, nil
}

func (s *Staff) postSignOut(x *web.Exchange) error {
	x.Private()
	if id, ok := presented(x); ok {
		if err := s.deps.Agents.EndSession(x.Request.Context(), id); err != nil {
			return err
		}
	}
	forget(x)
	return x.Redirect("/sign-in")
}
