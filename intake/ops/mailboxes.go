package ops

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
)

// mailboxStore reads how far each mailbox is, and switches its automatic answers.
type mailboxStore interface {
	Responder(ctx context.Context, now time.Time) (store.Responder, error)
	PendingInbound(ctx context.Context, mailbox string, p store.Page) (store.List[store.Inbound], error)
	LatestInbound(ctx context.Context, mailbox string) (store.Inbound, error)
	MailboxResponder(ctx context.Context, mailbox string) (store.Responder, error)
	SwitchResponder(ctx context.Context, now time.Time, by store.Actor, s store.Switch) (store.Responder, error)
}

const (
	// backlogCounted is how many undecided mails of a mailbox are counted.
	backlogCounted = 1000
	// maxReason bounds what somebody says of why, in characters.
	maxReason = 200
	// A token that ends sooner stands out.
	tokenSoon, tokenVerySoon = 14 * 24 * time.Hour, 3 * 24 * time.Hour
)

type mailboxesData struct {
	All       answersState
	Trip      string // the mail at which the breaker tripped
	Mailboxes []mailboxCard
	Done      string
}

// answersState is whether automatic answers are given, of all or of one mailbox,
// and what a person may change about it.
type answersState struct {
	Mailbox, Of string // "" and "all mailboxes"; else the mailbox, twice
	Word, Tone  string
	Sentence    string
	On, Tripped bool
	Fixed       bool // by the configuration: there is nothing to switch
	// Told is a reason that was refused, and Fault why.
	Told, Fault string
}

type mailboxCard struct {
	ID, Word, Tone   string
	Error            string
	Account          string
	Regions          []store.Region
	Cycle, Mail      string
	MailLink         string
	Backlog          string
	Token, TokenTone string
	TokenFault       string
	Answers          answersState
	Waits            bool // a backlog stands out
	Silent           bool
}

func (o *Ops) showMailboxes(x *web.Exchange, who store.Agent) error {
	return o.mailboxesPage(x, who, http.StatusOK, store.Switch{}, "")
}

// mailboxesPage shows the page, with the fault of a switch that was refused.
func (o *Ops) mailboxesPage(x *web.Exchange, who store.Agent, status int, refused store.Switch, fault string) error {
	ctx, now := x.Request.Context(), time.Now()
	all, err := o.stores.mailboxes.Responder(ctx, now)
	if err != nil {
		return err
	}
	d := mailboxesData{All: answersOf("", all)}
	if all.Inbound != 0 {
		d.Trip = ledgerLink(all.Inbound)
	}
	for _, b := range o.deps.Mailboxes() {
		card, err := o.cardOf(x, b, all, now)
		if err != nil {
			return err
		}
		if fault != "" && refused.Mailbox == b.ID {
			card.Answers.Told, card.Answers.Fault = refused.Reason, fault
		}
		d.Mailboxes = append(d.Mailboxes, card)
		if x.Request.URL.Query().Get("switched") == b.ID {
			d.Done = "Mailbox " + b.ID + ": " + card.Answers.Sentence
		}
	}
	if x.Request.URL.Query().Get("switched") == "all" {
		d.Done = d.All.Sentence
	}
	if fault != "" && refused.Mailbox == "" {
		d.All.Told, d.All.Fault = refused.Reason, fault
	}
	return o.mailboxes.Show(x, status, d)
}

func answersOf(mailbox string, r store.Responder) answersState {
	s := answersState{Mailbox: mailbox, Of: mailbox, On: r.On, Tripped: r.Tripped, Word: "on", Sentence: responderWords(r)}
	switch {
	case r.Tripped:
		s.Word, s.Tone = "stopped by the breaker", "red"
	case !r.On:
		s.Word, s.Tone = "paused", "amber"
	}
	if mailbox == "" {
		s.Of = "all mailboxes"
	}
	return s
}

// cardOf is one mailbox's; all is the switch over every mailbox.
func (o *Ops) cardOf(x *web.Exchange, b Mailbox, all store.Responder, now time.Time) (mailboxCard, error) {
	ctx := x.Request.Context()
	c := mailboxCard{
		ID: b.ID, Word: b.State, Error: b.LastError, Account: b.Account, Cycle: ago(b.LastCycle, now), Silent: b.Silent,
		Mail: "none in the folder as it is now", TokenFault: b.TokenFault,
	}
	switch {
	case b.Silent:
		c.Tone = "red"
	case b.LastError != "":
		c.Tone = "amber"
	}
	for _, r := range o.deps.Regions {
		if r.Mailbox == b.ID {
			c.Regions = append(c.Regions, r)
		}
	}
	c.Token, c.TokenTone = tokenWords(b.TokenEnds, now)
	pending, err := store.Items(o.stores.mailboxes.PendingInbound(ctx, b.ID, store.Page{Limit: backlogCounted}))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	c.Backlog, c.Waits = backlogWords(b.Waiting, len(pending)), b.Waiting+len(pending) > 0
	last, err := o.stores.mailboxes.LatestInbound(ctx, b.ID)
	switch {
	case err == nil:
		c.Mail, c.MailLink = ago(last.SeenAt, now), ledgerLink(last.ID)
	case !errors.Is(err, store.ErrNotFound):
		return c, err
	}
	own, err := o.stores.mailboxes.MailboxResponder(ctx, b.ID)
	c.Answers = answersOf(b.ID, own)
	switch {
	case own.On && !all.On && len(c.Regions) > 0 && !b.Dry:
		c.Answers.Word, c.Answers.Tone = "off with all", "amber"
		c.Answers.Sentence = "Its own switch is on; all automatic answers are off."
	case len(c.Regions) == 0:
		c.Answers = answersState{Fixed: true, Word: "never", Sentence: "This mailbox receives bounces only."}
	case b.Dry:
		c.Answers = answersState{Fixed: true, Word: "dry run",
			Sentence: "By configuration its mail is judged and never answered; under Mail stands what would be done."}
	}
	return c, err
}

func ledgerLink(id store.InboundID) string {
	return "/ops/ledger/" + strconv.FormatUint(uint64(id), 10)
}

// backlogWords tells of mails in the folder that are not in the ledger, and of
// such as wait there for their verdict.
func backlogWords(unread, undecided int) string {
	var parts []string
	if unread > 0 {
		parts = append(parts, fmt.Sprintf("%d to be read", unread))
	}
	switch {
	case undecided >= backlogCounted:
		parts = append(parts, fmt.Sprintf("%d or more to be decided", backlogCounted))
	case undecided > 0:
		parts = append(parts, fmt.Sprintf("%d to be decided", undecided))
	}
	if len(parts) == 0 {
		return "nothing waits"
	}
	return strings.Join(parts, ", ")
}

// tokenWords tells how long what a mailbox signs in with is still good, "" where
// nobody knows.
func tokenWords(ends, now time.Time) (words, tone string) {
	if ends.IsZero() {
		return "", ""
	}
	left := ends.Sub(now)
	switch {
	case left < tokenVerySoon:
		tone = "red"
	case left < tokenSoon:
		tone = "amber"
	}
	day := ends.UTC().Format("2 January 2006")
	if left <= 0 {
		return "ended on " + day, tone
	}
	return web.Span(left) + " left, until " + day, tone
}

// postAnswers pauses or resumes the automatic answers.
func (o *Ops) postAnswers(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f := x.Request.PostForm
	s := store.Switch{Mailbox: f.Get("mailbox"), On: f.Get("turn") == "on", Reason: strings.TrimSpace(f.Get("reason"))}
	known := slices.ContainsFunc(o.deps.Mailboxes(), func(b Mailbox) bool { return b.ID == s.Mailbox && !b.Dry })
	switch turn := f.Get("turn"); {
	case turn != "on" && turn != "off" || s.Mailbox != "" && !known:
		return &web.Fault{Status: http.StatusBadRequest, Err: errors.New("no such switch")}
	case !s.On && s.Reason == "":
		return o.mailboxesPage(x, who, http.StatusUnprocessableEntity, s, "Give a reason. The answers go on as before.")
	case utf8.RuneCountInString(s.Reason) > maxReason:
		return o.mailboxesPage(x, who, http.StatusUnprocessableEntity,
			s, "Give a shorter reason. The answers go on as before.")
	}
	_, err := o.stores.mailboxes.SwitchResponder(x.Request.Context(), time.Now(), staff.ActorOf(x, who), s)
	if err != nil {
		return err
	}
	x.Log.Warn("automatic answers switched", "request", x.ID, "mailbox", s.Mailbox, "on", s.On, "agent", who.ID)
	if s.Mailbox == "" {
		return x.Redirect("/ops/mailboxes?switched=all")
	}
	return x.Redirect("/ops/mailboxes?switched=" + s.Mailbox)
}
