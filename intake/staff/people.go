package staff

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/addr"
)

// Where admins tend the accounts of the people who work here.
const (
	PeoplePath = "/admin/people"
	ItemPeople = "people" // of the navigation
)

// ManagesPeople tells who sees those pages: admins of all regions.
func ManagesPeople(who store.Agent) bool {
	return store.May(who.Actor(), store.ActManageStaff, store.Everywhere()) == nil
}

const peoplePage = 50

type peopleData struct {
	People      []personRow
	Done        string
	Invite      rightsForm
	Name, Email string // as they were typed
	Faulty      string // the field
	Fault       string
	Open        bool // the form of an invitation
	First, Next string
	InviteLasts int // hours
	InvitesMail bool
}

// Pager leads to the other pages of the list.
func (d peopleData) Pager() web.Pager { return web.Pager{First: d.First, Next: d.Next} }

// SomeRegions tells whether the form is of some regions only.
func (d peopleData) SomeRegions() bool {
	return slices.ContainsFunc(d.Invite.Regions, func(c choice) bool { return c.Chosen })
}

// personRow is a person in the list.
type personRow struct {
	Path, Name, Email string
	Roles             []store.Role
	Regions           string
	Factor            bool
	SignedIn, Exactly string
	State, Tone       string
	Away              string
}

// rightsForm is a choice of roles and regions.
type rightsForm struct {
	Roles, Regions []choice
}

func roleWords(r store.Role) string {
	switch r {
	case store.RoleAgent:
		return "Agent: answers tickets"
	case store.RoleLead:
		return "Lead: answers tickets, reads the audit log"
	case store.RoleOps:
		return "Ops: tends the flow of mail, in all regions"
	case store.RoleAdmin:
		return "Admin: manages people and settings, in all regions"
	}
	return string(r)
}

// rightsForm shows roles and regions; regions that are configured no longer stay as they are.
func (s *Staff) rightsForm(roles []store.Role, regions []string) (f rightsForm) {
	for _, r := range store.Roles() {
		f.Roles = append(f.Roles, choice{string(r), roleWords(r), slices.Contains(roles, r)})
	}
	left := slices.Clone(regions)
	for _, r := range s.deps.Regions {
		f.Regions = append(f.Regions, choice{r.ID, r.Name, slices.Contains(regions, r.ID)})
		left = slices.DeleteFunc(left, func(id string) bool { return id == r.ID })
	}
	for _, id := range left {
		f.Regions = append(f.Regions, choice{id, id + " (not configured)", true})
	}
	return f
}

// readRights reads the form; fault says in words what is wrong with it.
func (s *Staff) readRights(f url.Values, had []string) (roles []store.Role, regions []string, fault string) {
	for _, r := range store.Roles() {
		if slices.Contains(f["role"], string(r)) {
			roles = append(roles, r)
		}
	}
	for _, id := range f["region"] {
		known := slices.ContainsFunc(s.deps.Regions, func(r store.Region) bool { return r.ID == id })
		if (known || slices.Contains(had, id)) && !slices.Contains(regions, id) {
			regions = append(regions, id)
		}
	}
	slices.Sort(regions)
	switch {
	case len(roles) == 0:
		fault = "Choose a role at least."
	case len(regions) == 0 && f.Get("all") == "" && len(s.deps.Regions) > 0:
		fault = "Choose a region at least, or all regions."
	}
	if f.Get("all") != "" {
		regions = nil
	}
	return roles, regions, fault
}

func personPath(id store.AgentID) string {
	return PeoplePath + "/" + strconv.FormatUint(uint64(id), 10)
}

func (s *Staff) personRow(a store.Agent, now time.Time) personRow {
	row := personRow{
		Path: personPath(a.ID), Name: a.Name, Email: a.Email, Roles: a.Roles, Regions: s.regionNames(a.Regions),
		Factor: len(a.TOTP) > 0 || len(a.Passkeys) > 0, State: "active",
	}
	if !a.SignedInAt.IsZero() {
		row.SignedIn = agoWords(now.Sub(a.SignedInAt))
		row.Exactly = a.SignedInAt.UTC().Format("Monday 2 January 2006, 15:04 UTC")
	}
	switch {
	case a.Disabled:
		row.State, row.Tone = "disabled", "amber"
	case a.Password == "" && len(a.Passkeys) == 0:
		row.State = "invited"
	}
	if a.Away(now) {
		row.Away = "away until " + awayDay(a)
	}
	return row
}

// awayDay is the day on which an agent is back.
func awayDay(a store.Agent) string { return a.AwayUntil.In(zoneOf(a)).Format("2 January 2006") }

func zoneOf(a store.Agent) *time.Location {
	zone, err := time.LoadLocation(a.Profile.Zone) // "" is UTC
	if err != nil {
		return time.UTC
	}
	return zone
}

func (s *Staff) regionNames(ids []string) string {
	if len(ids) == 0 {
		return "all"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = s.regionName(id)
	}
	return strings.Join(names, ", ")
}

func (s *Staff) regionName(id string) string {
	for _, r := range s.deps.Regions {
		if r.ID == id {
			return r.Name
		}
	}
	return id
}

// showPeople lists all, and fills the form of an invitation by the address, where who sent
// it had to prove first who they are.
func (s *Staff) showPeople(x *web.Exchange, _ store.Agent) error {
	in := x.Request.URL.Query()
	d := peopleData{Done: peopleDone(in.Get("done")), Name: in.Get("name"), Email: in.Get("email")}
	roles, regions := []store.Role{store.RoleAgent}, []string(nil)
	if d.Open = in.Has("email"); d.Open {
		roles, regions, _ = s.readRights(in, nil)
	}
	d.Invite = s.rightsForm(roles, regions)
	return s.peoplePage(x, http.StatusOK, d)
}

func peopleDone(done string) string {
	if done == "invited" {
		return "The account is there, and an invitation is on its way."
	}
	return ""
}

func (s *Staff) peoplePage(x *web.Exchange, status int, d peopleData) error {
	after := store.Cursor(x.Request.URL.Query().Get("after"))
	page := store.Page{After: after, Limit: peoplePage}
	list, err := s.deps.Agents.ListAgents(x.Request.Context(), page)
	if errors.Is(err, store.ErrInvalid) && after != "" {
		page.After, after = "", ""
		list, err = s.deps.Agents.ListAgents(x.Request.Context(), page)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for _, a := range list.Items {
		d.People = append(d.People, s.personRow(a, now))
	}
	if after != "" {
		d.First = PeoplePath
	}
	if list.Next != "" {
		d.Next = PeoplePath + "?after=" + url.QueryEscape(string(list.Next))
	}
	d.InviteLasts, d.InvitesMail = int(InviteLasts.Hours()), s.deps.From != ""
	return s.people.Show(x, status, d)
}

// postInvite adds a person and mails them the link by which they choose how they sign in.
func (s *Staff) postInvite(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	roles, regions, fault := s.readRights(f, nil)
	n := store.NewAgent{
		Email: strings.TrimSpace(f.Get("email")), Name: oneLine(f.Get("name")), Roles: roles, Regions: regions,
	}
	d := peopleData{Open: true, Name: f.Get("name"), Email: n.Email, Invite: s.rightsForm(roles, regions)}
	if fault != "" {
		d.Faulty, d.Fault = "role", fault
		return s.peoplePage(x, http.StatusUnprocessableEntity, d)
	}
	if _, problem := addr.Parse(n.Email); problem != "" {
		d.Faulty, d.Fault = "email", "Write a mail address: this one "+problem.Sentence()+"."
		return s.peoplePage(x, http.StatusUnprocessableEntity, d)
	}
	now, by := time.Now(), ActorOf(x, who)
	added, err := s.deps.Agents.AddAgent(x.Request.Context(), now, by, n)
	switch {
	case errors.Is(err, store.ErrConflict):
		d.Faulty, d.Fault = "email", "A person with this address is in the list already."
	case errors.Is(err, store.ErrInvalid):
		d.Faulty, d.Fault = "email", "The name or the address is too long."
	case err != nil:
		return err
	}
	if d.Fault != "" {
		return s.peoplePage(x, http.StatusUnprocessableEntity, d)
	}
	x.Log.Info("agent added", "request", x.ID, "agent", added.ID, "by", who.ID)
	if err := s.Invite(x.Request.Context(), now, by, added); err != nil {
		return err
	}
	return x.Redirect(PeoplePath + "?done=invited")
}
