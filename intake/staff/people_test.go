package staff

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

// administers signs an admin in, in a house of two regions.
func administers(h *house) *browser {
	h.Helper()
	h.door.deps.Regions = []store.Region{{ID: "us", Name: "United States"}, {ID: "intl", Name: "International"}}
	h.hire("root@desk.example", store.RoleAdmin)
	b := h.browser()
	b.signIn("root@desk.example", password, "")
	return b
}

// person reads an account as the store has it.
func (h *house) person(email string) store.Agent {
	h.Helper()
	a, err := h.db.AgentByEmail(h.Context(), email)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

func (b *browser) shows(w *httptest.ResponseRecorder, code int, words ...string) {
	b.Helper()
	if w.Code != code {
		b.Fatalf("status %d, want %d: %s", w.Code, code, w.Body)
	}
	for _, want := range words {
		if !strings.Contains(w.Body.String(), want) {
			b.Errorf("the page lacks %q:\n%s", want, w.Body)
		}
	}
}

// gives opens a ticket of a region for an agent.
func (h *house) gives(region string, to store.AgentID) store.TicketID {
	h.Helper()
	now := time.Now()
	n := store.NewTicket{
		Region:  store.Region{ID: region, Prefix: strings.ToUpper(region), Address: region + "@desk.example"},
		Channel: store.ChannelForm, Requester: store.Contact{Name: "P", Email: "p@partner.example"}, Title: "T", Body: "B",
		Link: store.LinkID{byte(now.UnixNano()), byte(to), region[0]}, LinkExpires: now.Add(time.Hour),
		MessageID: region + now.String() + "@x",
	}
	k, err := h.db.OpenTicket(h.Context(), now, n)
	if err == nil {
		_, err = h.db.AssignTicket(h.Context(), now, store.ByService(), k.Ticket.ID, to)
	}
	if err != nil {
		h.Fatal(err)
	}
	return k.Ticket.ID
}

func (h *house) assignee(id store.TicketID) store.AgentID {
	h.Helper()
	k, err := h.db.Ticket(h.Context(), id)
	if err != nil {
		h.Fatal(err)
	}
	return k.Assignee
}

func TestAnAdminInvitesAPerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := administers(h)
	b.shows(b.get("/admin/people"), http.StatusOK, "root@desk.example", ana, "just now", "never")
	form := url.Values{"email": {"new person"}, "name": {"New <Person>"}, "role": {"lead"}, "region": {"us"}}
	b.shows(b.do("POST", "/admin/people", form), http.StatusUnprocessableEntity, `value="new person"`,
		"New &lt;Person&gt;", `value="lead" checked`, `value="us" checked`, "Write a mail address")
	form.Set("email", ana)
	b.shows(b.do("POST", "/admin/people", form), http.StatusUnprocessableEntity, "in the list already")
	form.Set("email", "new@desk.example")
	form.Del("region")
	b.shows(b.do("POST", "/admin/people", form), http.StatusUnprocessableEntity, "Choose a region")
	form.Set("region", "us")
	b.shows(b.do("POST", "/admin/people", form), http.StatusSeeOther)
	added := h.person("new@desk.example")
	if !added.Has(store.RoleLead) || len(added.Regions) != 1 || len(added.Links) != 1 {
		t.Errorf("added %+v", added)
	}
	b.shows(b.get("/admin/people?done=invited"), http.StatusOK, "invited", "United States", "on its way")
	w := b.get(personPath(added.ID))
	b.shows(w, http.StatusOK, "Send another invitation", "Never signed in")
	b.shows(b.do("POST", personPath(added.ID)+"/invite", url.Values{}), http.StatusSeeOther)
	if n := len(h.person("new@desk.example").Links); n < 1 {
		t.Errorf("%d links after another invitation", n)
	}
}

func TestAnAdminChangesWhatAPersonMayDo(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := administers(h)
	kim := h.hire("kim@desk.example", store.RoleAgent)
	us, intl := h.gives("us", kim.ID), h.gives("intl", kim.ID)
	page := personPath(kim.ID)
	b.shows(b.get(page), http.StatusOK, "2 unsolved tickets (International: 1, United States: 1)", "go back to unassigned")
	b.shows(b.do("POST", page+"/rights", url.Values{"region": {"us"}}), http.StatusUnprocessableEntity,
		"Choose a role", `value="us" checked`)
	b.shows(b.do("POST", page+"/rights", url.Values{"region": {"us"}, "role": {"agent"}}), http.StatusSeeOther)
	if h.assignee(us) != kim.ID || h.assignee(intl) != 0 {
		t.Errorf("assigned to %d and %d", h.assignee(us), h.assignee(intl))
	}
	until := time.Now().UTC().AddDate(0, 0, 9).Format(time.DateOnly)
	b.shows(b.do("POST", page+"/away", url.Values{"until": {"2020-01-01"}, "work": {"hand"}}),
		http.StatusUnprocessableEntity, "Choose the day of the return", `value="2020-01-01"`, `value="hand" checked`)
	b.shows(b.do("POST", page+"/away", url.Values{"until": {until}, "work": {"keep"}}), http.StatusSeeOther)
	b.shows(b.get("/admin/people"), http.StatusOK, "away until")
	b.shows(b.do("POST", page+"/away", url.Values{"back": {"1"}}), http.StatusSeeOther)
	if a := h.person(kim.Email); a.Away(time.Now()) || h.assignee(us) != kim.ID {
		t.Errorf("still away: %+v, %d", a.AwayUntil, h.assignee(us))
	}
	b.shows(b.do("POST", page+"/disable", url.Values{}), http.StatusSeeOther)
	if !h.person(kim.Email).Disabled || h.assignee(us) != 0 {
		t.Errorf("disabled: %v, assigned to %d", h.person(kim.Email).Disabled, h.assignee(us))
	}
	b.shows(b.get(page+"?done=disabled"), http.StatusOK, "unassigned", "Enable the account")
	b.shows(b.do("POST", page+"/enable", url.Values{}), http.StatusSeeOther)
	if h.person(kim.Email).Disabled {
		t.Error("not enabled")
	}
	secret := []byte("secret")
	if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), kim.ID,
		store.AgentChange{TOTP: &secret}); err != nil {
		t.Fatal(err)
	}
	b.shows(b.get(page), http.StatusOK, "an authenticator app", "Reset the second factor")
	b.shows(b.do("POST", page+"/factors", url.Values{}), http.StatusSeeOther)
	if a := h.person(kim.Email); len(a.TOTP) > 0 || a.Password == "" {
		t.Errorf("after the reset: %+v", a)
	}
	b.shows(b.get("/admin/people/99"), http.StatusNotFound)
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := administers(h)
	page := personPath(h.person("root@desk.example").ID)
	for act, form := range map[string]url.Values{
		"disable": {}, "rights": {"role": {"agent"}, "all": {"1"}},
	} {
		b.shows(b.do("POST", page+"/"+act, form), http.StatusUnprocessableEntity, "No other person could manage people")
	}
	if a := h.person("root@desk.example"); a.Disabled || !a.Has(store.RoleAdmin) {
		t.Errorf("the last admin is %+v", a)
	}
	lead := h.browser()
	lead.signIn(ana, password, "")
	lead.shows(lead.get("/admin/people"), http.StatusForbidden)
}

func TestAFormSentTooLateComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		b := administers(h)
		kim := h.hire("kim@desk.example", store.RoleAgent)
		page := personPath(kim.ID)
		time.Sleep(ProofLasts + time.Second)
		b.shows(b.get("/admin/people"), http.StatusForbidden, "Confirm that it is you")
		form := url.Values{"role": {"lead"}, "region": {"intl"}}
		w := b.do("POST", page+"/rights", form, "Referer", "http://example.com"+page+"?done=rights")
		next := page + "?region=intl&amp;role=lead"
		b.shows(w, http.StatusForbidden, "comes back as you filled it", next)
		if h.person(kim.Email).Has(store.RoleLead) {
			t.Error("an unproven session changed the roles")
		}
		w = b.do("POST", "/account/prove", url.Values{"password": {password}, "next": {page + "?region=intl&role=lead"}})
		b.shows(w, http.StatusSeeOther)
		b.shows(b.get(w.Header().Get("Location")), http.StatusOK, `value="lead" checked`, `value="intl" checked`)
		b.shows(b.do("POST", page+"/rights", form), http.StatusSeeOther)
	})
}
