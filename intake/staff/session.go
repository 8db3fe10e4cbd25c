package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// LiveHeader marks what a page fetches by itself to stay fresh: it does not
// keep a session from idling away.
const LiveHeader = "Signpost-Live"

// touchAfter is how much of a session's idle time must have passed before using
// it writes to the store.
const touchAfter = 5 * time.Minute

const tokenBytes = 32

// cookieName has the prefix that lets no other host or path set it (RFC 6265bis
// section 4.1.3.2), which browsers accept over https alone.
func cookieName(x *web.Exchange) string {
	if x.Secure() {
		return "__Host-session"
	}
	return "session"
}

func newToken() string {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// sessionID is what the store knows of a token.
func sessionID(token string) store.SessionID {
	sum := sha256.Sum256([]byte("session " + token))
	return store.SessionID(sum[:16])
}

// presented is the session the browser names; false without one.
func presented(x *web.Exchange) (store.SessionID, bool) {
	c, err := x.Request.Cookie(cookieName(x))
	if err != nil || len(c.Value) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return store.SessionID{}, false
	}
	return sessionID(c.Value), true
}

// open gives the browser a session of its own in place of the one it had, and
// knows it as a device of the agent's from now on. who is the agent as the store
// has it now; n says what is spent, and whether it is a sign-in.
func (s *Staff) open(x *web.Exchange, now time.Time, who store.Agent, n store.NewSession) error {
	token := newToken()
	n.ID, n.Agent, n.Idle, n.Ends = sessionID(token), who.ID, s.cfg.Idle, now.Add(s.cfg.Lasts)
	n.Replaces, _ = presented(x)
	n.Network, n.Browser = networkOf(x), browserWords(x.Request.UserAgent())
	if _, err := s.deps.Agents.OpenSession(x.Request.Context(), now, n); err != nil {
		return err
	}
	s.kick(n.Notice)
	setCookie(x, cookieName(x), token, s.cfg.Lasts) // it ends with the session
	s.remember(x, who, now)
	return nil
}

// forget takes the session from the browser; it stays a known device.
func forget(x *web.Exchange) { setCookie(x, cookieName(x), "", -time.Second) }

// setCookie keeps a value in this browser, for this site alone.
func setCookie(x *web.Exchange, name, value string, lasts time.Duration) {
	http.SetCookie(x.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: x.Secure(), SameSite: http.SameSiteLaxMode,
	})
}

// SignedIn returns who asks; store.ErrNotFound for nobody.
func (s *Staff) SignedIn(x *web.Exchange) (store.Agent, error) {
	if who, ok, err := s.vouchedFor(x); ok {
		return who, err
	}
	return s.signedIn(x, x.Request.Header.Get(LiveHeader) == "")
}

// signedIn is SignedIn; used tells whether that counts as a use of the session.
func (s *Staff) signedIn(x *web.Exchange, used bool) (store.Agent, error) {
	id, ok := presented(x)
	if !ok {
		return store.Agent{}, store.ErrNotFound
	}
	ctx, now := x.Request.Context(), time.Now()
	session, agent, err := s.deps.Agents.Session(ctx, now, id)
	if err != nil {
		return store.Agent{}, err
	}
	idle := now.Add(s.cfg.Idle).Sub(session.Until)
	if used && idle > touchAfter && session.Until.Before(session.Ends) {
		// It may have ended a moment ago; then the next request learns of it.
		if _, err := s.deps.Agents.TouchSession(ctx, now, id, s.cfg.Idle); err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Agent{}, err
		}
	}
	return agent, nil
}

// ActorOf is who signed in, as the verbs ask for: one for each act of the request.
func ActorOf(x *web.Exchange, who store.Agent) store.Actor {
	by := who.Actor()
	by.Network = networkOf(x)
	return by
}

// networkOf is where a request came from: what one party is taken to own at the most.
func networkOf(x *web.Exchange) string {
	if v, ok := x.Request.Context().Value(vouchedKey{}).(vouched); ok {
		return v.place
	}
	return origin.Widest(x.Remote()).String()
}

// Handler answers somebody who signed in.
type Handler func(x *web.Exchange, who store.Agent) error

// Require lets those with the role in, and "" everybody who signed in. Others
// are sent to sign in, or told what they lack.
func (s *Staff) Require(role store.Role, h Handler) web.Handler {
	return s.admit(gate{}, h, func(who store.Agent) *lackingData {
		switch {
		case role != "" && !who.Has(role):
			return &lackingData{Roles: []store.Role{role}}
		case concernsAll(role) && !who.Actor().Sees(""):
			return &lackingData{Regions: who.Regions}
		}
		return nil
	})
}

// Permit lets in those whose roles allow an act; which regions they see, the verbs ask.
func (s *Staff) Permit(act store.Act, h Handler) web.Handler {
	return s.admit(gate{act: act}, h, func(who store.Agent) *lackingData {
		if who.Actor().May(act) {
			return nil
		}
		var lacks lackingData
		for _, r := range store.Roles() {
			if slices.Contains(r.Rights(), act) {
				lacks.Roles = append(lacks.Roles, r)
			}
		}
		return &lacks
	})
}

// unfinishedToo lets everybody in who signed in, also who has to set up a second factor
// before anything else.
func (s *Staff) unfinishedToo(h Handler) web.Handler {
	return s.admit(gate{unfinished: true}, h, func(store.Agent) *lackingData { return nil })
}

// gate is what a page asks for besides what is told to who lacks it.
type gate struct {
	act        store.Act // "" where the page is a role's
	unfinished bool      // open to who has to set up a second factor first
}

// admit lets in those who signed in and lack nothing.
func (s *Staff) admit(g gate, h Handler, lacks func(who store.Agent) *lackingData) web.Handler {
	return func(x *web.Exchange) error {
		x.Private()
		x.ReferrerSameOrigin()
		who, err := s.SignedIn(x)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return s.turnAway(x)
		case err != nil:
			return err
		}
		shown := who
		if _, vouched, _ := s.vouchedFor(x); !vouched && s.unfinished(who) {
			if !g.unfinished {
				return s.sendToFactor(x)
			}
			shown.Roles = nil // the navigation leads nowhere yet
		}
		x.Staff(shown, "")
		if d := lacks(who); d != nil {
			s.refusedPage(x, who, g.act)
			if x.WantsJSON() {
				return &web.Fault{Status: http.StatusForbidden, Err: errors.New("the account lacks the role, or some regions")}
			}
			d.Name = who.Email
			return s.lacking.Show(x, http.StatusForbidden, *d)
		}
		return h(x, who)
	}
}

// events is the stream of live events for who signed in. It is no use of the session,
// and ends with it.
func (s *Staff) events(x *web.Exchange) error {
	x.Private()
	return x.Follow(func() (store.Agent, error) {
		who, err := s.signedIn(x, false)
		if errors.Is(err, store.ErrNotFound) {
			err = &web.Fault{Status: http.StatusUnauthorized, Err: errors.New("not signed in")}
		}
		if err == nil && s.unfinished(who) {
			err = errFactorFirst()
		}
		return who, err
	})
}

// concernsAll tells a role whose pages show all regions at once.
func concernsAll(role store.Role) bool { return role == store.RoleOps || role == store.RoleAdmin }

// turnAway sends a browser to sign in; what is no page fetched by a person is
// refused instead, so that no script takes the sign-in page for its answer.
func (s *Staff) turnAway(x *web.Exchange) error {
	s.refusedStranger(x)
	if x.WantsJSON() || x.Request.Header.Get(LiveHeader) != "" {
		return &web.Fault{Status: http.StatusUnauthorized, Err: errors.New("not signed in")}
	}
	to := "/sign-in"
	if x.Request.Method == http.MethodGet {
		to += "?next=" + url.QueryEscape(x.Request.URL.RequestURI())
	}
	return x.Redirect(to)
}
