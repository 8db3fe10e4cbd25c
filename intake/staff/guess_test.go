package staff

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// TestGuessingLocksNobodyElseOut: who guesses slows down where they are, and the
// account's owner comes in from elsewhere at the same time.
func TestGuessingLocksNobodyElseOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	guesser, owner := h.browser(), h.browser()
	owner.from = elsewhere
	slowed := 0
	for i := range 20 {
		if w := guesser.signIn(ana, "guess", ""); w.Code == http.StatusTooManyRequests {
			slowed++
			if w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Nothing is locked") {
				t.Errorf("the refusal says %s", w.Body)
			}
		} else if w.Code != http.StatusUnprocessableEntity || i >= Defaults().PerAccount {
			t.Errorf("guess %d: %d", i, w.Code)
		}
	}
	if slowed != 10 {
		t.Errorf("%d of 20 guesses were slowed", slowed)
	}
	if w := guesser.signIn(ana, password, ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("the guesser comes in: %d", w.Code)
	}
	owner.signIn(ana, password, "")
	owner.isIn()
	h.hire("bob@desk.example", store.RoleOps)
	guesser.signIn("bob@desk.example", password, "")
	guesser.isIn()
}

func TestSlowingDownEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		b := h.browser()
		for range 20 {
			b.signIn(ana, "guess", "")
		}
		time.Sleep(2 * time.Minute)
		b.signIn(ana, password, "")
		b.isIn()
	})
}

// TestRightPasswordsAreNotCounted: who signs in all day long is never slowed.
func TestRightPasswordsAreNotCounted(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config, _ *web.Config) { c.PerAccount, c.PerNetwork = 3, 3 })
	for i := range 8 {
		b := h.browser()
		if w := b.signIn(ana, password, ""); w.Code != http.StatusSeeOther {
			t.Fatalf("sign-in %d: %d", i, w.Code)
		}
	}
}

func TestOneNetworkHasOneBudgetForAllAccounts(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config, _ *web.Config) { c.PerNetwork = 3 })
	b := h.browser()
	var codes []int
	for _, email := range []string{"a@x", "b@x", "c@x", "d@x"} {
		codes = append(codes, b.signIn(email, "guess", "").Code)
	}
	if codes[2] != http.StatusUnprocessableEntity || codes[3] != http.StatusTooManyRequests {
		t.Errorf("got %v", codes)
	}
}

// guesses tries to sign in from each address and counts the answers by status.
func (h *house) guesses(n int, from func(i int) string, email, password, code string) map[int]int {
	h.Helper()
	codes := map[int]int{}
	b := h.browser()
	for i := range n {
		b.from = from(i)
		w := b.signIn(email, password, code)
		codes[w.Code]++
		if w.Code == http.StatusTooManyRequests &&
			(w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Nothing is locked")) {
			h.Errorf("a refusal says %s %s", w.Header(), w.Body)
		}
	}
	return codes
}

// in48 is an address in another /64 of one /48.
func in48(i int) string { return fmt.Sprintf("[2001:db8:7:%x::1]:1", i) }

// farApart is an address in another /48.
func farApart(i int) string { return fmt.Sprintf("[2001:db8:%x::1]:1", 0x100+i) }

// twoStep gives the agent an authenticator and tells its secret.
func (h *house) twoStep(a store.Agent) (secret []byte) {
	h.Helper()
	secret = newSecret()
	sealed := h.door.seal(a.ID, secret)
	if _, err := h.db.ChangeAgent(h.Context(), time.Now(), store.ByService(), a.ID,
		store.AgentChange{TOTP: &sealed}); err != nil {
		h.Fatal(err)
	}
	return secret
}

// TestPasswordsAndCodesAreNotGuessedFromOneNetwork: whoever has a /48 has 65,536
// networks to guess from, and four times what one of them has. An account that is
// not there is slowed as one that is.
func TestPasswordsAndCodesAreNotGuessedFromOneNetwork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ email, password string }{
		"passwords": {ana, "guess"}, "codes": {ana, password}, "of nobody": {"nobody@desk.example", "guess"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.twoStep(h.agent)
			got := h.guesses(300, in48, c.email, c.password, "000000")
			if got[422] != 4*Defaults().PerAccount || got[429] != 300-got[422] {
				t.Errorf("300 guesses from 300 networks of one /48: %v", got)
			}
		})
	}
}

// TestAPatientGuesserIsSlowedByTheDay: who keeps to the pace of the short window.
func TestAPatientGuesserIsSlowedByTheDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		looked := 0
		for range 24 * 4 {
			looked += h.guesses(10, func(int) string { return elsewhere }, ana, "guess", "")[422]
			time.Sleep(15 * time.Minute)
		}
		if most := 2 * Defaults().PerAccountDay; looked > most {
			t.Errorf("%d guesses a day from one address", looked)
		}
	})
}

// TestManyNetworksSlowNewDevicesAlone: an attack from everywhere, on the password
// or on the code, slows the account for those it does not know. Its owner comes
// in on a device they used before, from a network of the attackers' too, and tells
// them apart from nobody else.
func TestManyNetworksSlowNewDevicesAlone(t *testing.T) {
	t.Parallel()
	for name, guess := range map[string]string{"passwords": "guess", "codes": password} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := open(t)
				defer h.db.Close()
				secret := h.twoStep(h.agent)
				code := func() string { return codeOf(secret, stepAt(time.Now()), codeDigits) }
				owner := h.browser()
				if w := owner.signIn(ana, password, code()); w.Code != http.StatusSeeOther {
					t.Fatalf("the owner signs in: %d", w.Code)
				}
				owner.do("POST", "/sign-out", url.Values{})
				time.Sleep(codeStep)

				got := h.guesses(300, farApart, ana, guess, "000000")
				if got[422] != accountShare*Defaults().PerAccount || got[429] != 300-got[422] {
					t.Errorf("300 guesses from 300 networks: %v", got)
				}
				h.guesses(50, func(int) string { return owner.from }, ana, guess, "000000")
				if w := h.browser().signIn(ana, password, code()); w.Code != http.StatusTooManyRequests {
					t.Errorf("a device that nobody knows: %d", w.Code)
				}
				if w := owner.signIn(ana, password, code()); w.Code != http.StatusSeeOther {
					t.Errorf("the owner on their own device: %d %s", w.Code, w.Body)
				}
				bob := h.hire("bob@desk.example", store.RoleOps)
				if w := h.browser().signIn(bob.Email, password, ""); w.Code != http.StatusSeeOther {
					t.Errorf("another account: %d", w.Code)
				}
			})
		})
	}
}

// TestAKnownDeviceHasItsOwnFewTries: a stolen one is no way to guess.
func TestAKnownDeviceHasItsOwnFewTries(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, password, "")
	b.do("POST", "/sign-out", url.Values{})
	codes := map[int]int{}
	for i := range 100 {
		b.from = farApart(i)
		codes[b.signIn(ana, "guess", "").Code]++
	}
	if codes[422] != Defaults().PerAccount || codes[429] != 100-codes[422] {
		t.Errorf("100 guesses on one device: %v", codes)
	}
	if w := h.browser().signIn(ana, password, ""); w.Code != http.StatusSeeOther {
		t.Errorf("the owner elsewhere: %d", w.Code)
	}
}

// TestADeviceIsKnownForItsAccountAndGeneration: until what ends all sessions, or
// for half a year.
func TestADeviceIsKnownForItsAccountAndGeneration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		bob := h.hire("bob@desk.example")
		b := h.browser()
		b.signIn(ana, password, "")
		name := deviceNameOf(h.agent)
		cookie := b.cookies[name]
		knows := func(value string, who store.Agent) bool {
			_, known := h.door.deviceOf(value, who, time.Now())
			return known
		}
		if cookie == "" || !knows(cookie, h.agent) {
			t.Fatalf("the device is not known by %q", cookie)
		}
		for what, value := range map[string]string{"none": "", "forged": strings.Repeat("A", len(cookie)),
			"changed": cookie[:len(cookie)-1] + "_"} {
			if knows(value, h.agent) {
				t.Errorf("a cookie that is %s is taken", what)
			}
		}
		if knows(cookie, bob) {
			t.Error("the device is known for another account")
		}
		time.Sleep(deviceKept - time.Minute)
		if !knows(cookie, h.agent) {
			t.Error("the device is forgotten early")
		}
		time.Sleep(2 * time.Minute)
		if knows(cookie, h.agent) {
			t.Error("the device is known for ever")
		}
		b.signIn(ana, password, "")
		cookie = b.cookies[name]
		changed, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), h.agent.ID,
			store.AgentChange{SignOut: true})
		if err != nil || knows(cookie, changed) || !knows(cookie, h.agent) {
			t.Errorf("signed out everywhere, the device is still known (%v)", err)
		}
	})
}

func deviceNameOf(a store.Agent) string { return fmt.Sprint("device-", a.ID) }

// TestGuessingIsCountedByAccount for the alarm, and the log names the account by
// id and by no address.
func TestGuessingIsCountedByAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		h.twoStep(h.agent)
		if list := h.door.Guessed(time.Now()); list != nil {
			t.Errorf("before anything: %+v", list)
		}
		h.guesses(30, farApart, ana, "guess", "")
		h.guesses(40, in48, ana, password, "000000")
		h.guesses(5, in48, "nobody@desk.example", "guess", "")
		want := []Guessed{{0, 5, 0, 1}, {h.agent.ID, 70, 20, 31}}
		if got := h.door.Guessed(time.Now()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		time.Sleep(guessedWithin + time.Minute)
		if list := h.door.Guessed(time.Now()); list != nil {
			t.Errorf("an hour later: %+v", list)
		}
		if log := h.log.String(); strings.Contains(log, "desk.example") || !strings.Contains(log, `msg="sign-in refused"`) ||
			!strings.Contains(log, fmt.Sprintf("agent=%d network=2001:db8:7::/48 password_right=true", h.agent.ID)) {
			t.Errorf("the log says:\n%s", log)
		}
	})
}
