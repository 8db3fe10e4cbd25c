package staff

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

// Signing in, out and failing to are in the audit log, with the network they came from.
func TestSignInsAreAudited(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, "wrong", "")
	b.signIn(ana, "wrong again", "")
	b.signIn("nobody@desk.example", "wrong", "")
	b.signIn(ana, password, "")
	b.do("POST", "/sign-out", url.Values{})
	b.do("POST", "/sign-out", url.Values{}) // out already
	found, err := h.db.ListAudits(t.Context(), store.ByService(), store.AuditQuery{}, store.Page{Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		event   store.AuditEvent
		account string
		of      uint64
		count   uint64
	}
	var got []told
	for _, a := range found.Items {
		if a.Network != "192.0.2.0/24" {
			t.Errorf("%s came from %s", a.Event, a.Network)
		}
		got = append(got, told{a.Event, a.Account, a.Object.ID, a.Count})
	}
	id := uint64(h.agent.ID)
	want := []told{
		{store.AuditSignedOut, ana, id, 0}, {store.AuditSignedIn, ana, id, 0},
		{store.AuditSignInFailed, "", 0, 1}, {store.AuditSignInFailed, "", id, 2},
	}
	if len(got) != len(want) {
		t.Fatalf("the log has %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// The audit log is for those whose roles allow to read it; others are told which do.
func TestARoomOfAnActIsForTheRolesThatAllowIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	for role, in := range map[store.Role]bool{
		store.RoleAgent: false, store.RoleLead: true, store.RoleOps: true, store.RoleAdmin: true,
	} {
		email := string(role) + "@desk.example"
		h.hire(email, role)
		b := h.browser()
		b.signIn(email, password, "")
		w := b.get("/log")
		if (w.Code == 200) != in {
			t.Errorf("%s: %d", role, w.Code)
		}
		const needs = "needs the role <code>lead</code> or <code>ops</code> or <code>admin</code>"
		if !in && !strings.Contains(w.Body.String(), needs) {
			t.Errorf("%s is told %s", role, w.Body)
		}
	}
}

// What a page refuses is in the audit log: each try of who signed in, and of strangers how
// many forms a network sent. A page that asks to sign in first is no refusal.
func TestRefusedPagesAreAudited(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.hire("lee@desk.example", store.RoleAgent)
	b := h.browser()
	b.get("/log")
	for range 3 {
		b.do("POST", "/account/password", url.Values{})
	}
	b.signIn("lee@desk.example", password, "")
	b.get("/log")
	b.get("/log")
	found, err := h.db.ListAudits(t.Context(), store.ByService(), store.AuditQuery{Event: store.AuditRefused},
		store.Page{Limit: 9})
	if err != nil || len(found.Items) != 2 {
		t.Fatalf("%+v, %v", found.Items, err)
	}
	page := store.Object{Kind: store.ObjectPage, Name: "/log"}
	own, stranger := found.Items[0], found.Items[1]
	if own.Account != "lee@desk.example" || own.Act != store.ActReadAudit || own.Object != page || own.Count != 2 {
		t.Errorf("who signed in is refused as %+v", own)
	}
	if stranger.Account != "" || stranger.Network != "192.0.2.0/24" || stranger.Count != 1 {
		t.Errorf("a stranger is refused as %+v", stranger)
	}
}

// The refusals of a network are written once a minute, and none is forgotten.
func TestRefusalsOfStrangersAreWrittenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s strangers
		wrote := map[string][]uint64{}
		var mu sync.Mutex // timers write, each for itself
		write := func(network string, times uint64) {
			mu.Lock()
			defer mu.Unlock()
			wrote[network] = append(wrote[network], times)
		}
		for range 5 {
			s.add("a", write)
		}
		time.Sleep(strangersEvery + time.Second)
		for i := range strangersAtOnce + 3 {
			s.add(strconv.Itoa(i), write)
		}
		time.Sleep(strangersEvery + time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(wrote["a"], []uint64{1, 4}) || !slices.Equal(wrote[""], []uint64{1, 2}) ||
			len(wrote) != strangersAtOnce+2 || len(s.waiting) != 0 {
			t.Errorf("a %v, the rest %v, %d networks, %d wait", wrote["a"], wrote[""], len(wrote), len(s.waiting))
		}
	})
}
