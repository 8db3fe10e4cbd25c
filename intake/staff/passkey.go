package staff

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"signpost/intake/web"
	"signpost/store"
)

// getSignInChallenge begins a sign-in by passkey. It is the same for everybody, and
// writes nothing.
func (s *Staff) getSignInChallenge(x *web.Exchange) error {
	x.Private()
	c, err := s.relying.beginSignIn()
	return answerCeremony(x, c, err)
}

func (s *Staff) getPasskeyOptions(x *web.Exchange, who store.Agent) error {
	c, err := s.relying.beginAdd(who)
	return answerCeremony(x, c, err)
}

func answerCeremony(x *web.Exchange, c ceremony, err error) error {
	if errors.Is(err, errNoPasskeys) {
		return &web.Fault{Status: http.StatusNotFound, Err: err}
	}
	if err != nil {
		return err
	}
	return x.JSON(http.StatusOK, c)
}

// postPasskeySignIn signs in by a passkey alone: that it was used proves a device, and
// that it verified its owner.
func (s *Staff) postPasskeySignIn(x *web.Exchange) error {
	x.Private()
	x.ReferrerSameOrigin()
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	return s.answerSignIn(x, s.signsInByPasskey, wordsWrongPasskey)
}

func (s *Staff) signsInByPasskey(t *attempt) (store.Agent, error) {
	who, use, err := s.provesByPasskey(t, nil)
	if err != nil {
		return who, err
	}
	return who, s.enter(t, who, store.SecondFactor{Passkey: use})
}

// provesByPasskey holds a try to its limits and checks the signature of a form, by a
// passkey of the agent's, or of anybody's where own is nil. The try stays counted until
// it is given back.
func (s *Staff) provesByPasskey(t *attempt, own *store.Agent) (who store.Agent, use store.PasskeyUse, err error) {
	f := t.x.Request.PostForm
	a, wrong := s.relying.readAssertion(f.Get("ceremony"), f.Get("assertion"))
	if wrong == nil {
		if who, err = s.namedBy(t, a); err != nil {
			return who, use, err
		}
	}
	t.email = who.Email // "" counts by network alone
	if err := s.takeTurn(t, who); err != nil {
		return who, use, err
	}
	switch {
	case wrong != nil:
	case who.ID == 0 || who.Disabled || own != nil && own.ID != who.ID:
		wrong = errors.New("the passkey is nobody's who may use it here")
	default:
		use, wrong = s.relying.check(a, who)
	}
	if wrong != nil {
		return who, use, s.failed(t, who, false, wrong)
	}
	return who, use, nil
}

// namedBy is the agent whom an answer names, the zero agent for none.
func (s *Staff) namedBy(t *attempt, a assertion) (store.Agent, error) {
	id, ok := a.agent()
	if !ok {
		return store.Agent{}, nil
	}
	who, err := s.deps.Agents.Agent(t.x.Request.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return who, err
}

// postPasskey adds a passkey.
func (s *Staff) postPasskey(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	if err != nil {
		return err
	}
	form := x.Request.PostForm
	name := passkeyName(form.Get("name"), x.Request.UserAgent())
	switch {
	case words != "":
	case len(who.Passkeys) >= store.MaxPasskeys:
		words = fmt.Sprintf("You have %d passkeys, which is the most. Remove one first.", store.MaxPasskeys)
	case len(name) > store.MaxPasskeyName:
		words = "Choose a shorter name for the passkey."
	}
	if words != "" {
		return s.refused(t, who, "passkey", words, newSecret())
	}
	key, use, err := s.relying.added(who, form.Get("ceremony"), form.Get("passkey"))
	if err != nil {
		x.Log.Info("passkey refused", "request", x.ID, "agent", who.ID, "why", err)
		return s.refused(t, who, "passkey", wordsPasskey, newSecret())
	}
	key.Name, factor.Passkey = name, use
	c := store.AgentChange{
		AddsPasskey: &key, Spends: factor,
		Notice: s.notice(x, who, t.now, "Passkey added to your account",
			fmt.Sprintf("The passkey %q can now sign in to your account.", name)),
	}
	codes := firstCodes(who, &c)
	return s.change(t, who, "passkey", c, 0, func() error {
		if codes == nil {
			return x.Redirect("/account?done=passkey")
		}
		return s.recovery.Show(x, http.StatusOK, recoveryData{Email: who.Email, Codes: codes,
			Done: "Your passkey is added. From now on it signs you in by itself."})
	})
}

const wordsPasskey = "The passkey was not added: your device did not answer in time, or has one for this account " +
	"already. Try again."

// firstCodes adds recovery codes to a change that adds the first second factor; nil where
// the agent has codes.
func firstCodes(who store.Agent, c *store.AgentChange) (codes []string) {
	if len(who.Recovery) > 0 {
		return nil
	}
	codes, hashes := newRecovery(who.ID)
	c.Recovery = &hashes
	return codes
}

// passkeyName is what was typed, else where it was made.
func passkeyName(typed, userAgent string) string {
	if typed = oneLine(typed); typed != "" {
		return typed
	}
	return browserWords(userAgent)
}

// postPasskeyRemove removes a passkey, such as that of a lost device, and ends the other
// sessions.
func (s *Staff) postPasskeyRemove(x *web.Exchange, who store.Agent) error {
	t, factor, words, err := s.confirm(x, who)
	if err != nil {
		return err
	}
	key, ok := who.Passkey(readPasskeyID(x.Request.PostForm.Get("id")))
	switch {
	case words != "":
	case !ok:
		words = "That passkey is removed already."
	case s.needsFactor(who) && len(who.TOTP) == 0 && len(who.Passkeys) == 1:
		words = "Your role needs a second step. Add another passkey or an authenticator app before you remove this one."
	case who.Password == "" && len(who.Passkeys) == 1:
		words = "This passkey is your only way in. Choose a password before you remove it."
	}
	if words != "" {
		return s.refused(t, who, "passkey-remove", words, newSecret())
	}
	c := store.AgentChange{
		DropsPasskey: key.ID, Spends: factor,
		Notice: s.notice(x, who, t.now, "Passkey removed from your account",
			fmt.Sprintf("The passkey %q no longer signs in to your account.", key.Name)),
	}
	return s.change(t, who, "passkey-remove", c, 0, func() error { return x.Redirect("/account?done=passkey-removed") })
}

func readPasskeyID(text string) (id store.PasskeyID) {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == len(id) {
		copy(id[:], raw)
	}
	return id
}
