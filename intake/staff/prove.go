package staff

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

type proveData struct {
	Who   store.Agent
	Next  string
	Fault string
	Party string // that passkeys belong to
	Code  bool   // a code is asked for beside the password
	Lost  bool   // what a form held was not taken
}

// proved is when the request's session last proved who its agent is; the zero time
// without a session, as for what the program asks of its own pages.
func (s *Staff) proved(x *web.Exchange, now time.Time) (time.Time, error) {
	id, ok := presented(x)
	if !ok {
		return time.Time{}, nil
	}
	session, _, err := s.deps.Agents.Session(x.Request.Context(), now, id)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return session.ProvedAt, err
}

// fresh tells whether the session proved who its agent is within ProofLasts.
func (s *Staff) fresh(x *web.Exchange, now time.Time) (bool, error) {
	at, err := s.proved(x, now)
	return now.Sub(at) < ProofLasts, err
}

// Proven lets a handler answer who proved a moment ago who they are, and asks others to
// do so first: for changes of what opens an account, of rights and of secrets. A form
// that comes too late is not taken: the way leads to the page that it stood on, with the
// fields in its address, by which the page fills the form. It must hold no secret.
func (s *Staff) Proven(h Handler) Handler {
	return func(x *web.Exchange, who store.Agent) error {
		fresh, err := s.fresh(x, time.Now())
		if err != nil {
			return err
		}
		if _, vouched, _ := s.vouchedFor(x); fresh || vouched {
			return h(x, who)
		}
		if x.WantsJSON() {
			err := errors.New("the session is to be proved first, at /account/prove")
			return &web.Fault{Status: http.StatusForbidden, Key: "web.prove", Err: err}
		}
		next := x.Request.URL.RequestURI()
		if x.Request.Method != http.MethodGet {
			if next, err = sentFrom(x); err != nil {
				return err
			}
		}
		d := s.proveData(who, next)
		d.Lost = x.Request.Method != http.MethodGet
		return s.prove.Show(x, http.StatusForbidden, d)
	}
}

// sentFrom is the page that a form stood on, with its fields.
func sentFrom(x *web.Exchange) (string, error) {
	if err := x.Request.ParseForm(); err != nil {
		return "", &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	path, _, _ := strings.Cut(refererPath(x), "?")
	if path == "" {
		return "", nil
	}
	return cmp.Or(inside(path+"?"+x.Request.PostForm.Encode()), path), nil
}

// refererPath is the page of this site that a form stood on.
func refererPath(x *web.Exchange) string {
	u, err := url.Parse(x.Request.Referer())
	if err != nil || u.Host != x.Request.Host {
		return ""
	}
	return inside(u.RequestURI())
}

func (s *Staff) proveData(who store.Agent, next string) proveData {
	d := proveData{Who: who, Next: next, Code: s.asksCode(who)}
	if len(who.Passkeys) > 0 {
		d.Party = s.relying.host()
	}
	return d
}

func (s *Staff) showProve(x *web.Exchange, who store.Agent) error {
	return s.prove.Show(x, http.StatusOK, s.proveData(who, inside(x.Request.URL.Query().Get("next"))))
}

// postProve proves the session anew, by a passkey or by the password with its code.
func (s *Staff) postProve(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	t := &attempt{x: x, email: who.Email, password: f.Get("password"), code: codeIn(f), now: time.Now()}
	d := s.proveData(who, inside(f.Get("next")))
	err := s.provesEither(t, who)
	var slow *slowError
	switch {
	case errors.As(err, &slow):
		d.Fault = slow.words()
		x.Header().Set("Retry-After", retryAfter(slow.wait))
		return s.prove.Show(x, slow.status, d)
	case errors.Is(err, errUnproven):
		d.Fault = s.proofWords(who)
		return s.prove.Show(x, http.StatusUnprocessableEntity, d)
	case err != nil:
		return err
	}
	return x.Redirect(cmp.Or(d.Next, "/account"))
}

// provesEither checks the form's passkey or password, and proves the session by it.
func (s *Staff) provesEither(t *attempt, who store.Agent) (err error) {
	var f store.SecondFactor
	if t.x.Request.PostForm.Has("assertion") {
		_, f.Passkey, err = s.provesByPasskey(t, &who)
	} else {
		f, err = s.proves(t, who)
	}
	if err != nil {
		return err
	}
	id, _ := presented(t.x) // admit found it
	notice := s.recoveryNotice(t.x, who, t.now, f)
	err = s.deps.Agents.ProveSession(t.x.Request.Context(), t.now, id, f, notice)
	if errors.Is(err, store.ErrConflict) { // spent at the same moment
		return s.failed(t, who, true, err)
	}
	if err == nil {
		s.limits.giveBack(t.from, t.email, t.now)
		s.kick(notice)
	}
	return err
}

const (
	wordsProof        = "That is not your current password."
	wordsProofTwoStep = "Your current password or the code is not right. Each code works once."
	wordsStale        = "Enter your current password to do this: it is more than 5 minutes since you last did."
	wordsStalePasskey = "Confirm with your passkey first: it is more than 5 minutes since you last used it here."
)

func (s *Staff) proofWords(who store.Agent) string {
	if s.asksCode(who) {
		return wordsProofTwoStep
	}
	return wordsProof
}

// confirm reads a form of the account's page and checks that its session proved a moment
// ago who its agent is, or that the form does so with the password and, with two-step
// sign-in, the code: an unlocked screen must not be enough to take an account over. The
// factor is to be spent by the change. words, when not empty, say what is wrong with the
// proof.
func (s *Staff) confirm(x *web.Exchange, who store.Agent) (t *attempt, f store.SecondFactor, words string, err error) {
	if err := x.Request.ParseForm(); err != nil {
		return nil, f, "", &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	form := x.Request.PostForm
	t = &attempt{x: x, email: who.Email, password: form.Get("password"), code: codeIn(form), now: time.Now()}
	if !form.Has("password") {
		t.from = s.clientOf(x, who, t.now)
		fresh, err := s.fresh(x, t.now)
		switch {
		case !fresh && who.Password == "":
			words = wordsStalePasskey
		case !fresh:
			words = wordsStale
		}
		return t, f, words, err
	}
	f, err = s.proves(t, who)
	var slow *slowError
	switch {
	case errors.As(err, &slow):
		t.status = slow.status
		x.Header().Set("Retry-After", retryAfter(slow.wait))
		return t, f, slow.words(), nil
	case errors.Is(err, errUnproven):
		return t, f, s.proofWords(who), nil
	case err == nil:
		s.limits.giveBack(t.from, t.email, t.now)
	}
	return t, f, "", err
}
