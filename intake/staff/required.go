package staff

import (
	"errors"
	"net/http"
	"slices"

	"signpost/intake/web"
	"signpost/store"
)

// needsFactor tells an agent of a role for which the password alone is not enough.
func (s *Staff) needsFactor(who store.Agent) bool {
	return slices.ContainsFunc(s.cfg.RequireFactor, who.Has)
}

// unfinished tells an agent who has to set up a second factor before anything else.
func (s *Staff) unfinished(who store.Agent) bool {
	return s.needsFactor(who) && len(who.TOTP) == 0 && len(who.Passkeys) == 0
}

// asksCode tells whether the password of an account needs a code beside it. Where a
// passkey is the only second factor that a role needs, that code is a recovery code.
func (s *Staff) asksCode(who store.Agent) bool {
	return len(who.TOTP) > 0 || s.needsFactor(who) && len(who.Passkeys) > 0
}

func errFactorFirst() error {
	err := errors.New("two-step sign-in has to be set up first")
	return &web.Fault{Status: http.StatusForbidden, Key: "web.factor", Err: err}
}

// sendToFactor leads who lacks a second factor to where it is set up.
func (s *Staff) sendToFactor(x *web.Exchange) error {
	if x.WantsJSON() || x.Request.Header.Get(LiveHeader) != "" {
		return errFactorFirst()
	}
	return x.Redirect("/account")
}
