package staff

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

type signInData struct {
	Email, Next string
	Fault, Done string
	Party       string // that passkeys belong to; "" where there can be none
	Links       bool   // a link to choose a password can be mailed
}

// signInData is the page's before anything was typed.
func (s *Staff) signInData(next string) signInData {
	return signInData{Next: next, Party: s.relying.host(), Links: s.deps.From != ""}
}

// Words of a refusal. The first says nothing of which part was wrong.
const (
	wordsWrong = "That did not work. Check the address, the password and, if you use an authenticator, its newest code."
	wordsSlow  = "There were too many tries. Nothing is locked: try again in %s, or now in a browser you signed in " +
		"with before."
	wordsWrongPasskey = "That did not work. This passkey is not one of an account here, or the sign-in took more than 5 " +
		"minutes. Try again, or use your password."
	wordsBusy = "Too many sign-ins are under way. Nothing is locked: try again in %s."
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
	d := s.signInData(next)
	d.Done = signInDone(x.Request.URL.Query().Get("done"))
	return s.signIn.Show(x, http.StatusOK, d)
}

// signInDone says what was just done, by ?done.
func signInDone(done string) string {
	switch done {
	case "password":
		return "Your password is set. Sign in with it."
	case "passkey":
		return "Your passkey is added. Sign in with it."
	}
	return ""
}

// inside is an address of this site to go on to, "" for anything else: a link
// must not send who signs in to another's pages.
func inside(next string) string {
	path := strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//")
	if !path || len(next) > 2000 || strings.ContainsAny(next, "\\\r\n\t") {
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
	return s.answerSignIn(x, s.signsIn, wordsWrong)
}

// answerSignIn signs in with what a form holds, and answers it; wrong are the words for
// all that may be wrong with it.
func (s *Staff) answerSignIn(x *web.Exchange, signsIn func(*attempt) (store.Agent, error), wrong string) error {
	f := x.Request.PostForm
	d := s.signInData(inside(f.Get("next")))
	d.Email = strings.TrimSpace(f.Get("email"))
	try := attempt{x: x, email: d.Email, password: f.Get("password"), code: codeIn(f), now: time.Now()}
	who, err := signsIn(&try)
	var slow *slowError
	switch {
	case errors.As(err, &slow):
		d.Fault = slow.words()
		x.Header().Set("Retry-After", retryAfter(slow.wait))
		return s.signIn.Show(x, slow.status, d)
	case errors.Is(err, errUnproven):
		d.Fault = wrong
		return s.signIn.Show(x, http.StatusUnprocessableEntity, d)
	case err != nil:
		return err
	}
	x.Log.Info("signed in", "request", x.ID, "agent", who.ID, "network", try.from.network().String())
	if d.Next != "" {
		return x.Redirect(d.Next)
	}
	return x.Redirect(s.home(who))
}

// codeIn is the code of a form: the page has a field for each kind of code, of
// which one is filled in.
func codeIn(f url.Values) string {
	for _, code := range f["code"] {
		if strings.TrimSpace(code) != "" {
			return code
		}
	}
	return ""
}

func (s *Staff) postSignOut(x *web.Exchange) error {
	x.Private()
	who, err := s.SignedIn(x)
	if err == nil {
		id, _ := presented(x) // SignedIn found it
		err = s.deps.Agents.EndSession(x.Request.Context(), time.Now(), ActorOf(x, who), id)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	forget(x)
	return x.Redirect("/sign-in")
}
