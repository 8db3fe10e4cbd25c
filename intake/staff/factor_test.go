package staff

import (
	"bytes"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

// phone shows the codes of a secret.
type phone []byte

func (p phone) code(off int) string {
	return codeOf(p, uint64(int(stepAt(time.Now()))+off), codeDigits)
}

// shownPhone adds the secret that a page shows to a phone.
func (b *browser) shownPhone() (p phone, secret string) {
	b.Helper()
	shown := regexp.MustCompile(`name="secret" value="([^"]+)"`).FindStringSubmatch(b.get("/account").Body.String())
	if shown == nil {
		b.Fatal("the page shows no secret")
	}
	raw, _ := readSecret(shown[1])
	return raw, shown[1]
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	b.Helper()
	return b.do("POST", path, form)
}

// shownCodes are the recovery codes on a page.
func shownCodes(w *httptest.ResponseRecorder) (codes []string) {
	for _, m := range regexp.MustCompile(`<li><code>([^<]+)</code>`).FindAllStringSubmatch(w.Body.String(), -1) {
		codes = append(codes, html.UnescapeString(m[1]))
	}
	return codes
}

// turnsOn signs in and turns two-step sign-in on.
func (b *browser) turnsOn() (p phone, recovery []string) {
	b.Helper()
	b.signIn(ana, password, "")
	p, secret := b.shownPhone()
	w := b.post("/account/authenticator", url.Values{"password": {password}, "code": {p.code(0)}, "secret": {secret}})
	recovery = shownCodes(w)
	if w.Code != http.StatusOK || len(recovery) != recoveryCodes || w.Header().Get("Cache-Control") != "no-store" {
		b.Fatalf("turning two-step sign-in on: %d, %d recovery codes, %s", w.Code, len(recovery), w.Header())
	}
	time.Sleep(codeStep)
	return p, recovery
}

// bubble runs a story in time of its own.
func bubble(t *testing.T, story func(h *house)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		story(h)
	})
}

func TestACodeIsAskedForOnceItIsSetUp(t *testing.T) {
	bubble(t, func(h *house) {
		b := h.browser()
		b.signIn(ana, password, "")
		p, secret := b.shownPhone()
		set := func(password, code string) *httptest.ResponseRecorder {
			return b.post("/account/authenticator", url.Values{"password": {password}, "code": {code}, "secret": {secret}})
		}
		if w := set(password, "000 00"); w.Code != http.StatusUnprocessableEntity ||
			!strings.Contains(w.Body.String(), secret) {
			h.Errorf("a wrong code: %d", w.Code)
		}
		if w := set("wrong", p.code(0)); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("a wrong password: %d", w.Code)
		}
		if w := set(password, p.code(-1)); w.Code != http.StatusOK {
			h.Fatalf("setting up: %d %s", w.Code, w.Body)
		}
		b.isIn() // with a session of its own once more
		other := h.browser()
		for _, wrong := range []string{"", "000000", p.code(-1), p.code(-2), p.code(2)} { // the third set it up
			if w := other.signIn(ana, password, wrong); w.Code != http.StatusUnprocessableEntity {
				h.Errorf("code %q: %d", wrong, w.Code)
			}
		}
		if w := other.signIn(ana, password, p.code(0)); w.Code != http.StatusSeeOther {
			h.Fatalf("the right code: %d", w.Code)
		}
		if w := h.browser().signIn(ana, password, p.code(0)); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("the same code again: %d", w.Code)
		}
	})
}

// TestNothingOfAnAccountChangesWithoutPasswordAndCode: neither a session that lies
// open nor one that knows the password too takes two-step sign-in off.
func TestNothingOfAnAccountChangesWithoutPasswordAndCode(t *testing.T) {
	bubble(t, func(h *house) {
		b := h.browser()
		p, recovery := b.turnsOn()
		_, secret := b.shownPhone()
		before, _ := h.db.Agent(h.Context(), h.agent.ID)
		time.Sleep(ProofLasts)   // since the session last proved who its agent is
		spent := func() string { // a moment ago
			code := p.code(0)
			if w := h.browser().signIn(ana, password, code); w.Code != http.StatusSeeOther {
				h.Errorf("signing in: %d", w.Code)
			}
			return code
		}
		proofs := map[string]func() url.Values{
			"nothing":          func() url.Values { return url.Values{} },
			"the password":     func() url.Values { return url.Values{"password": {password}} },
			"the code":         func() url.Values { return url.Values{"code": {p.code(0)}} },
			"a wrong code":     func() url.Values { return url.Values{"password": {password}, "code": {"000000"}} },
			"a spent code":     func() url.Values { return url.Values{"password": {password}, "code": {spent()}} },
			"a wrong password": func() url.Values { return url.Values{"password": {"wrong"}, "code": {p.code(0)}} },
		}
		for form, own := range map[string]url.Values{
			"password": {"new": {"a new password"}}, "authenticator": {}, "recovery-codes": {},
			"authenticator?": {"secret": {secret}, "new_code": {"000000"}},
		} {
			for what, proof := range proofs {
				filled := proof()
				maps.Copy(filled, own)
				w := b.post("/account/"+strings.TrimSuffix(form, "?"), filled)
				if w.Code != http.StatusUnprocessableEntity || len(shownCodes(w)) > 0 {
					h.Errorf("%s with %s: %d", form, what, w.Code)
				}
				time.Sleep(30 * time.Minute) // else the tries are slowed
				b.get("/room")
			}
		}
		after, _ := h.db.Agent(h.Context(), h.agent.ID)
		if after.Password != before.Password || !bytes.Equal(after.TOTP, before.TOTP) ||
			len(after.Recovery) != len(recovery) {
			h.Error("the account is another")
		}
	})
}

func TestTwoStepSignInIsTurnedOff(t *testing.T) {
	bubble(t, func(h *house) {
		b := h.browser()
		p, recovery := b.turnsOn()
		w := b.post("/account/authenticator", url.Values{"password": {password}, "code": {p.code(0)}})
		if w.Header().Get("Location") != "/account?done=without" {
			h.Fatalf("turning it off: %d", w.Code)
		}
		b.isIn()
		if w := h.browser().signIn(ana, password, ""); w.Code != http.StatusSeeOther {
			h.Errorf("with the password alone: %d", w.Code)
		}
		b.turnsOn()
		if w := h.browser().signIn(ana, password, recovery[0]); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("a recovery code of before: %d", w.Code)
		}
	})
}

func TestAnotherAuthenticatorTakesTheFirstOnesPlace(t *testing.T) {
	bubble(t, func(h *house) {
		b := h.browser()
		old, recovery := b.turnsOn()
		fresh, secret := b.shownPhone()
		w := b.post("/account/authenticator", url.Values{"password": {password}, "code": {old.code(0)}, "secret": {secret},
			"new_code": {fresh.code(0)}})
		if len(shownCodes(w)) != recoveryCodes {
			h.Fatalf("changing over: %d %s", w.Code, w.Body)
		}
		b.isIn()
		time.Sleep(codeStep)
		for code, want := range map[string]int{old.code(0): 422, recovery[0]: 422, fresh.code(0): 303} {
			if w := h.browser().signIn(ana, password, code); w.Code != want {
				h.Errorf("code %s: %d, want %d", code, w.Code, want)
			}
		}
	})
}

// TestARecoveryCodeStandsForACodeOnce, however it is typed; the store has their
// hashes alone.
func TestARecoveryCodeStandsForACodeOnce(t *testing.T) {
	bubble(t, func(h *house) {
		b := h.browser()
		p, recovery := b.turnsOn()
		for i, typed := range []string{recovery[0], strings.ToUpper(recovery[1]),
			" " + strings.ReplaceAll(recovery[2], "-", " ")} {
			if w := h.browser().signIn(ana, "wrong", typed); w.Code != http.StatusUnprocessableEntity {
				h.Errorf("recovery code %d with a wrong password: %d", i, w.Code)
			}
			if w := h.browser().signIn(ana, password, typed); w.Code != http.StatusSeeOther {
				h.Errorf("recovery code %q: %d", typed, w.Code)
			}
			if w := h.browser().signIn(ana, password, typed); w.Code != http.StatusUnprocessableEntity {
				h.Errorf("recovery code %q again: %d", typed, w.Code)
			}
		}
		// The page has a field for each kind of code, of which one is filled in.
		form := url.Values{"email": {ana}, "password": {password}, "code": {"", recovery[3]}}
		if w := h.browser().post("/sign-in", form); w.Code != http.StatusSeeOther {
			h.Errorf("in the page's second field: %d", w.Code)
		}
		agent, _ := h.db.Agent(h.Context(), h.agent.ID)
		if len(agent.Recovery) != 6 || !strings.Contains(b.get("/sign-in").Header().Get("Location"), "/account") {
			h.Errorf("%d recovery codes are left", len(agent.Recovery))
		}
		if page := b.get("/account").Body.String(); !strings.Contains(page, "You have 6 recovery codes left") ||
			strings.Contains(page, recovery[5]) {
			h.Error("the page does not tell how many are left, or shows them")
		}
		w := b.post("/account/recovery-codes", url.Values{"password": {password}, "code": {p.code(0)}})
		fresh := shownCodes(w)
		if len(fresh) != recoveryCodes {
			h.Fatalf("new recovery codes: %d", w.Code)
		}
		b.isIn()
		bob := h.hire("bob@desk.example")
		h.twoStep(bob)
		for code, want := range map[string]int{recovery[5]: 422, fresh[0]: 303} {
			if w := h.browser().signIn(ana, password, code); w.Code != want {
				h.Errorf("code %s: %d, want %d", code, w.Code, want)
			}
			if w := h.browser().signIn(bob.Email, password, code); w.Code != 422 {
				h.Errorf("another's code %s: %d", code, w.Code)
			}
		}
	})
}

// TestSecretsOfEarlierVersionsAreSealed at the start, and their owners neither
// notice nor are signed out.
func TestSecretsOfEarlierVersionsAreSealed(t *testing.T) {
	bubble(t, func(h *house) {
		plain := newSecret()
		if _, err := h.db.ChangeAgent(h.Context(), time.Now(), store.ByService(), h.agent.ID,
			store.AgentChange{TOTP: &plain}); err != nil {
			h.Fatal(err)
		}
		b, p := h.browser(), phone(plain)
		if w := b.signIn(ana, password, p.code(0)); w.Code != http.StatusSeeOther {
			h.Fatalf("before it is sealed: %d", w.Code)
		}
		bob := h.hire("bob@desk.example")
		foreign := bytes.Repeat([]byte{1}, 49)
		if _, err := h.db.ChangeAgent(h.Context(), time.Now(), store.ByService(), bob.ID,
			store.AgentChange{TOTP: &foreign}); err != nil {
			h.Fatal(err)
		}
		for _, want := range []int{1, 0} {
			sealed, lost, err := SealSecrets(h.Context(), h.db, h.door.deps.Ring)
			if err != nil || sealed != want || len(lost) != 1 || lost[0] != bob.ID {
				h.Errorf("sealed %d, lost %v, %v", sealed, lost, err)
			}
		}
		agent, _ := h.db.Agent(h.Context(), h.agent.ID)
		if bytes.Contains(agent.TOTP, plain) {
			h.Error("the store still tells the secret")
		}
		b.isIn()
		if w := h.browser().signIn(ana, password, p.code(0)); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("a code used before: %d", w.Code)
		}
		time.Sleep(codeStep)
		if w := h.browser().signIn(ana, password, p.code(0)); w.Code != http.StatusSeeOther {
			h.Errorf("after it is sealed: %d", w.Code)
		}
		for _, code := range []string{"", "000000"} {
			if w := h.browser().signIn(bob.Email, password, code); w.Code != http.StatusUnprocessableEntity {
				h.Errorf("a secret that does not open lets in: %d", w.Code)
			}
		}
	})
}
