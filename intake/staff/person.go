package staff

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

type personData struct {
	personRow
	Person         store.Agent
	Self           bool // it is the reader's own account
	Done           string
	FaultOf, Fault string // the form, and what is wrong with it
	Rights         rightsForm
	AllRegions     bool
	Unsolved       string // what they have, in words; "": nothing
	Sessions       int
	Passkeys       int
	Invited        bool
	Mails          bool
	Until          string // the date in the form: YYYY-MM-DD
	Hand           bool
	Tomorrow       string
}

// AwayForm is the form of an absence, posted to action.
func (d personData) AwayForm(action string) awayForm {
	f := awayForm{
		Action: action, Until: d.Until, Min: d.Tomorrow, Hand: d.Hand, Away: d.Away != "", Unsolved: d.Unsolved,
	}
	if d.FaultOf == "away" {
		f.Fault = d.Fault
	}
	return f
}

type awayForm struct {
	Action, Until, Min, Unsolved, Fault string
	Hand, Away                          bool
}

func personDone(done string) string {
	switch done {
	case "rights":
		return "The roles and regions are saved."
	case "disabled":
		return "The account is disabled. Its unsolved tickets are unassigned."
	case "enabled":
		return "The account is enabled again."
	case "factors":
		return "The passkeys and the authenticator are forgotten."
	case "invited":
		return "An invitation is on its way."
	case "away":
		return "The absence is saved."
	case "back":
		return "The absence is ended."
	}
	return ""
}

// ofPerson finds the person that a page's address names.
func (s *Staff) ofPerson(h func(x *web.Exchange, who, person store.Agent) error) Handler {
	return func(x *web.Exchange, who store.Agent) error {
		id, err := strconv.ParseUint(x.Param("id"), 10, 64)
		if err != nil {
			return store.ErrNotFound
		}
		person, err := s.deps.Agents.Agent(x.Request.Context(), store.AgentID(id))
		if err != nil {
			return err
		}
		if err := x.Request.ParseForm(); err != nil {
			return &web.Fault{Status: http.StatusBadRequest, Err: err}
		}
		return h(x, who, person)
	}
}

// showPerson fills its forms by the address, where who sent one had to prove first who
// they are.
func (s *Staff) showPerson(x *web.Exchange, who, person store.Agent) error {
	in := x.Request.URL.Query()
	d := personData{Done: personDone(in.Get("done")), Until: in.Get("until"), Hand: in.Get("work") == "hand"}
	if in.Has("role") {
		roles, regions, _ := s.readRights(in, person.Regions)
		d.Rights, d.AllRegions = s.rightsForm(roles, regions), in.Get("all") != ""
	}
	return s.personPage(x, http.StatusOK, who, person, d)
}

func (s *Staff) personPage(x *web.Exchange, status int, who, person store.Agent, d personData) error {
	ctx, now, by := x.Request.Context(), time.Now(), ActorOf(x, who)
	sessions, err1 := s.deps.Agents.Sessions(ctx, now, by, person.ID)
	regions, stopped, err2 := s.deps.Agents.AssignedTo(ctx, by, person.ID)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	d.personRow, d.Person, d.Self = s.personRow(person, now), person, who.ID == person.ID
	d.Sessions, d.Passkeys, d.Unsolved = len(sessions), len(person.Passkeys), s.unsolvedWords(regions, stopped)
	d.Invited, d.Mails = d.State == "invited", s.deps.From != ""
	if d.Rights.Roles == nil {
		d.Rights, d.AllRegions = s.rightsForm(person.Roles, person.Regions), len(person.Regions) == 0
	}
	if d.Until == "" && person.Away(now) {
		d.Until = person.AwayUntil.In(zoneOf(person)).Format(time.DateOnly)
	}
	d.Tomorrow = now.In(zoneOf(person)).AddDate(0, 0, 1).Format(time.DateOnly)
	return s.person.Show(x, status, d)
}

// unsolvedWords says how many unsolved tickets a person has, by region.
func (s *Staff) unsolvedWords(regions map[string]uint64, stopped bool) string {
	var total uint64
	var parts []string
	for id, n := range regions {
		total += n
		parts = append(parts, fmt.Sprintf("%s: %d", s.regionName(id), n))
	}
	if total == 0 {
		return ""
	}
	slices.Sort(parts)
	words := "1 unsolved ticket"
	if total > 1 {
		words = fmt.Sprintf("%d unsolved tickets", total)
	}
	if stopped {
		words = "at least " + words
	}
	return words + " (" + strings.Join(parts, ", ") + ")"
}

func (s *Staff) postRights(x *web.Exchange, who, person store.Agent) error {
	f := x.Request.PostForm
	roles, regions, fault := s.readRights(f, person.Regions)
	d := personData{Rights: s.rightsForm(roles, regions), AllRegions: f.Get("all") != ""}
	if fault != "" {
		d.FaultOf, d.Fault = "rights", fault
		return s.personPage(x, http.StatusUnprocessableEntity, who, person, d)
	}
	c := store.AgentChange{}
	if !slices.Equal(roles, person.Roles) {
		c.Roles = &roles
	}
	if !slices.Equal(regions, person.Regions) {
		c.Regions = &regions
	}
	return s.changePerson(x, who, person, personChange{form: "rights", done: "rights", change: c}, d)
}

func (s *Staff) postDisable(x *web.Exchange, who, person store.Agent) error {
	disabled := true
	c := personChange{form: "disable", done: "disabled", change: store.AgentChange{Disabled: &disabled}}
	return s.changePerson(x, who, person, c, personData{})
}

func (s *Staff) postEnable(x *web.Exchange, who, person store.Agent) error {
	disabled := false
	c := personChange{form: "disable", done: "enabled", change: store.AgentChange{Disabled: &disabled}}
	return s.changePerson(x, who, person, c, personData{})
}

// postFactors forgets the second factors of a person who lost them. Who signed in by a
// passkey alone is invited to choose anew.
func (s *Staff) postFactors(x *web.Exchange, who, person store.Agent) error {
	none, now := []byte{}, time.Now()
	c := personChange{form: "factors", done: "factors", change: store.AgentChange{
		TOTP: &none, WithoutPasskeys: true, Notice: s.noticeOf(person, now, "Two-step sign-in of your account was reset",
			"An administrator removed the passkeys and the authenticator app of your account. All sessions are ended.", ""),
	}}
	if person.Password == "" && !person.Disabled && s.deps.From != "" {
		c.after = func(changed store.Agent) error {
			return s.Invite(x.Request.Context(), now, ActorOf(x, who), changed)
		}
	}
	return s.changePerson(x, who, person, c, personData{})
}

func (s *Staff) postInviteAgain(x *web.Exchange, who, person store.Agent) error {
	err := s.Invite(x.Request.Context(), time.Now(), ActorOf(x, who), person)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, ErrNoMail) {
		d := personData{
			FaultOf: "invite", Fault: "No invitation can be sent: the account is disabled, or no mail is sent here.",
		}
		return s.personPage(x, http.StatusUnprocessableEntity, who, person, d)
	}
	if err != nil {
		return err
	}
	return x.Redirect(personPath(person.ID) + "?done=invited")
}

func (s *Staff) postPersonAway(x *web.Exchange, who, person store.Agent) error {
	c, done, fault := readAway(x.Request.PostForm, person, time.Now())
	d := personData{Until: x.Request.PostForm.Get("until"), Hand: c.HandsBack}
	if fault != "" {
		d.FaultOf, d.Fault = "away", fault
		return s.personPage(x, http.StatusUnprocessableEntity, who, person, d)
	}
	return s.changePerson(x, who, person, personChange{form: "away", done: done, change: c}, d)
}

// maxAway is how far ahead an absence may end.
const maxAway = 2 * 366 * day

// readAway reads the form of an absence, until the beginning of a day in the agent's zone.
func readAway(f url.Values, a store.Agent, now time.Time) (c store.AgentChange, done, fault string) {
	if f.Has("back") {
		return store.AgentChange{AwayUntil: &time.Time{}}, "back", ""
	}
	c.HandsBack = f.Get("work") == "hand"
	until, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(f.Get("until")), zoneOf(a))
	if err != nil || !until.After(now) || until.Sub(now) > maxAway {
		return c, "", "Choose the day of the return: tomorrow at the earliest, in two years at the latest."
	}
	c.AwayUntil = &until
	return c, "away", ""
}

// personChange is a change that a form asks for.
type personChange struct {
	form, done string // the form, and the word of what was done
	change     store.AgentChange
	after      func(changed store.Agent) error // nil for nothing
}

// changePerson changes an account; d keeps the form where the change is refused.
func (s *Staff) changePerson(
	x *web.Exchange, who, person store.Agent, c personChange, d personData,
) error {
	changed, err := s.deps.Agents.ChangeAgent(x.Request.Context(), time.Now(), ActorOf(x, who), person.ID, c.change)
	switch {
	case errors.Is(err, store.ErrLastAdmin):
		d.Fault = "No other person could manage people then. Give another person the role admin in all regions first."
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrInvalid):
		d.Fault = "The account was changed at the same moment. Look at it again."
	case err != nil:
		return err
	}
	if d.Fault != "" {
		d.FaultOf = c.form
		return s.personPage(x, http.StatusUnprocessableEntity, who, person, d)
	}
	s.kick(c.change.Notice)
	x.Log.Info("account changed", "request", x.ID, "agent", person.ID, "by", who.ID, "change", c.done)
	if c.after != nil {
		if err := c.after(changed); err != nil {
			return err
		}
	}
	return x.Redirect(personPath(person.ID) + "?done=" + c.done)
}
