package staff

import (
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

type accountData struct {
	Who  store.Agent
	Home string
	Done string // what just succeeded
	// Where a form was refused: its name and the words.
	FaultOf, Fault string
	Secret         string       // to be typed into an authenticator
	SecretLink     template.URL // or opened in one
	MinPassword    int
}

// What the account page says was done, by ?done.
func doneWords(done string) string {
	switch done {
	case "password":
		return "Your password is changed. You are signed out everywhere else."
	case "authenticator":
		return "Signing in now asks for a code from your authenticator."
	case "without":
		return "Signing in no longer asks for a code."
	}
	return ""
}

func (s *Staff) showAccount(x *web.Exchange, who store.Agent) error {
	return s.accountPage(x, http.StatusOK, who, accountData{Done: doneWords(x.Request.URL.Query().Get("done"))}, newSecret())
}

func (s *Staff) accountPage(x *web.Exchange, status int, who store.Agent, d accountData, secret []byte) error {
	d.Who, d.Home, d.MinPassword = who, s.home(who), MinPassword
	d.Secret = shownSecret(secret)
	// Safe: made of our own words and a secret, escaped.
	d.SecretLink = template.URL(secretLink(s.cfg.Issuer, who.Email, secret))
	return s.account.Show(x, status, d)
}

// confirm reads a form of the account's page and checks the password that each
// asks for again: an unlocked screen must not be enough to take an account over.
// The words say what to tell when it fails.
func (s *Staff) confirm(x *web.Exchange, who store.Agent, now time.Time) (words string, err error) {
	if err := x.Request.ParseForm(); err != nil {
		return "", &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	if wait := s.slowed(x, who.Email, now); wait > 0 {
		return fmt.Sprintf(wordsSlow, inWords(wait)), nil
	}
	password := x.Request.PostForm.Get("password")
	if len(password) > maxPassword {
		return wordsPassword, nil
	}
	same, err := s.hashers.same(x.Request.Context(), who.Password, password)
	if err != nil {
		return "", err
	}
	if !same {
		return wordsPassword, nil
	}
	s.excuse(x, who.Email, now)
	return "", nil
}

const wordsPassword = "That is not your present password."

func (s *Staff) postPassword(x *web.Exchange, who store.Agent) error {
	now := time.Now()
	words, err := s.confirm(x, who, now)
	if err != nil {
		return err
	}
	chosen := x.Request.PostForm.Get("new")
	if words == "" {
		words = CheckPassword(chosen)
	}
	if words != "" {
		return s.accountPage(x, http.StatusUnprocessableEntity, who, accountData{FaultOf: "password", Fault: words}, newSecret())
	}
	hash := HashPassword(chosen)
	return s.change(x, now, who, store.AgentChange{Password: &hash}, 0, "password")
}

func (s *Staff) postAuthenticator(x *web.Exchange, who store.Agent) error {
	now := time.Now()
	words, err := s.confirm(x, who, now)
	if err != nil {
		return err
	}
	f := x.Request.PostForm
	if len(who.TOTP) > 0 {
		if words != "" {
			return s.accountPage(x, http.StatusUnprocessableEntity, who, accountData{FaultOf: "authenticator", Fault: words}, newSecret())
		}
		none := []byte{}
		return s.change(x, now, who, store.AgentChange{TOTP: &none}, 0, "without")
	}
	secret, ok := readSecret(f.Get("secret"))
	if !ok {
		return &web.Fault{Status: http.StatusBadRequest, Err: fmt.Errorf("a secret of the wrong shape")}
	}
	step := checkCode(secret, f.Get("code"), now, 0)
	if words == "" && step == 0 {
		words = "That code does not belong to this secret. Is the clock of your device right?"
	}
	if words != "" {
		return s.accountPage(x, http.StatusUnprocessableEntity, who, accountData{FaultOf: "authenticator", Fault: words}, secret)
	}
	return s.change(x, now, who, store.AgentChange{TOTP: &secret}, step, "authenticator")
}

// change changes the account, which ends all its sessions, and opens a new one
// for this browser.
func (s *Staff) change(x *web.Exchange, now time.Time, who store.Agent, c store.AgentChange, code uint64, done string) error {
	if _, err := s.deps.Agents.ChangeAgent(x.Request.Context(), now, who.ID, c); err != nil {
		return err
	}
	if err := s.open(x, now, who.ID, code); err != nil {
		return err
	}
	x.Log.Info("account changed", "request", x.ID, "agent", who.ID, "change", done)
	return x.Redirect("/account?done=" + done)
}

func (s *Staff) postSignOutEverywhere(x *web.Exchange, who store.Agent) error {
	if _, err := s.deps.Agents.ChangeAgent(x.Request.Context(), time.Now(), who.ID, store.AgentChange{SignOut: true}); err != nil {
		return err
	}
	forget(x)
	return x.Redirect("/sign-in")
}

// inWords is a wait as a person reads it, rounded up.
func inWords(wait time.Duration) string {
	if minutes := int((wait + time.Minute - 1) / time.Minute); minutes > 1 {
		return strconv.Itoa(minutes) + " minutes"
	}
	return retryAfter(wait) + " seconds"
}

func retryAfter(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}
