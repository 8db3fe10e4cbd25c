package staff

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// account is the agent's row now.
func (h *house) account(id store.AgentID) store.Agent {
	h.Helper()
	who, err := h.db.Agent(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	return who
}

// told are the mails about the account, newest first.
func (h *house) told(email string) (subjects []string) {
	h.Helper()
	mails, err := store.Items(h.db.OutboundsTo(h.Context(), email, store.Page{Limit: 100}))
	if err != nil {
		h.Fatal(err)
	}
	for _, m := range mails {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

func TestAPasskeySignsInAloneAndIsLost(t *testing.T) {
	bubble(t, func(h *house) {
		here, elsewhere, laptop := h.browser(), h.browser(), newAuthenticator()
		here.signIn(ana, password, "")
		w := here.enrols(laptop, "Laptop")
		if codes := shownCodes(w); w.Code != http.StatusOK || len(codes) != recoveryCodes {
			h.Fatalf("enrolling: %d %s", w.Code, w.Body)
		}
		here.isIn()
		if w := elsewhere.signsInBy(laptop); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/room" {
			h.Fatalf("signing in: %d %s", w.Code, w.Body)
		}
		elsewhere.isIn()
		page := here.get("/account").Body.String()
		for _, want := range []string{"<bdi>Laptop</bdi>", "added just now, last used just now", "10 recovery codes left"} {
			if !strings.Contains(page, want) {
				h.Errorf("the account page lacks %q", want)
			}
		}
		// The laptop is lost: the password still opens the account, and the passkey goes.
		finder, id := h.browser(), h.account(h.agent.ID).Passkeys[0].ID
		time.Sleep(ProofLasts)
		remove := func(form url.Values) int {
			form.Set("id", hex.EncodeToString(id[:]))
			return here.post("/account/passkeys/remove", form).Code
		}
		for _, unproven := range []url.Values{{}, {"password": {"wrong"}}} {
			if code := remove(unproven); code != http.StatusUnprocessableEntity {
				h.Errorf("removing with %v: %d", unproven, code)
			}
		}
		if code := remove(url.Values{"password": {password}}); code != http.StatusSeeOther {
			h.Fatalf("removing: %d", code)
		}
		here.isIn()
		elsewhere.isOut()
		if w := finder.signsInBy(laptop); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("the lost laptop: %d", w.Code)
		}
		finder.isOut()
		want := "Passkey removed from your account, New sign-in to your account, Passkey added to your account, " +
			"New sign-in to your account"
		if got := strings.Join(h.told(ana), ", "); got != want {
			h.Errorf("told of %s", got)
		}
	})
}

// TestAnAnswerCountsOnceAndSoon: what a browser answered is worth nothing again, late, at
// another site, without its owner, or for another challenge.
func TestAnAnswerCountsOnceAndSoon(t *testing.T) {
	bubble(t, func(h *house) {
		here, laptop := h.browser(), newAuthenticator()
		here.signIn(ana, password, "")
		here.enrols(laptop, "Laptop")
		try := func(what string, o options, answer string, want int) {
			h.Helper()
			b := h.browser()
			w := b.post("/sign-in/passkey", url.Values{"ceremony": {o.Ceremony}, "assertion": {answer}})
			if w.Code != want || (want == http.StatusSeeOther) != (b.cookies["session"] != "") {
				h.Errorf("%s: %d, want %d", what, w.Code, want)
			}
		}
		const in, refused = http.StatusSeeOther, http.StatusUnprocessableEntity
		o := here.asks("/sign-in/passkey")
		if o.PublicKey.Verification != "required" || o.PublicKey.RPID != "help.example" {
			h.Errorf("it asks for %+v", o.PublicKey)
		}
		answer := laptop.signs(o)
		try("the first time", o, answer, in)
		try("the second time", o, answer, refused)
		try("for another challenge", here.asks("/sign-in/passkey"), answer, refused)
		forged := here.asks("/sign-in/passkey")
		answer = laptop.signs(forged)
		forged.Ceremony += "x"
		try("with a note that is not ours", forged, answer, refused)
		try("with a note of another purpose", here.asks("/account/passkeys/options"), answer, refused)
		late := here.asks("/sign-in/passkey")
		answer = laptop.signs(late)
		time.Sleep(challengeLasts + time.Second)
		try("late", late, answer, refused)
		try("no answer at all", here.asks("/sign-in/passkey"), "{}", refused)

		o = here.asks("/sign-in/passkey")
		phished := *laptop
		phished.origin = "https://help.example.evil.example"
		try("signed at another site", o, phished.signs(o), refused)
		unseen := *laptop
		unseen.flags = flagPresent
		try("without the owner", o, unseen.signs(o), refused)
		stranger := newAuthenticator()
		stranger.handle = laptop.handle
		try("by a stranger's key", o, stranger.signs(o), refused)
		stranger.id = laptop.id
		try("by a stranger's key with the id", o, stranger.signs(o), refused)
		synced := *laptop // a provider that begins to back it up
		synced.flags |= flagEligible | flagBackedUp
		try("backed up meanwhile", o, synced.signs(o), in)
	})
}

func TestACopiedPasskeySignsNobodyIn(t *testing.T) {
	bubble(t, func(h *house) {
		here, stick := h.browser(), newAuthenticator()
		stick.count = 1
		here.signIn(ana, password, "")
		here.enrols(stick, "Stick")
		twin := *stick
		for range 2 {
			if w := h.browser().signsInBy(stick); w.Code != http.StatusSeeOther {
				h.Errorf("the stick: %d", w.Code)
			}
		}
		if w := h.browser().signsInBy(&twin); w.Code != http.StatusUnprocessableEntity {
			h.Errorf("its copy: %d", w.Code)
		}
	})
}

func TestPasskeysAreBoundedAndNotMadeTwice(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, password, "")
	for i := range store.MaxPasskeys {
		if w := b.enrols(newAuthenticator(), fmt.Sprint("Key ", i)); w.Code >= http.StatusBadRequest {
			t.Fatalf("key %d: %d %s", i, w.Code, w.Body)
		}
	}
	if n := len(b.asks("/account/passkeys/options").PublicKey.Exclude); n != store.MaxPasskeys {
		t.Errorf("%d passkeys are excluded from being made again", n)
	}
	if w := b.enrols(newAuthenticator(), "One more"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("one more: %d", w.Code)
	}
	if page := b.get("/account").Body.String(); strings.Contains(page, `action="/account/passkeys"`) {
		t.Error("the page offers one more")
	}
}

func TestADisabledAgentsPasskeyOpensNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	b, laptop, off := h.browser(), newAuthenticator(), true
	b.signIn(ana, password, "")
	b.enrols(laptop, "Laptop")
	if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), h.agent.ID,
		store.AgentChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if w := h.browser().signsInBy(laptop); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("signing in: %d", w.Code)
	}
}

// TestPasskeysAreNotTriedWithoutEnd: answers that are wrong spend the same tries as
// passwords.
func TestPasskeysAreNotTriedWithoutEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	here, laptop := h.browser(), newAuthenticator()
	here.signIn(ana, password, "")
	here.enrols(laptop, "Laptop")
	stranger := newAuthenticator()
	stranger.handle = laptop.handle
	guesser := h.browser()
	guesser.from = elsewhere
	for i := range h.door.cfg.PerAccount {
		if w := guesser.signsInBy(stranger); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("try %d: %d", i, w.Code)
		}
	}
	if w := guesser.signsInBy(stranger); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d", w.Code)
	}
	if w := guesser.signIn(ana, password, ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("by the other door: %d", w.Code)
	}
	if w := here.signsInBy(laptop); w.Code != http.StatusSeeOther {
		t.Errorf("the owner: %d", w.Code)
	}
}

func TestWhereTheSiteHasNoNameThereAreNoPasskeys(t *testing.T) {
	t.Parallel()
	for base, want := range map[string][2]string{
		"https://help.example":    {"help.example", "https://help.example"},
		"http://127.0.0.1:8080":   {"localhost", "http://localhost:8080"},
		"http://[::1]:8080":       {"localhost", "http://localhost:8080"},
		"http://127.0.0.1":        {"localhost", "http://localhost"},
		"https://192.0.2.7":       {"", ""},
		"":                        {"", ""},
		"https://help.example:81": {"help.example", "https://help.example:81"},
	} {
		if host, origin := partyOf(base); host != want[0] || origin != want[1] {
			t.Errorf("%s: %q at %q, want %v", base, host, origin, want)
		}
	}
	h := open(t, func(c *Config, _ *web.Config) { c.BaseURL = "https://192.0.2.7" })
	b := h.browser()
	if page := b.get("/sign-in").Body.String(); strings.Contains(page, "passkey\"") {
		t.Error("the sign-in page offers a passkey")
	}
	if w := b.get("/sign-in/passkey"); w.Code != http.StatusNotFound {
		t.Errorf("asking for a challenge: %d", w.Code)
	}
}
