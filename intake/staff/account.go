package staff

import (
	"cmp"
	"encoding/hex"
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
	Secret         string        // to be typed into an authenticator
	SecretLink     template.URL  // or opened in one
	SecretCode     template.HTML // or photographed by one
	MinPassword    int
	Passkeys       []shownPasskey
	MorePasskeys   bool   // one more may be added
	Party          string // that passkeys belong to; "" where there can be none
	Code           bool   // the password alone signs nobody in
	Fresh          bool   // the session proved a moment ago who its agent is
	SetUp          bool   // a second factor has to be set up before anything else
	Sessions       []shownSession
	MoreSessions   int
}

// TwoStep tells whether there is an authenticator.
func (d accountData) TwoStep() bool { return len(d.Who.TOTP) > 0 }

// Proof is the part of a form that proves to be the account's owner.
func (d accountData) Proof(form string) proofData {
	return proofData{
		Form: form, Code: d.Code, Faulty: d.FaultOf == form, Fresh: d.Fresh, Password: d.Who.Password != "",
	}
}

// ByPasskey tells that a passkey can prove who the agent is, where that is to be proved.
func (d accountData) ByPasskey() bool { return !d.Fresh && len(d.Passkeys) > 0 && d.Party != "" }

type proofData struct {
	Form            string
	Code, Faulty    bool
	Fresh, Password bool
}

type shownPasskey struct {
	ID, Name, Added, Used string
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
	case "passkey":
		return "Your passkey is added."
	case "passkey-removed":
		return "The passkey is removed. You are signed out everywhere else."
	case "session":
		return "The session is ended."
	case "sessions":
		return "You are signed out everywhere else."
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
	now := time.Now()
	fresh, err := s.fresh(x, now)
	if err != nil {
		return err
	}
	d.Who, d.MinPassword, d.Fresh = who, MinPassword, fresh
	d.Code, d.SetUp, d.Party = s.asksCode(who), s.unfinished(who), s.relying.host()
	d.Profile = s.profileForm(who.Profile)
	if d.Sessions, d.MoreSessions, err = s.sessionsFor(x, who, now); err != nil {
		return err
	}
	for _, k := range who.Passkeys {
		d.Passkeys = append(d.Passkeys, shownPasskey{
			hex.EncodeToString(k.ID[:]), k.Name, "added " + agoWords(now.Sub(k.AddedAt)), passkeyAge(now, k),
		})
	}
	d.MorePasskeys = len(who.Passkeys) < store.MaxPasskeys
	d.Secret = shownSecret(secret)
	link := secretLink(s.cfg.Issuer, who.Email, secret)
	d.SecretLink = template.URL(link) // safe: made of our own words and a secret, escaped
	if d.SecretCode, err = qrCode(link); err != nil {
		return err
	}
	return s.account.Show(x, status, d)
}

func passkeyAge(now time.Time, k store.Passkey) string {
	if k.UsedAt.IsZero() {
		return "never used"
	}
	return "last used " + agoWords(now.Sub(k.UsedAt))
}

// refused shows the account's page with what is wrong with one of its forms.
func (s *Staff) refused(t *attempt, who store.Agent, form, words string, secret []byte) error {
	status := cmp.Or(t.status, http.StatusUnprocessableEntity)
	return s.accountPage(t.x, status, who, accountData{FaultOf: form, Fault: words}, secret)
}

func (s *Staff) postPassword(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	if err != nil {
		return err
	}
	chosen := x.Request.PostForm.Get("new")
	if words == "" {
		words = s.checkPassword(who, chosen)
	}
	if words != "" {
		return s.refused(t, who, "password", words, newSecret())
	}
	var hash string
	if err := s.inTurn(x.Request.Context(), t.from, func() { hash = HashPassword(chosen) }); err != nil {
		return err
	}
	c := store.AgentChange{
		Password: &hash, Spends: factor,
		Notice: s.notice(x, who, t.now, "Password of your account changed", "The password of your account was changed. All "+
			"other sessions are ended."),
	}
	return s.change(t, who, "password", c, 0, func() error {
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
	if s.asksCode(who) {
		fresh = form.Get("new_code")
	}
	step := checkCode(secret, fresh, t.now, 0)
	if words == "" && step == 0 {
		words = "That code does not belong to this secret. Is the clock of your device right?"
	}
	if words != "" {
		return s.refused(t, who, "authenticator", words, secret)
	}
	sealed := s.seal(who.ID, secret)
	codes, hashes := newRecovery(who.ID)
	c := store.AgentChange{
		TOTP: &sealed, Recovery: &hashes, Spends: factor,
		Notice: s.notice(x, who, t.now, "Authenticator app added to your account", "Signing in to your account with the "+
			"password now asks for a code of a new authenticator app."),
	}
	return s.change(t, who, "authenticator", c, step, func() error {
		return s.recovery.Show(x, http.StatusOK, recoveryData{Email: who.Email, Codes: codes,
			Done: "Two-step sign-in is on. You are signed out everywhere else."})
	})
}

func (s *Staff) turnOff(t *attempt, who store.Agent, factor store.SecondFactor, words string) error {
	if words == "" && s.needsFactor(who) && len(who.Passkeys) == 0 {
		words = "Your role needs a second step. Add a passkey before you turn this one off."
	}
	if words != "" {
		return s.refused(t, who, "off", words, newSecret())
	}
	none := []byte{}
	c := store.AgentChange{
		TOTP: &none, Spends: factor,
		Notice: s.notice(t.x, who, t.now, "Authenticator app removed from your account", "Signing in to your account with "+
			"the password no longer asks for a code of an authenticator app."),
	}
	return s.change(t, who, "off", c, 0, func() error {
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
	if len(who.TOTP) == 0 && len(who.Passkeys) == 0 {
		return s.refused(t, who, "authenticator", "Turn on two-step sign-in first.", newSecret())
	}
	codes, hashes := newRecovery(who.ID)
	c := store.AgentChange{
		Recovery: &hashes, Spends: factor,
		Notice: s.notice(x, who, t.now, "New recovery codes for your account", "New recovery codes were made for your "+
			"account. The earlier ones no longer work."),
	}
	return s.change(t, who, "recovery", c, 0, func() error {
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
		return s.refused(t, who, form, s.proofWords(who), newSecret())
	}
	if err != nil {
		return err
	}
	s.kick(c.Notice)
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
