package desk

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
)

// writeStore writes replies and notes.
type writeStore interface {
	Reply(ctx context.Context, now time.Time, by store.Actor, n store.NewReply) (store.Replied, error)
	Undo(ctx context.Context, now time.Time, by store.Actor, id store.OutboundID) (store.Undone, error)
	Note(ctx context.Context, now time.Time, by store.Actor, n store.NewNote) (store.Noted, error)
}

// maxBody is how many characters a reply or a note may have.
const maxBody = 100_000

// maxDraft is how many a draft may have: a reply that was taken back, and what was begun
// since.
const maxDraft = 2 * maxBody

// answer is what an agent writes: a reply or a note.
type answer struct {
	post.Draft
	Body, Then, Version, Kind, In string
}

// newAnswer is one that writes a kind of entry; with "" the form says which.
func newAnswer(kind store.EntryKind) *answer {
	a := &answer{Kind: string(kind)}
	a.Fields = []post.Field{
		{Name: "body", Into: &a.Body, Kind: post.Text},
		{Name: "then", Into: &a.Then},
		{Name: "version", Into: &a.Version},
		{Name: "kind", Into: &a.Kind},
		{Name: "in", Into: &a.In},
	}
	return a
}

// Sentences of a staff page are English: each stands as its own key, which the catalogue
// gives back as it is.
func sentence(words string) post.Problem { return post.Problem{Key: words} }

// check finds what is wrong with the texts.
func (a *answer) check() {
	switch {
	case a.Body == "" && len(a.Files) > 0:
		a.AddFault("body", sentence("Please write a few words with the files."))
	default:
		a.CheckText("body", a.Body, 1, maxBody, "Please write something first.")
	}
}

// seen is the version that the writer has seen; all that is there when none was named.
// A number below 1 is older than every thread.
func (a *answer) seen() uint32 {
	if strings.TrimSpace(a.Version) == "" {
		return math.MaxUint32
	}
	n, err := strconv.ParseInt(strings.TrimSpace(a.Version), 10, 64)
	switch {
	case err != nil:
		a.AddFault("version", sentence("The version is not a whole number."))
		return 0
	case n < 0:
		return 0
	}
	return uint32(min(n, math.MaxUint32))
}

// then is the status that the ticket gets.
func (a *answer) then() store.Status {
	for _, s := range statuses() {
		if a.Then == string(s) {
			return s
		}
	}
	if a.Then != "" {
		a.AddFault("then", sentence("A ticket cannot be given this status."))
	}
	return store.StatusOpen
}

// written is a form of texts that was read: what it says, to which ticket, and the page
// that shows it again.
type written struct {
	*answer
	ticket store.Ticket
	page   post.Page
}

// writes reads a form of texts for act. A body that is no form is answered with the page and
// all that was read of it.
func (d *Desk) writes(
	kind store.EntryKind, act func(x *web.Exchange, who store.Agent, w written) error,
) staff.Handler {
	return func(x *web.Exchange, who store.Agent) error {
		a := newAnswer(kind)
		page := func(status int) error { return d.page(x, who, status, a.writing()) }
		if err := d.deps.Posts.Read(x, &a.Draft); err != nil {
			return d.deps.Posts.RefuseBody(x, &a.Draft, err, page)
		}
		k, err := d.open(x, who)
		if err != nil {
			return err
		}
		return act(x, who, written{a, k, page})
	}
}

// kind is what the form writes.
func (a *answer) kind() store.EntryKind {
	if a.Kind == string(store.EntryNote) {
		return store.EntryNote
	}
	return store.EntryReply
}

// writing is the page with this answer in the form that it came from.
func (a *answer) writing() writing {
	if a.kind() == store.EntryNote {
		return writing{note: a}
	}
	return writing{reply: a}
}

func (d *Desk) postReply(x *web.Exchange, who store.Agent, a written) error {
	k := a.ticket
	region, ok := d.region(k.Region)
	if !ok {
		a.AddFault("body", sentence("The ticket's region is not configured any more, so nothing can be sent for it."))
	}
	now := store.Instant(time.Now())
	n := store.NewReply{
		Ticket: k.ID, Body: a.Body, Files: a.Files, Then: a.then(), Version: a.seen(), Undo: d.undoFor(who), Region: region,
		MessageID: d.deps.Ring.MessageID(now, store.MailReply, store.Domain(region.Address)),
		Link:      ident.NewLink(now), LinkExpires: store.Instant(now.Add(d.deps.LinkKept)),
		Copies:      d.deps.Ring.Copies(now, store.MailReply, store.Domain(region.Address)),
		Idempotency: a.Key, Fingerprint: a.Fingerprint(a.Body, a.Then),
	}
	if a.check(); a.HasFaults() {
		return a.Refuse(x, a.page)
	}
	done, err := d.deps.Store.Reply(x.Request.Context(), now, staff.ActorOf(x, who), n)
	switch {
	case errors.Is(err, store.ErrConflict):
		return d.refuseReply(x, who, a.answer, done)
	case err != nil:
		return d.refuse(x, a, err)
	}
	d.deps.Kick()
	d.told(done.Ticket, done.Entry.Seq)
	x.Log.Info("reply written", "request", x.ID, "ticket", k.Number, "entry", done.Entry.Seq, "outbound", done.Mail.ID,
		"agent", who.ID, "status", done.Ticket.Status)
	if done.Mail.State == store.StateQueued && now.Before(done.Mail.UndoUntil) {
		d.undos.add(who.ID, pending{done.Mail.ID, k.Number, requesterOf(k), done.Mail.UndoUntil})
	}
	if x.WantsJSON() {
		out := writtenJSON{Seq: done.Entry.Seq}
		if !done.Mail.UndoUntil.IsZero() {
			out.Undo, out.Until = strconv.FormatUint(uint64(done.Mail.ID), 10), rfc3339(done.Mail.UndoUntil)
		}
		if a.In != "" {
			out.Next = d.after(x, who, k, done.Entry.Seq, a.In)
		}
		return x.JSON(http.StatusCreated, out)
	}
	return x.Redirect(d.after(x, who, k, done.Entry.Seq, a.In))
}

// refuseReply answers a reply that the store did not take, with both texts.
func (d *Desk) refuseReply(x *web.Exchange, who store.Agent, a *answer, done store.Replied) error {
	why := "The ticket has changed since you began to write. What is new stands above your text."
	switch {
	case done.Replayed:
		why, a.Key = "This form was sent before, with other words. Press the button again to send it as it is now.", ""
	case done.Withheld != "":
		why = "Mail to " + done.Ticket.Requester.Email + " is not sent, since it bounced or was suppressed. " +
			"Reach the partner another way, or give the ticket another address. Your text is kept."
	}
	a.AddFault("form", sentence(why))
	if !x.WantsJSON() {
		return d.page(x, who, http.StatusConflict, writing{reply: a, newer: done.Newer})
	}
	t := thread{ticket: done.Ticket}
	if err := d.fill(x.Request.Context(), staff.ActorOf(x, who), &t); err != nil {
		return err
	}
	out := staleJSON{Error: why, Newer: []entryJSON{}}
	for _, e := range done.Newer {
		out.Newer = append(out.Newer, t.entryJSON(e, time.Now()))
	}
	return x.JSON(http.StatusConflict, out)
}

func (d *Desk) postNote(x *web.Exchange, who store.Agent, a written) error {
	k := a.ticket
	if a.check(); a.HasFaults() {
		return a.Refuse(x, a.page)
	}
	accounts, err := d.accounts(x.Request.Context())
	if err != nil {
		return err
	}
	done, err := d.deps.Store.Note(x.Request.Context(), store.Instant(time.Now()), staff.ActorOf(x, who), store.NewNote{
		Ticket: k.ID, Body: a.Body, Files: a.Files, Mentions: mentions(a.Body, accounts),
		Idempotency: a.Key, Fingerprint: a.Fingerprint(a.Body),
	})
	switch {
	case errors.Is(err, store.ErrConflict):
		return a.RefuseRepeat(x, sentence("This form was sent before, with other words. Press the button again."), a.page)
	case err != nil:
		return d.refuse(x, a, err)
	}
	d.told(done.Ticket, done.Entry.Seq)
	x.Log.Info("note written", "request", x.ID, "ticket", k.Number, "entry", done.Entry.Seq, "agent", who.ID)
	if x.WantsJSON() {
		return x.JSON(http.StatusCreated, writtenJSON{Seq: done.Entry.Seq})
	}
	return x.Redirect(withIn(entryAddress(k.Number, done.Entry.Seq), a.In))
}

// refuse answers what a verb returned, with all that was written: what is wrong with it, that
// its author may not do this, or that nothing can be saved now.
func (d *Desk) refuse(x *web.Exchange, a written, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return err
	case errors.Is(err, store.ErrForbidden):
		a.AddFault("form", sentence(forbiddenWords))
		return a.Answer(x, http.StatusForbidden, a.page)
	case errors.Is(err, store.ErrInvalid):
		a.AddFault("body", sentence(invalidWords(err)))
		return a.Refuse(x, a.page)
	}
	return a.RefuseStore(x, err, a.page)
}

const forbiddenWords = "Your role does not allow this."

// invalidWords are what the store says of an argument, as a sentence.
func invalidWords(err error) string {
	words := err.Error()
	if i := strings.LastIndex(words, ": "); i >= 0 {
		words = words[i+2:]
	}
	return capital(words) + "."
}

// mentions are the agents whom a note names by "@" and the part of their address before
// the "@", or the whole of it.
func mentions(body string, accounts []store.Agent) (all []store.AgentID) {
	if !strings.Contains(body, "@") {
		return nil
	}
	said := map[string]bool{}
	for word := range strings.FieldsSeq(body) {
		if name, ok := strings.CutPrefix(strings.TrimRight(word, ".,;:!?)"), "@"); ok {
			said[strings.ToLower(name)] = true
		}
	}
	for _, a := range accounts {
		local, _, _ := strings.Cut(strings.ToLower(a.Email), "@")
		named := said[local] || said[strings.ToLower(a.Email)]
		if named && !a.Disabled && len(all) < store.MaxMentions {
			all = append(all, a.ID)
		}
	}
	return all
}

// undoFor is how long a reply of the agent waits.
func (d *Desk) undoFor(who store.Agent) time.Duration {
	if d.deps.Undo != nil {
		return *d.deps.Undo
	}
	return who.Profile.UndoFor()
}

// undoWords says how long that is, "" for not at all.
func undoWords(wait time.Duration) string {
	if wait <= 0 {
		return ""
	}
	return web.Span(wait)
}
