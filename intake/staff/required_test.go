package staff

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// strict is a house whose ops need a second factor.
func strict(t *testing.T, story func(h *house)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *Config, _ *web.Config) { c.RequireFactor = []store.Role{store.RoleOps, store.RoleAdmin} })
		defer h.db.Close()
		story(h)
	})
}

func TestWhoNeedsASecondFactorSetsItUpFirst(t *testing.T) {
	strict(t, func(h *house) {
		h.server.Navigation(web.Section{
			ID: "rooms", Name: "Rooms", Items: []web.Item{{ID: "room", Name: "Room", Path: "/room", Icon: "list"}},
			Sees: func(who store.Agent) bool { return who.Has(store.RoleOps) },
		})
		bob := h.hire("bob@desk.example", store.RoleAgent)
		b := h.browser()
		b.signIn(bob.Email, password, "")
		if page := b.get("/account").Body.String(); strings.Contains(page, "Set up a second step first") {
			h.Error("an agent is led to set one up")
		}
		b = h.browser()
		b.signIn(ana, password, "")
		for path, method := range map[string]string{
			"/room": "GET", "/log": "GET", "/account/profile": "POST", "/account/password": "POST",
			"/account/sessions/end-others": "POST", "/account/recovery-codes": "POST",
		} {
			if w := b.do(method, path, url.Values{}); w.Header().Get("Location") != "/account" {
				h.Errorf("%s: %d to %q", path, w.Code, w.Header().Get("Location"))
			}
		}
		w := b.get("/room", "Accept", "application/json")
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Set it up at /account") {
			h.Errorf("a program: %d %s", w.Code, w.Body)
		}
		if w := b.get("/events?topics=room"); w.Code != http.StatusForbidden {
			h.Errorf("the live events: %d", w.Code)
		}
		page := b.get("/account").Body.String()
		if !strings.Contains(page, "Set up a second step first") || strings.Contains(page, "/account/password") ||
			strings.Contains(page, `href="/room"`) {
			h.Error("the account page is not the one to set it up")
		}
		p, secret := b.shownPhone()
		w = b.post("/account/authenticator", url.Values{"code": {p.code(0)}, "secret": {secret}}) // proved a moment ago
		if w.Code != http.StatusOK || len(shownCodes(w)) != recoveryCodes {
			h.Fatalf("setting it up: %d %s", w.Code, w.Body)
		}
		b.isIn()
		if page := b.get("/account").Body.String(); !strings.Contains(page, `href="/room"`) {
			h.Error("the navigation does not lead to the room now")
		}
		time.Sleep(codeStep)
		w = b.post("/account/authenticator", url.Values{"password": {password}, "code": {p.code(0)}})
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Your role needs a second step") {
			h.Errorf("turning it off: %d", w.Code)
		}
	})
}

// TestAPasskeyIsASecondFactorToo: with it alone, the password needs a recovery code.
func TestAPasskeyIsASecondFactorToo(t *testing.T) {
	strict(t, func(h *house) {
		b, laptop := h.browser(), newAuthenticator()
		b.signIn(ana, password, "")
		codes := shownCodes(b.enrols(laptop, "Laptop"))
		if len(codes) != recoveryCodes {
			h.Fatalf("%d recovery codes", len(codes))
		}
		b.isIn()
		other := h.browser()
		if w := other.signIn(ana, password, ""); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("the password alone: %d", w.Code)
		}
		if w := other.signIn(ana, password, codes[0]); w.Code != http.StatusSeeOther {
			h.Errorf("with a recovery code: %d", w.Code)
		}
		if told := h.told(ana); told[0] != "Recovery code used" {
			h.Errorf("told of %q", told)
		}
		key := h.account(h.agent.ID).Passkeys[0]
		w := other.post("/account/passkeys/remove", url.Values{"id": {shownID(key)}})
		if w.Code != http.StatusUnprocessableEntity {
			h.Errorf("removing the only factor: %d", w.Code)
		}
		h.browser().signsInBy(laptop)
	})
}

// TestTheProofOfASessionGoesStale: what changes how an agent signs in asks again after a
// while, and takes a passkey for an answer.
func TestTheProofOfASessionGoesStale(t *testing.T) {
	bubble(t, func(h *house) {
		h.server.Handle(web.Route{Method: "GET", Path: "/secret", Handler: h.door.Require("",
			h.door.Proven(func(x *web.Exchange, _ store.Agent) error { return x.Bytes(http.StatusOK, "text/plain", nil) }))})
		b, laptop := h.browser(), newAuthenticator()
		b.signIn(ana, password, "")
		b.enrols(laptop, "Laptop")
		opens := func(want int) {
			h.Helper()
			if w := b.get("/secret"); w.Code != want {
				h.Errorf("%d, want %d", w.Code, want)
			}
		}
		opens(http.StatusOK)
		time.Sleep(ProofLasts)
		opens(http.StatusForbidden)
		if w := b.get("/secret"); !strings.Contains(w.Body.String(), `name="next" value="/secret"`) {
			h.Errorf("the way back is lost: %s", w.Body)
		}
		o := b.asks("/sign-in/passkey")
		w := b.post("/account/prove", url.Values{
			"next": {"/secret"}, "ceremony": {o.Ceremony}, "assertion": {laptop.signs(o)},
		})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/secret" {
			h.Errorf("by the passkey: %d %s", w.Code, w.Body)
		}
		opens(http.StatusOK)
		time.Sleep(ProofLasts)
		if w := b.post("/account/prove", url.Values{"password": {"wrong"}}); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("by a wrong password: %d", w.Code)
		}
		opens(http.StatusForbidden)
		b.post("/account/prove", url.Values{"password": {password}})
		opens(http.StatusOK)

		bob := h.hire("bob@desk.example")
		other := h.browser()
		other.signIn(bob.Email, password, "")
		time.Sleep(ProofLasts)
		o = other.asks("/sign-in/passkey")
		w = other.post("/account/prove", url.Values{"ceremony": {o.Ceremony}, "assertion": {laptop.signs(o)}})
		if w.Code != http.StatusUnprocessableEntity {
			h.Errorf("by another's passkey: %d", w.Code)
		}
	})
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	bubble(t, func(h *house) {
		here, there, third := h.browser(), h.browser(), h.browser()
		there.from = "203.0.113.9:1"
		const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
		here.signIn(ana, password, "")
		there.do("POST", "/sign-in", url.Values{"email": {ana}, "password": {password}}, "User-Agent", firefox)
		third.signIn(ana, password, "")
		page := here.get("/account").Body.String()
		for _, want := range []string{"Firefox on Linux", "<code>203.0.113.0/24</code>", "this one"} {
			if !strings.Contains(page, want) {
				h.Errorf("the page lacks %q", want)
			}
		}
		id := sessionHex(there)
		stranger := h.browser()
		h.hire("bob@desk.example")
		stranger.signIn("bob@desk.example", password, "")
		if w := stranger.post("/account/sessions/end", url.Values{"id": {id}}); w.Code != http.StatusForbidden {
			h.Errorf("another agent ends it: %d", w.Code)
		}
		there.isIn()
		here.post("/account/sessions/end", url.Values{"id": {id}})
		there.isOut()
		third.isIn()
		here.post("/account/sessions/end-others", url.Values{})
		third.isOut()
		here.isIn()
		w := here.post("/account/sessions/end", url.Values{"id": {sessionHex(here)}})
		if w.Header().Get("Location") != "/sign-in" {
			h.Errorf("ending one's own: %d", w.Code)
		}
		here.isOut()
	})
}
