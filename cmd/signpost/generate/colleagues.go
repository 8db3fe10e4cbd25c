package generate

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// names has some partners name a colleague, of whom most say that they take part. From then
// on they get each reply too.
func (l *life) names(mean time.Duration) *life {
	if l.rand.IntN(6) > 0 {
		return l
	}
	l.passes(mean)
	at, joins := l.at, l.rand.IntN(4) > 0
	domain := store.Domain(l.region.Address)
	n := store.NewColleague{
		Link:  l.link,
		Email: fmt.Sprintf("colleague.%x@%s", l.rand.Uint32(), store.Domain(l.who.Email)),
		Mailing: store.Mailing{
			Region: l.region, Link: ident.NewLink(at), LinkExpires: at.Add(linkKept),
			MessageID: l.Ring.MessageID(at, store.MailColleague, domain),
		},
	}
	l.guested = true
	l.then(func(ctx context.Context, db *verbs.Store) error {
		by := store.ByPartner(l.link)
		if _, err := db.ProveAddress(ctx, at, by, l.link); err != nil {
			return err
		}
		done, err := db.AddColleague(ctx, at, by, n)
		if err != nil {
			return err
		}
		return db.EndOutbound(ctx, at.Add(2*time.Second), taken(done.Mail.ID))
	})
	if joins {
		l.passes(mean)
		at := l.at
		l.then(func(ctx context.Context, db *verbs.Store) error {
			link := n.Mailing.Link
			_, err := db.ProveAddress(ctx, at, store.ByPartner(link), link)
			return err
		})
	}
	return l
}

// copies are what the copies of a reply are made from, none where no colleague was named.
func (l *life) copies(at time.Time) []store.CopyID {
	if !l.guested {
		return nil
	}
	return l.Ring.Copies(at, store.MailReply, store.Domain(l.region.Address))
}

// copied has the relay take the copies of a reply.
func (l *life) copied(ctx context.Context, db *verbs.Store, at time.Time, seq uint32) error {
	if !l.guested {
		return nil
	}
	mails, err := store.Items(db.OutboundsOfTicket(ctx, l.ticket.ID, store.Page{Limit: store.MaxPage}))
	for _, m := range mails {
		if err == nil && m.ToColleague() && m.Entry == seq {
			err = db.EndOutbound(ctx, at, taken(m.ID))
		}
	}
	return err
}

// taken is how a mail ends that the relay takes.
func taken(id store.OutboundID) store.Finish {
	return store.Finish{
		ID: id, State: store.StateSent, Code: 250, Enhanced: "2.0.0", Reply: "250 2.0.0 Ok: queued",
		Server: "relay.example.com",
	}
}
