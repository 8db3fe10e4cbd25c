package staff

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// mailed is the path of the newest link that was mailed to an address, "" for none.
func (h *house) mailed(email string) string {
	h.Helper()
	mails, err := store.Items(h.db.OutboundsTo(h.Context(), email, store.Page{Limit: 100}))
	if err != nil {
		h.Fatal(err)
	}
	for _, m := range mails {
		switch m.Kind {
		case store.MailInvite:
			return "/invite/" + h.ring.AgentLinkToken(m.Agent, m.Link)
		case store.MailReset:
			return "/reset/" + h.ring.AgentLinkToken(m.Agent, m.Link)
		}
	}
	return ""
}

// invited is an agent who was invited, and the way in.
func (h *house) invited(email string, roles ...store.Role) (who store.Agent, path string) {
	h.Helper()
	who, err := h.db.AddAgent(h.Context(), time.Now(), store.ByService(), store.NewAgent{Email: email, Roles: roles})
	if err == nil {
		err = h.door.Invite(h.Context(), time.Now(), store.ByCommandLine("root"), who)
	}
	if err != nil {
		h.Fatal(err)
	}
	return who, h.mailed(email)
}

const fresh = "plums over cold water"

func TestAnInvitationSetsAPasswordOnce(t *testing.T) {
	bubble(t, func(h *house) {
		bob, path := h.invited("bob@desk.example", store.RoleOps)
		b := h.browser()
		b.signIn(bob.Email, "", "")
		b.isOut()     // without a password nobody is let in
		for range 3 { // as programs do that look through mail
			if w := b.get(path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), bob.Email) ||
				w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
				h.Fatalf("the page: %d %s", w.Code, w.Header())
			}
		}
		set := func(password string) *httptest.ResponseRecorder {
			return b.post(path, url.Values{"new": {password}})
		}
		for _, bad := range []string{"", "short", "password2026", bob.Email} {
			if w := set(bad); w.Code != http.StatusUnprocessableEntity {
				h.Errorf("%q: %d", bad, w.Code)
			}
		}
		if w := set(fresh); w.Header().Get("Location") != "/sign-in?done=password" || b.cookies["session"] != "" {
			h.Fatalf("setting the password: %d %s", w.Code, w.Body)
		}
		for _, w := range []*httptest.ResponseRecorder{set("another fresh password"), b.get(path)} {
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "This link doesn&#39;t work") &&
				!strings.Contains(w.Body.String(), "This link doesn't work") {
				h.Errorf("the link again: %d", w.Code)
			}
		}
		b.signIn(bob.Email, fresh, "")
		b.isIn()
	})
}

func TestAnInvitationIsTakenByAPasskey(t *testing.T) {
	bubble(t, func(h *house) {
		bob, path := h.invited("bob@desk.example", store.RoleOps)
		b, laptop := h.browser(), newAuthenticator()
		o := b.asks(path + "/passkey")
		w := b.post(path, url.Values{"ceremony": {o.Ceremony}, "passkey": {laptop.makes(o)}})
		if w.Header().Get("Location") != "/sign-in?done=passkey" {
			h.Fatalf("adding the passkey: %d %s", w.Code, w.Body)
		}
		b.signsInBy(laptop)
		b.isIn()
		if w := b.get(path + "/passkey"); w.Code != http.StatusNotFound {
			h.Errorf("the link again: %d", w.Code)
		}
		if told := h.told(bob.Email); len(told) < 2 || told[1] != "Passkey added to your account" {
			h.Errorf("told of %q", told)
		}
		// A password may come later, once the passkey has proved who asks.
		time.Sleep(ProofLasts)
		set := func() *httptest.ResponseRecorder { return b.post("/account/password", url.Values{"new": {fresh}}) }
		if w := set(); w.Code != http.StatusUnprocessableEntity ||
			!strings.Contains(w.Body.String(), "Confirm with your passkey first") ||
			!strings.Contains(w.Body.String(), `action="/account/prove"`) {
			h.Errorf("a password without a proof: %d", w.Code)
		}
		o = b.asks("/sign-in/passkey")
		b.post("/account/prove", url.Values{"ceremony": {o.Ceremony}, "assertion": {laptop.signs(o)}})
		if w := set(); w.Code != http.StatusSeeOther {
			h.Errorf("a password after the proof: %d", w.Code)
		}
		h.browser().signIn(bob.Email, fresh, "")
	})
}

func TestAnInvitationIsOverInTime(t *testing.T) {
	bubble(t, func(h *house) {
		_, path := h.invited("bob@desk.example")
		time.Sleep(InviteLasts - time.Second)
		b := h.browser()
		if w := b.get(path); w.Code != http.StatusOK {
			h.Errorf("a second before: %d", w.Code)
		}
		time.Sleep(time.Second)
		if w := b.get(path); w.Code != http.StatusNotFound {
			h.Errorf("over: %d", w.Code)
		}
		if w := b.post(path, url.Values{"new": {fresh}}); w.Code != http.StatusNotFound {
			h.Errorf("set when it is over: %d", w.Code)
		}
	})
}

// TestAForgottenPasswordIsChosenAnew: the link sets the password, ends the sessions, and
// does without none of the account's other locks.
func TestAForgottenPasswordIsChosenAnew(t *testing.T) {
	bubble(t, func(h *house) {
		there := h.browser()
		p, _ := there.turnsOn()
		there.isIn()
		b := h.browser()
		if w := b.post("/sign-in/forgot", url.Values{"email": {" ANA@desk.example "}}); w.Code != http.StatusOK {
			h.Fatalf("asking: %d", w.Code)
		}
		path := h.mailed(ana)
		if w := b.get("/invite/" + strings.TrimPrefix(path, "/reset/")); w.Code != http.StatusNotFound {
			h.Errorf("as an invitation: %d", w.Code)
		}
		if w := b.post(path, url.Values{"new": {fresh}}); w.Header().Get("Location") != "/sign-in?done=password" {
			h.Fatalf("choosing: %d %s", w.Code, w.Body)
		}
		there.isOut()
		if w := b.signIn(ana, fresh, ""); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("without the code: %d", w.Code)
		}
		if w := b.signIn(ana, fresh, p.code(0)); w.Code != http.StatusSeeOther {
			h.Errorf("with the code: %d", w.Code)
		}
		if told := strings.Join(h.told(ana), ", "); !strings.Contains(told, "Password of your account changed") {
			h.Errorf("told of %s", told)
		}
		b.post("/sign-in/forgot", url.Values{"email": {ana}})
		path = h.mailed(ana)
		time.Sleep(ResetLasts)
		if w := b.get(path); w.Code != http.StatusNotFound {
			h.Errorf("over: %d", w.Code)
		}
	})
}

// TestAskingForALinkTellsNothingAndBombsNobody: known and unknown addresses are answered
// alike and as fast, and few mails go out whoever asks for them.
func TestAskingForALinkTellsNothingAndBombsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *Config, _ *web.Config) { c.AskedPerNetwork, c.AskedInAll = 20, 12 })
		defer h.db.Close()
		off := true
		gone := h.hire("gone@desk.example")
		if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), gone.ID,
			store.AgentChange{Disabled: &off}); err != nil {
			t.Fatal(err)
		}
		var answers []string
		for _, email := range []string{ana, "nobody@desk.example", gone.Email} {
			began := time.Now()
			w := h.browser().post("/sign-in/forgot", url.Values{"email": {email}})
			if took := time.Since(began); took != askedTakes {
				t.Errorf("%s: answered in %v", email, took)
			}
			answers = append(answers, strings.ReplaceAll(w.Body.String(), email, "ADDRESS"))
		}
		if answers[0] != answers[1] || answers[0] != answers[2] {
			t.Error("the answers tell who has an account")
		}
		for i := range 10 { // from ten networks
			b := h.browser()
			b.from = "198.51.100.1:1"
			if i%2 == 1 {
				b.from = "[2001:db8:" + string(rune('a'+i%6)) + "::1]:1"
			}
			b.post("/sign-in/forgot", url.Values{"email": {ana}})
		}
		if n := len(h.told(ana)); n != h.door.cfg.AskedForAccount {
			t.Errorf("%d mails to one address in a day, want %d", n, h.door.cfg.AskedForAccount)
		}
		for range h.door.cfg.AskedPerNetwork {
			h.browser().post("/sign-in/forgot", url.Values{"email": {"many@desk.example"}})
		}
		if w := h.browser().post("/sign-in/forgot", url.Values{"email": {ana}}); w.Code != http.StatusTooManyRequests {
			t.Errorf("one network asks again: %d", w.Code)
		}
		h.hire("bob@desk.example")
		b := h.browser()
		b.from = "203.0.113.77:1"
		b.post("/sign-in/forgot", url.Values{"email": {"bob@desk.example"}})
		if n := len(h.told("bob@desk.example")); n != 0 {
			t.Errorf("%d mails beyond what goes to all in a day", n)
		}
	})
}

func TestAnAdminsResetIsTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	hash := HashPassword(fresh)
	_, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByCommandLine("root"), h.agent.ID, store.AgentChange{
		Password: &hash, Notice: h.door.ResetNotice(h.agent, time.Now()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if told := h.told(ana); len(told) != 1 || told[0] != "Your account was reset" {
		t.Errorf("told of %q", told)
	}
}

func TestWithoutASenderThereAreNoLinks(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.door.deps.From = ""
	if err := h.door.Invite(t.Context(), time.Now(), store.ByService(), h.agent); err == nil {
		t.Error("an invitation was sent")
	}
	for _, r := range h.door.routes() {
		if strings.Contains(r.Path, "forgot") || strings.Contains(r.Path, ":token") {
			t.Errorf("%s is served", r.Path)
		}
	}
}
