package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/addr"
	"signpost/store/ident"
)

// resendStore mails a reply again, and gives a ticket another address.
type resendStore interface {
	ResendReply(
		ctx context.Context, now time.Time, by store.Actor, id store.OutboundID, m store.Mailing,
	) (store.Outbound, error)
	RetryOutbounds(ctx context.Context, now time.Time, by store.Actor, r store.Retry) (store.Retried, error)
	ChangeRequester(ctx context.Context, now time.Time, by store.Actor, n store.NewAddress) (store.Opened, error)
}

// maxResent is how many replies one form sends again.
const maxResent = 50

// sentAgain is a later mail of a reply.
type sentAgain struct {
	To     string
	Mark   web.Delivery
	Detail string
}

// resend is what can be done about a reply that did not arrive.
type resend struct {
	ID      store.OutboundID // its last mail; 0: its address is dead, so it cannot be sent again
	Words   string           // what happens then
	Another bool             // another address may help
	In      string           // the list that the ticket was opened from
}

// deliveries fills what became of the mails of a reply, the first one's beside its mark.
func (t thread) deliveries(i *item, e store.Entry, who store.Agent, in string, now time.Time) {
	for n, mail := range t.replies[e.Seq] {
		said := deliveryOf(mail, now)
		mark := said.mark()
		i.Do = said.Do
		if elsewhere := !sameAddress(mail.To, t.ticket.Requester.Email); elsewhere {
			i.Do = "" // it is about an address that the ticket has no more
			if n == 0 {
				i.To = mail.To
			}
		}
		if n > 0 {
			i.Again = append(i.Again, sentAgain{mail.To, mark, said.Detail})
			continue
		}
		i.Mark, i.Detail, i.Log = &mark, said.Detail, mail.ID
		if said.State == "waiting" && e.Agent == who.ID {
			i.UndoID = mail.ID
		}
	}
	if i.Resend = t.resendOf(e, now); i.Resend != nil {
		i.Resend.In = in
	}
}

// last is the newest mail of a reply.
func (t thread) last(e store.Entry) (store.Outbound, bool) {
	mails := t.replies[e.Seq]
	if e.Kind != store.EntryReply || len(mails) == 0 {
		return store.Outbound{}, false
	}
	return mails[len(mails)-1], true
}

// resendOf is how a reply can be sent again; nil for one that is on its way, and for one
// that arrived as far as is known.
func (t thread) resendOf(e store.Entry, now time.Time) *resend {
	mail, ok := t.last(e)
	if !ok || mail.Undone() || now.Before(mail.UndoUntil) {
		return nil
	}
	to := t.ticket.Requester.Email
	state := deliveryOf(mail, now).State
	lost := state == "bounced" || state == "failed" || state == "suppressed"
	elsewhere := !sameAddress(mail.To, to)
	switch {
	case mail.State == store.StateHeld && !elsewhere:
		return &resend{ID: mail.ID, Words: "This mail is tried again now. It stays held while our mail server refuses it."}
	case !lost && (!elsewhere || t.dead != ""):
		return nil
	case t.dead != "":
		return &resend{Another: true}
	}
	return &resend{
		ID: mail.ID, Another: !elsewhere,
		Words: "This reply is mailed once more, now, to " + to + ". The mail before it stays on record.",
	}
}

func sameAddress(a, b string) bool { return store.AddressKey(a) == store.AddressKey(b) }

// missed are the replies that the ticket's present address has not got and can be sent
// now, the oldest first.
func (t thread) missed(now time.Time) (ids []store.OutboundID) {
	if t.dead != "" {
		return nil
	}
	for _, id := range store.MissedReplies(t.sent, t.ticket.Requester.Email) {
		if !now.Before(t.mails[id].UndoUntil) {
			ids = append(ids, id)
		}
	}
	return ids[:min(len(ids), maxResent)]
}

// postResend sends the replies that the fields id name by a mail of each.
func (d *Desk) postResend(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "id", func(
		by store.Actor, now time.Time, k store.Ticket, _ string,
	) (store.Ticket, error) {
		region, ok := d.region(k.Region)
		if !ok {
			return k, errUnconfigured
		}
		ids, err := outboundIDs(x.Request.PostForm["id"])
		if err != nil {
			return k, err
		}
		ctx := x.Request.Context()
		t := thread{ticket: k}
		if err := d.fill(ctx, by, &t); err != nil {
			return k, err
		}
		for _, id := range ids {
			if err := d.resend(ctx, by, now, t, region, id); err != nil {
				return k, err
			}
		}
		return d.deps.Store.DeskTicket(ctx, by, k.Number)
	})
}

// outboundIDs reads the ids of a form.
func outboundIDs(fields []string) (ids []store.OutboundID, err error) {
	if len(fields) > maxResent {
		return nil, refused(fmt.Sprintf("at most %d replies are sent again at once", maxResent))
	}
	for _, field := range fields {
		id, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return nil, refused("there is no such reply to send again")
		}
		if !slices.Contains(ids, store.OutboundID(id)) {
			ids = append(ids, store.OutboundID(id))
		}
	}
	return ids, nil
}

// resend mails a reply of the ticket to its requester's present address, or a copy to its
// colleague. One that is held for that address already is tried again, so that it does not arrive twice.
func (d *Desk) resend(
	ctx context.Context, by store.Actor, now time.Time, t thread, region store.Region, id store.OutboundID,
) (err error) {
	switch mail, ok := t.mails[id]; {
	case !ok:
		return store.ErrNotFound
	case mail.Kind == store.MailReply && mail.State == store.StateHeld &&
		(mail.ToColleague() || sameAddress(mail.To, t.ticket.Requester.Email)):
		_, err = d.deps.Store.RetryOutbounds(ctx, now, by, store.Retry{IDs: []store.OutboundID{id}})
	default:
		_, err = d.deps.Store.ResendReply(ctx, now, by, id, d.mailing(now, store.MailReply, region))
	}
	if err == nil {
		d.deps.Kick()
	}
	return err
}

// mailing is what a mail of the kind with a link to the ticket's page is made from.
func (d *Desk) mailing(now time.Time, kind store.OutboundKind, region store.Region) store.Mailing {
	return store.Mailing{
		Region: region, Link: ident.NewLink(now), LinkExpires: store.Instant(now.Add(d.deps.LinkKept)),
		MessageID: d.deps.Ring.MessageID(now, kind, store.Domain(region.Address)),
	}
}

var errUnconfigured = refused("the ticket's region is not configured any more, so nothing can be sent for it")

// postRequester gives the ticket another address. The page then offers the replies that
// it has not got.
func (d *Desk) postRequester(x *web.Exchange, who store.Agent) error {
	return d.arrange(x, who, "email", func(
		by store.Actor, now time.Time, k store.Ticket, typed string,
	) (store.Ticket, error) {
		region, ok := d.region(k.Region)
		if !ok {
			return k, errUnconfigured
		}
		email, err := d.newAddress(k, typed)
		if err != nil {
			return k, err
		}
		opened, err := d.deps.Store.ChangeRequester(x.Request.Context(), now, by, store.NewAddress{
			Ticket: k.ID, Email: email, Mailing: d.mailing(now, store.MailConfirmation, region),
		})
		if err == nil {
			d.deps.Kick()
		}
		return opened.Ticket, err
	})
}

// newAddress checks the address that an agent typed for a ticket.
func (d *Desk) newAddress(k store.Ticket, typed string) (string, error) {
	email, problem := addr.Parse(typed)
	ours := func(r store.Region) bool { return store.AnswerKey(r.Address) == store.AnswerKey(email) }
	switch {
	case typed == "":
		return "", refused("an address is needed")
	case problem != "":
		return "", refused(fmt.Sprintf("%q %s", typed, problem.Sentence()))
	case slices.ContainsFunc(d.deps.Regions, ours):
		return "", refused("this is an address of ours, and mail to it is not read")
	case sameAddress(email, k.Requester.Email):
		return "", refused("the ticket has this address already")
	}
	return email, nil
}
