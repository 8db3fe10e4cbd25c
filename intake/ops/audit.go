package ops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/auditlog"
)

// auditStore reads the audit log, and finds what it is searched for.
type auditStore interface {
	ListAudits(
		ctx context.Context, by store.Actor, q store.AuditQuery, p store.Page,
	) (store.List[store.Audit], error)
	RecordAct(ctx context.Context, now time.Time, by store.Actor, event store.AuditEvent, o store.Object) error
	AuditHead(ctx context.Context) (store.AuditHead, error)
	TicketByNumber(ctx context.Context, by store.Actor, act store.Act, number string) (store.Ticket, error)
	AgentByEmail(ctx context.Context, email string) (store.Agent, error)
}

const auditPage = 50

type auditData struct {
	Who, To  string // as they were typed
	From, Up string // the days of the search, YYYY-MM-DD, UTC
	Did      store.AuditEvent
	Events   []auditEvent
	Export   string // the address of the same rows as a file
	Rows     []auditRow
	Next     string // the address of the next page
	Stopped  bool   // before all was looked at
	Searched bool
	Fault    string
	FaultOf  string // the field
}

// Looked is how many rows one search looks at.
func (auditData) Looked() string { return count(store.SearchLooked) }

// auditEvent is one that can be searched for.
type auditEvent struct {
	ID   store.AuditEvent
	Name string
}

type auditRow struct {
	When, Exactly    string
	Who, WhoLink     string
	Did              string
	Object, Link     string // Link: all that was done to it; "": it is not one thing
	Changes          []store.Changed
	Network, Region  string
	Failed, Unfamous bool // a sign-in that failed; of an address without an account
	Refused          bool
}

func forAudit(who store.Agent) bool { return who.Actor().May(store.ActReadAudit) }

// administration is the navigation of those who answer for what others do.
func administration() web.Section {
	return web.Section{
		ID: "administration", Name: "Administration", Sees: forAudit,
		Items: []web.Item{
			{ID: itemAudit, Name: "Audit log", Icon: "list", Path: "/ops/audit", Key: "a"},
			{
				ID: staff.ItemPeople, Name: "People", Icon: "people", Path: staff.PeoplePath, Key: "p", Sees: staff.ManagesPeople,
			},
		},
	}
}

// auditParts are the fields of the search, as links keep them.
var auditParts = []string{"who", "to", "did", "from", "up"}

func (o *Ops) showAudit(x *web.Exchange, who store.Agent) error {
	in := x.Request.URL.Query()
	by := staff.ActorOf(x, who)
	d := auditData{
		Who: strings.TrimSpace(in.Get("who")), To: strings.TrimSpace(in.Get("to")), Did: store.AuditEvent(in.Get("did")),
		From: in.Get("from"), Up: in.Get("up"), Events: auditEvents(), Export: "/ops/audit/export" + kept(in, auditParts...),
	}
	q, fault, err := o.auditQuery(x.Request.Context(), by, d)
	if err != nil {
		return err
	}
	if fault != "" {
		d.FaultOf, d.Fault = fault, auditFaults[fault]
		return o.audit.Show(x, http.StatusUnprocessableEntity, d)
	}
	found, err := o.stores.audit.ListAudits(x.Request.Context(), by, q,
		store.Page{After: store.Cursor(in.Get("after")), Limit: auditPage})
	if err != nil {
		return err
	}
	d.Searched = d.Who != "" || d.To != "" || d.Did != "" || d.From != "" || d.Up != ""
	d.Stopped = found.Stopped
	if found.Next != "" {
		in = maps.Clone(in)
		in.Set("after", string(found.Next))
		d.Next = "/ops/audit" + kept(in, append(auditParts, "after")...)
	}
	for _, a := range found.Items {
		d.Rows = append(d.Rows, auditRowOf(a))
	}
	return o.audit.Show(x, http.StatusOK, d)
}

// auditFaults are what is wrong with a field of the search.
var auditFaults = map[string]string{
	"to":   "There is no ticket and no account of that name. Write US-1042, or an address that signs in.",
	"from": "Write a day like 2026-11-29.",
	"up":   "Write a day like 2026-11-29.",
}

// auditQuery is what was searched for, and the field that makes no sense, "" for none.
func (o *Ops) auditQuery(
	ctx context.Context, by store.Actor, d auditData,
) (q store.AuditQuery, fault string, err error) {
	q = store.AuditQuery{Account: cutTo(d.Who, store.MaxFrom), Event: d.Did}
	if d.From != "" {
		if q.Since, err = time.Parse(time.DateOnly, d.From); err != nil {
			return q, "from", nil
		}
	}
	if d.Up != "" {
		day, err := time.Parse(time.DateOnly, d.Up)
		if err != nil {
			return q, "up", nil
		}
		q.Until = day.AddDate(0, 0, 1)
	}
	q.Object, err = o.auditObject(ctx, by, d.To)
	if errors.Is(err, store.ErrNotFound) {
		return q, "to", nil
	}
	return q, "", err
}

// auditEvents are what can be searched for, in the words of a list.
func auditEvents() (all []auditEvent) {
	for _, e := range store.AuditEvents() {
		name := strings.ReplaceAll(string(e), "_", " ")
		all = append(all, auditEvent{e, strings.ToUpper(name[:1]) + name[1:]})
	}
	return all
}

// downloadAudit writes what was searched for as JSON lines, oldest first.
func (o *Ops) downloadAudit(x *web.Exchange, who store.Agent) error {
	in, by := x.Request.URL.Query(), staff.ActorOf(x, who)
	q, fault, err := o.auditQuery(x.Request.Context(), by, auditData{
		Who: strings.TrimSpace(in.Get("who")), To: strings.TrimSpace(in.Get("to")), Did: store.AuditEvent(in.Get("did")),
		From: in.Get("from"), Up: in.Get("up"),
	})
	if err == nil && fault != "" {
		err = &web.Fault{Status: http.StatusUnprocessableEntity, Err: errors.New(auditFaults[fault])}
	}
	if err == nil {
		err = o.stores.audit.RecordAct(x.Request.Context(), time.Now(), by, store.AuditExported,
			store.Object{Kind: store.ObjectAudit})
	}
	if err != nil {
		return err
	}
	q.Oldest = true
	h := x.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
	x.SetDeadline(downloadTime)
	x.Writer.WriteHeader(http.StatusOK)
	if _, err := auditlog.Export(x.Request.Context(), x.Writer, o.stores.audit, by, q); err != nil {
		x.Log.Warn("an export of the audit log was cut off", "request", x.ID, "error", err)
	}
	return nil
}

func cutTo(text string, size int) string { return text[:min(len(text), size)] }

// auditObject finds what was typed, or what stands in the link of a row: a ticket's
// number, an address that signs in, or "suppression 7". ErrNotFound for none of them, and
// for a ticket that the reader does not see.
func (o *Ops) auditObject(ctx context.Context, by store.Actor, typed string) (store.Object, error) {
	if typed == "" {
		return store.Object{}, nil
	}
	if kind, name, ok := strings.Cut(typed, " "); ok {
		if id, err := strconv.ParseUint(name, 10, 64); err == nil {
			return store.Object{Kind: store.ObjectKind(kind), ID: id}, nil
		}
		return store.Object{Kind: store.ObjectKind(kind), Name: name}, nil
	}
	if strings.Contains(typed, "@") {
		agent, err := o.stores.audit.AgentByEmail(ctx, typed)
		return store.Object{Kind: store.ObjectAgent, ID: uint64(agent.ID)}, err
	}
	ticket, err := o.stores.audit.TicketByNumber(ctx, by, store.ActReadAudit, typed)
	return store.Object{Kind: store.ObjectTicket, ID: uint64(ticket.ID)}, err
}

func auditRowOf(a store.Audit) auditRow {
	row := auditRow{
		When: when(a.At), Exactly: exactly(a.At), Who: a.Account, Did: eventWords(a.Event), Object: objectWords(a),
		Changes: a.Changes, Network: a.Network, Region: a.Region, Failed: a.Event == store.AuditSignInFailed,
		Refused: a.Event == store.AuditRefused,
	}
	if a.Account != "" {
		row.WhoLink = "/ops/audit?" + url.Values{"who": {a.Account}}.Encode()
	}
	switch o := a.Object; {
	case row.Failed && o.ID == 0:
		row.Unfamous = true
	case o.ID != 0:
		row.Link = "/ops/audit?" + url.Values{"to": {fmt.Sprintf("%s %d", o.Kind, o.ID)}}.Encode()
	case o.Name != "":
		row.Link = "/ops/audit?" + url.Values{"to": {string(o.Kind) + " " + o.Name}}.Encode()
	}
	if own := ownWords(a); own != "" {
		row.Did, row.Object, row.Link = own, "", ""
	}
	if row.Refused {
		row.Did = refusedWords(a)
	}
	if row.Failed {
		row.Did = counted(int(a.Count), "failed sign-in", "failed sign-ins")
	}
	return row
}

// refusedWords is what was refused, and how often within the hour.
func refusedWords(a store.Audit) string {
	words := "asked to " + strings.ReplaceAll(string(a.Act), "_", " ")
	switch {
	case a.Account == "" && a.Act == "":
		words = "a visitor who is not signed in sent a form"
	case a.Account == "":
		words = "a visitor with a ticket's link " + words
	case a.Act == "":
		words = "asked for"
	}
	if a.Count > 1 {
		words += fmt.Sprintf(" (%d times in an hour)", a.Count)
	}
	if a.Act != "" && a.Object.Kind != "" {
		words += ":"
	}
	return words
}

// eventWords is what was done, in the words of a list; an event not known here names
// itself.
func eventWords(e store.AuditEvent) string {
	words, ok := map[store.AuditEvent]string{
		store.AuditReplied: "replied to", store.AuditReplyUndone: "took a reply back from",
		store.AuditReplyResent: "sent a reply again for",
		store.AuditNoted:       "wrote a note on", store.AuditTicketArranged: "changed",
		store.AuditLinksRevoked: "revoked the links of", store.AuditQuestionSettled: "settled the question of",
		store.AuditColleagueAdded: "named a colleague on", store.AuditColleagueRemoved: "removed a colleague from",
		store.AuditRequesterChanged: "changed the requester of", store.AuditAnswersSwitched: "switched automatic answers for",
		store.AuditMailRetried: "tried again", store.AuditMailGivenUp: "gave up", store.AuditMailRead: "downloaded",
		store.AuditAddressSuppressed: "suppressed", store.AuditAddressReleased: "released",
		store.AuditAlarmAcknowledged: "acknowledged", store.AuditCanaryTried: "sent",
		store.AuditAgentAdded: "added the account", store.AuditAgentChanged: "changed the account",
		store.AuditAgentInvited: "mailed a sign-in link to",
		store.AuditSignedIn:     "signed in as", store.AuditSignedOut: "signed out",
		store.AuditSignInFailed: "failed to sign in to", store.AuditRefused: "was refused",
		store.AuditExported: "downloaded", store.AuditPersonErased: "erased the name of",
		store.AuditSecretRotated: "changed", store.AuditSecretRevoked: "revoked", store.AuditSecretDropped: "dropped",
	}[e]
	if !ok {
		return string(e)
	}
	return words
}

// ownWords are what agents did to their own account, "" where it was done to another.
func ownWords(a store.Audit) string {
	if a.Agent == 0 || a.Object != (store.Object{Kind: store.ObjectAgent, ID: uint64(a.Agent), Name: a.Object.Name}) {
		return ""
	}
	return map[store.AuditEvent]string{
		store.AuditSignedIn: "signed in", store.AuditSignedOut: "signed out",
		store.AuditAgentChanged: "changed their own account",
	}[a.Event]
}

// objectWords names what it was done to.
func objectWords(a store.Audit) string {
	o := a.Object
	switch {
	case o.Kind == store.ObjectAgent && o.ID == 0:
		return "an address without an account"
	case o.Kind == store.ObjectMailbox && o.Name == "":
		return "all mailboxes"
	case o.Kind == store.ObjectMailbox:
		return "mailbox " + o.Name
	case o.Kind == store.ObjectCanary:
		return "the canary"
	case o.Kind == store.ObjectAudit:
		return "the audit log"
	case o.Kind == store.ObjectSecret:
		return "the secret " + o.Name
	case o.Kind == store.ObjectPage:
		return "the page " + o.Name
	case o.Kind == "":
		return ""
	case o.Kind == store.ObjectOutbound && o.ID == 0:
		return counted(int(a.Count), "mail", "mails")
	case o.Kind == store.ObjectOutbound && o.Name != "":
		return "a mail of " + o.Name
	case o.Kind == store.ObjectOutbound, o.Kind == store.ObjectInbound:
		return fmt.Sprintf("mail %d", o.ID)
	case o.Kind == store.ObjectAlarm:
		return "alarm " + o.Name
	}
	return o.Name
}
