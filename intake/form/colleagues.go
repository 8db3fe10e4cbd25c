package form

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// Colleagues: the requester of a ticket, once proven, names who takes part beside them.
// Each has a door of their own to the page (store.Door), behind which they read and write
// as themselves. What is the requester's to do (solve, reopen, rate, another address, a new
// link, colleagues) is not there, and the verbs refuse it.

// Colleagues are the verbs around them; see store.Colleagues.
type Colleagues interface {
	AddColleague(ctx context.Context, now time.Time, by store.Actor, n store.NewColleague) (store.Invited, error)
	RemoveColleague(ctx context.Context, now time.Time, by store.Actor, r store.Removal) (store.Ticket, error)
	Door(ctx context.Context, now time.Time, link store.LinkID) (store.Door, error)
}

// colleagueData is a colleague as the requester sees them.
type colleagueData struct {
	Number   uint32
	Email    string
	State    string // a message key
	BySide   bool   // support named them
	Takes    bool   // they take part, or were asked to
	Acts     bool
	JSONName store.ColleagueState
}

// colleaguesOf are those who take part in a ticket, then those who left by themselves:
// whom the requester removed is of no more interest to them.
func colleaguesOf(k store.Ticket) (all []colleagueData) {
	for _, left := range []bool{false, true} {
		for _, c := range k.Colleagues {
			state := c.State()
			if c.Left != left || state == store.ColleagueRevoked && !left {
				continue
			}
			key := "form.colleague_" + string(state)
			if left {
				key = "form.colleague_left"
			}
			all = append(all, colleagueData{
				Number: c.Number, Email: c.Email, State: key, BySide: c.By != store.ActorPartner, Takes: !left,
				Acts: state == store.ColleagueActs, JSONName: state,
			})
		}
	}
	return all
}

// Invitations a day of one ticket and of one requester.
const (
	invitationsOfTicket    = 20
	invitationsOfRequester = 40
)

// invitationBudgets are what an invitation to an address is charged to. The address is
// unproven and another chose it, so it is held to what a confirmation is, and the one who
// names has limits beside. They are apart from those of confirmations, which a requester who
// names many must not use up.
func (f *Form) invitationBudgets(k store.Ticket, email string, from netip.Addr) []store.Budget {
	const day = 24 * time.Hour
	domain := origin.Party(store.Domain(email))
	budgets := append(guard.Invitations(email), []store.Budget{
		{Name: "invitation/ticket", Key: k.Number, Limit: invitationsOfTicket, Window: day},
		{Name: "invitation/requester", Key: origin.Mailbox(k.Requester.Email), Limit: invitationsOfRequester, Window: day},
	}...)
	if domain != "" && !slices.Contains(f.cfg.PublicHosts, domain) {
		budgets = append(budgets,
			store.Budget{Name: "invitation/domain", Key: domain, Limit: f.cfg.ConfirmationsPerDomain, Window: time.Hour},
			store.Budget{Name: "invitation/domain-day", Key: domain, Limit: f.cfg.ConfirmationsPerDomainDay, Window: day})
	}
	for _, n := range origin.Networks(from) {
		budgets = append(budgets,
			store.Budget{Name: "invitation/network", Key: n.String(), Limit: n.Share * f.cfg.ConfirmationsPerNetwork,
				Window: time.Hour},
			store.Budget{Name: "invitation/network-day", Key: n.String(), Limit: n.Share * f.cfg.ConfirmationsPerNetworkDay,
				Window: day})
	}
	return append(budgets,
		store.Budget{Name: "invitation/all", Limit: f.cfg.ConfirmationsInAll, Window: time.Hour},
		store.Budget{Name: "invitation/all-day", Limit: f.cfg.ConfirmationsInAllDay, Window: day})
}

// postColleague names a colleague.
func (f *Form) postColleague(x *web.Exchange) error {
	now := time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	door, missing := f.openDoor(x)
	d, err := f.read(x, false)
	if missing != nil {
		return f.showGone(x, missing)
	}
	if door.OfColleague() || !door.Proven() {
		return f.refuseNaming(x, door)
	}
	page := func(status int) error { return f.showThread(x, status, door, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if d.Switched(x) {
		return page(http.StatusOK)
	}
	if !free {
		return d.RefuseRate(x, wait, page)
	}
	if f.checkColleague(x, d, door.Ticket); d.HasFaults() {
		return d.Refuse(x, page)
	}
	return f.invite(x, d, door.Ticket, page)
}

// refuseNaming answers who may not name colleagues.
func (f *Form) refuseNaming(x *web.Exchange, door store.Door) error {
	if !door.Proven() {
		return f.refuseUnproven(x, door)
	}
	return &web.Fault{Status: http.StatusForbidden, Err: errors.New("colleagues are the requester's to name")}
}

func (f *Form) checkColleague(x *web.Exchange, d *draft, k store.Ticket) {
	f.checkMailable(x.Request.Context(), d, "colleague", &d.Colleague, !x.WantsJSON())
	if !d.HasFaults() && store.AnswerKey(d.Colleague) == store.AnswerKey(k.Requester.Email) {
		d.AddFault("colleague", post.Problem{Key: "form.colleague_own"})
	}
}

func (f *Form) invite(x *web.Exchange, d *draft, k store.Ticket, page post.Page) error {
	link, _ := f.linkOf(x) // openDoor verified it
	now, region := time.Now(), f.regionByID(k.Region)
	n := store.NewColleague{Link: link, Email: d.Colleague, Lang: x.Lang.Tag(), Mailing: f.mailing(
		x, now, store.MailColleague, region, f.invitationBudgets(k, d.Colleague, x.Remote()))}
	n.Mailing.Region.ID = k.Region // also where the configuration has dropped it
	done, err := f.deps.Tickets.AddColleague(x.Request.Context(), store.Instant(now), store.ByPartner(link), n)
	withheld := done.Mail.State == store.StateSuppressed
	refuse := func(status int, key string) error {
		d.AddFault("colleague", post.Problem{Key: key})
		return d.Answer(x, status, page)
	}
	switch {
	case errors.Is(err, store.ErrColleagueLeft):
		return refuse(http.StatusUnprocessableEntity, "form.colleague_asked_not")
	case errors.Is(err, store.ErrColleaguesFull):
		return refuse(http.StatusUnprocessableEntity, "form.colleague_full")
	case errors.Is(err, store.ErrConflict):
		return refuse(http.StatusConflict, "form.colleague_closed")
	case errors.Is(err, store.ErrNotFound):
		return f.showGone(x, err)
	case err != nil:
		return d.RefuseStore(x, err, page)
	case withheld && strings.HasPrefix(done.Mail.Reason, store.RuleBudget):
		x.Log.Info("no invitation mailed", "request", x.ID, "ticket", k.Number, "reason", done.Mail.Reason)
		x.Header().Set("Retry-After", "3600")
		return refuse(http.StatusTooManyRequests, "form.colleague_many")
	case withheld:
		return refuse(http.StatusUnprocessableEntity, "form.colleague_unmailed")
	}
	f.deps.Kick()
	x.Log.Info("colleague named", "request", x.ID, "ticket", k.Number, "colleague", done.Colleague.Number)
	return f.answerColleagues(x, done.Ticket, "named")
}

// postRemove removes a colleague; one that is removed already stays so.
func (f *Form) postRemove(x *web.Exchange) error {
	door, missing := f.openDoor(x)
	d, err := f.read(x, false)
	if missing != nil {
		return f.showGone(x, missing)
	}
	if door.OfColleague() || !door.Proven() {
		return f.refuseNaming(x, door)
	}
	page := func(status int) error { return f.showThread(x, status, door, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if err := f.free(x); err != nil {
		return err
	}
	number, err := strconv.ParseUint(d.Number, 10, 32)
	if err != nil || number == 0 {
		return &web.Fault{Status: http.StatusNotFound, Err: errors.New("number: no colleague has it")}
	}
	link, _ := f.linkOf(x) // openDoor verified it
	ticket, err := f.deps.Tickets.RemoveColleague(x.Request.Context(), store.Instant(time.Now()), store.ByPartner(link),
		store.Removal{Link: link, Number: uint32(number)})
	if err != nil {
		return err
	}
	x.Log.Info("colleague removed", "request", x.ID, "ticket", ticket.Number, "colleague", number)
	return f.answerColleagues(x, ticket, "removed")
}

// answerColleagues answers an act on the colleagues of a ticket.
func (f *Form) answerColleagues(x *web.Exchange, k store.Ticket, done string) error {
	if !x.WantsJSON() {
		return x.Redirect(basePath(x) + "?done=" + done + "#colleagues")
	}
	type colleague struct {
		Number uint32               `json:"number"`
		Email  string               `json:"email"`
		State  store.ColleagueState `json:"state"`
	}
	all := []colleague{}
	for _, c := range colleaguesOf(k) {
		all = append(all, colleague{c.Number, c.Email, c.JSONName})
	}
	return x.JSON(http.StatusOK, map[string]any{"number": k.Number, "colleagues": all})
}

// postLeave takes a colleague out of the ticket, at their own wish: also one who never said
// that they take part.
func (f *Form) postLeave(x *web.Exchange) error {
	if err := f.free(x); err != nil {
		return err
	}
	door, err := f.openDoor(x)
	if err != nil {
		return f.showGone(x, err)
	}
	if !door.OfColleague() {
		return &web.Fault{Status: http.StatusForbidden, Err: errors.New("the requester cannot leave their own ticket")}
	}
	link, _ := f.linkOf(x) // openDoor verified it
	ticket, err := f.deps.Tickets.RemoveColleague(x.Request.Context(), store.Instant(time.Now()), store.ByPartner(link),
		store.Removal{Link: link})
	if err != nil {
		return f.showGone(x, err)
	}
	x.Log.Info("colleague left", "request", x.ID, "ticket", ticket.Number, "colleague", door.Colleague.Number)
	if x.WantsJSON() {
		return x.JSON(http.StatusOK, map[string]any{"number": ticket.Number})
	}
	return x.Redirect("/link/left")
}

func (f *Form) showLeft(x *web.Exchange) error {
	return f.asked.Show(x, http.StatusOK, askedData{"left"})
}
