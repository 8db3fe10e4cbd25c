package staff

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

type accountData struct {
	Who  store.Agent
	Done string // what just succeeded
	// Where a form was refused: its name and the words.
	FaultOf, Fault string
	Profile        profileForm
	Secret         string       // to be typed into an authenticator
	SecretLink     template.URL // or opened in one
	MinPassword    int
}

// TwoStep tells whether signing in asks for a code.
func (d accountData) TwoStep() bool { return len(d.Who.TOTP) > 0 }

// Proof is the part of a form that proves to be the account's owner.
func (d accountData) Proof(form string) proofData {
	return proofData{Form: form, Code: d.TwoStep(), Faulty: d.FaultOf == form}
}

type proofData struct {
	Form         string
	Code, Faulty bool
}

type recoveryData struct {
	Email, Done string
	Codes       []string
}

// What the account page says was done, by ?done.
func doneWords(done string) string {
	switch done {
	case "password":
		return "Your password is changed. You are signed out everywhere else."
	case "profile":
		return "Your profile is saved."
	case "without":
		return "Two-step sign-in is off. You are signed out everywhere else."
	}
	return ""
}

func (s *Staff) showAccount(x *web.Exchange, who store.Agent) error {
	d := accountData{Done: doneWords(x.Request.URL.Query().Get("done"))}
	return s.accountPage(x, http.StatusOK, who, d, newSecret())
}

func (s *Staff) accountPage(x *web.Exchange, status int, who store.Agent, d accountData, secret []byte) error {
	d.Who, d.MinPassword = who, MinPassword
	d.Profile = s.profileForm(who.Profile)
	d.Secret = shownSecret(secret)
	// Safe: made of our own words and a secret, escaped.
	d.SecretLink = template.URL(secretLink(s.cfg.Issuer, who.Email, secret))
	return s.account.Show(x, status, d)
}

// refused shows the account's page with what is wrong with one of its forms.
func (s *Staff) refused(t *attempt, who store.Agent, form, words string, secret []byte) error {
	status := cmp.Or(t.status, http.StatusUnprocessableEntity)
	return s.accountPage(t.x, status, who, accountData{FaultOf: form, Fault: words}, secret)
}

const (
	wordsProof        = "That is not your current password."
	wordsProofTwoStep = "Your current password or the code is not right. Each code works once."
)

// confirm reads a form of the account's page and checks the password and, with
// two-step sign-in, the code that each asks for again: an unlocked screen must not
// be enough to take an account over. The factor is to be spent by the change.
// words, when not empty, say what is wrong with the proof.
func (s *Staff) confirm(x *web.Exchange, who store.Agent) (t *attempt, f store.SecondFactor, words string, err error) {
	if err := x.Request.ParseForm(); err != nil {
		return nil, f, "", &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	form := x.Request.PostForm
	t = &attempt{x: x, email: who.Email, password: form.Get("password"), code: codeIn(form), now: time.Now()}
	f, err = s.proves(t, who)
	var slow *slowError
	switch {
	case errors.As(err, &slow):
		t.status = slow.status
		x.Header().Set("Retry-After", retryAfter(slow.wait))
		return t, f, slow.words(), nil
	case errors.Is(err, errUnproven):
		return t, f, proofWords(who), nil
	}
	return t, f, "", err
}

func proofWords(who store.Agent) string {
	if len(who.TOTP) > 0 {
		return wordsProofTwoStep
	}
	return wordsProof
}

func (s *Staff) postPassword(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	if err != nil {
		return err
	}
	chosen := x.Request.PostForm.Get("new")
	if words == "" {
		words = CheckPassword(chosen, append([]string{who.Name, who.Email, s.cfg.Issuer}, s.cfg.Own...)...)
		s.limits.giveBack(t.from, t.email, t.now)
	}
	if words != "" {
		return s.refused(t, who, "password", words, newSecret())
	}
	var hash string
	if err := s.inTurn(x.Request.Context(), t.from, func() { hash = HashPassword(chosen) }); err != nil {
		return err
	}
	return s.change(t, who, "password", store.AgentChange{Password: &hash, Spends: factor}, 0, func() error {
		return x.Redirect("/account?done=password")
	})
}

// postAuthenticator turns two-step sign-in off or, where the form has a secret,
// on or over to another authenticator. The code of the new one is new_code where
// code is the present one's.
func (s *Staff) postAuthenticator(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	if err != nil {
		return err
	}
	form := x.Request.PostForm
	if !form.Has("secret") {
		return s.turnOff(t, who, factor, words)
	}
	secret, ok := readSecret(form.Get("secret"))
	if !ok {
		return &web.Fault{Status: http.StatusBadRequest, Err: errors.New("a secret of the wrong shape")}
	}
	fresh := form.Get("code")
	if len(who.TOTP) > 0 {
		fresh = form.Get("new_code")
	}
	step := checkCode(secret, fresh, t.now, 0)
	if words == "" {
		s.limits.giveBack(t.from, t.email, t.now)
		if step == 0 {
			words = "That code does not belong to this secret. Is the clock of your device right?"
		}
	}
	if words != "" {
		return s.refused(t, who, "authenticator", words, secret)
	}
	sealed := s.seal(who.ID, secret)
	codes, hashes := newRecovery(who.ID)
	c := store.AgentChange{TOTP: &sealed, Recovery: &hashes, Spends: factor}
	return s.change(t, who, "authenticator", c, step, func() error {
		return s.recovery.Show(x, http.StatusOK, recoveryData{Email: who.Email, Codes: codes,
			Done: "Two-step sign-in is on. You are signed out everywhere else."})
	})
}

func (s *Staff) turnOff(t *attempt, who store.Agent, factor store.SecondFactor, words string) error {
	if words != "" {
		return s.refused(t, who, "off", words, newSecret())
	}
	s.limits.giveBack(t.from, t.email, t.now)
	none := []byte{}
	return s.change(t, who, "off", store.AgentChange{TOTP: &none, Spends: factor}, 0, func() error {
		return t.x.Redirect("/account?done=without")
	})
}

// postRecovery replaces the recovery codes, and shows the new ones this once.
func (s *Staff) postRecovery(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	switch {
	case err != nil:
		return err
	case words != "":
		return s.refused(t, who, "recovery", words, newSecret())
	}
	s.limits.giveBack(t.from, t.email, t.now)
	if len(who.TOTP) == 0 {
		return s.refused(t, who, "authenticator", "Turn on two-step sign-in first.", newSecret())
	}
	codes, hashes := newRecovery(who.ID)
	return s.change(t, who, "recovery", store.AgentChange{Recovery: &hashes, Spends: factor}, 0, func() error {
		return s.recovery.Show(x, http.StatusOK, recoveryData{Email: who.Email, Codes: codes,
			Done: "Your earlier recovery codes no longer work."})
	})
}

// change changes the account, which may end all its sessions, opens a new one for
// this browser, and shows that it is done. step is of a new authenticator's code.
func (s *Staff) change(
	t *attempt, who store.Agent, form string, c store.AgentChange, step uint64, show func() error,
) error {
	x := t.x
	changed, err := s.deps.Agents.ChangeAgent(x.Request.Context(), t.now, ActorOf(x, who), who.ID, c)
	if errors.Is(err, store.ErrConflict) { // the code was spent at the same moment
		return s.refused(t, who, form, proofWords(who), newSecret())
	}
	if err != nil {
		return err
	}
	if err := s.open(x, t.now, changed,
		store.NewSession{Spends: store.SecondFactor{Step: step}, Renews: true}); err != nil {
		return err
	}
	x.Log.Info("account changed", "request", x.ID, "agent", who.ID, "change", form)
	return show()
}

func (s *Staff) postSignOutEverywhere(x *web.Exchange, who store.Agent) error {
	everywhere := store.AgentChange{SignOut: true}
	_, err := s.deps.Agents.ChangeAgent(x.Request.Context(), time.Now(), ActorOf(x, who), who.ID, everywhere)
	if err != nil {
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
