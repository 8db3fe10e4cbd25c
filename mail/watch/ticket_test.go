package watch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

func TestOneWhoAnswersAboutTheirTicketIsShownItsPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from   string
		thread func(id string) string
		linked bool
		change func(h *house)
	}{
		"the requester": {from: "ann@partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + id + ">" }, linked: true},
		"spelled otherwise": {from: "Ann@Partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + id + ">" }, linked: true},
		"from the middle of a thread": {from: "ann@partner.test",
			thread: func(id string) string { return "References: <a@x.test> <" + id + "> <b@x.test>" }, linked: true},
		"in capitals": {from: "ann@partner.test",
			thread: func(id string) string { return "References: <" + strings.ToUpper(id) + ">" }, linked: true},
		"a colleague": {from: "bob@partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + id + ">" }},
		"the same person's tagged address": {from: "ann+x@partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + id + ">" }},
		"an id we never minted": {from: "ann@partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + strings.Replace(id, "c.", "c.a", 1) + ">" }},
		"without a thread": {from: "ann@partner.test", thread: func(string) string { return "X-Other: 1" }},
		"a sender that is not authenticated, answered": {from: "ann@partner.test",
			thread: func(id string) string { return "In-Reply-To: <" + id + ">" },
			change: func(h *house) { h.box.Trust, h.box.AnswerUnauthenticated = Trust{}, true }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				h.deps.Requesters = h.ledger
				if c.change != nil {
					c.change(h)
				}
				p := h.post("ann@partner.test")
				time.Sleep(time.Hour)
				h.deliver(letter(c.from, "reply@partner.test", c.thread(p.mail.MessageID)))
				h.start()
				time.Sleep(time.Second)
				all := h.outbox()
				if len(all) != 2 {
					t.Fatalf("%d mails; the verdict is %+v", len(all), h.rows()[0].Verdict)
				}
				answer := all[1]
				if !c.linked {
					if answer.Ticket != 0 || answer.Link != (store.LinkID{}) || answer.Number != "" {
						t.Errorf("the answer to %s is %+v", answer.To, answer)
					}
					return
				}
				if answer.Ticket != p.mail.Ticket || answer.Number != p.mail.Number || answer.Link == p.mail.Link ||
					answer.To != "ann@partner.test" || answer.Langs[0] != "es" {
					t.Errorf("the answer is %+v", answer)
				}
				if k, err := h.ledger.TicketByLink(context.Background(), time.Now(), answer.Link); err != nil ||
					k.ID != p.mail.Ticket {
					t.Errorf("its link opens %+v, %v", k, err)
				}
				_, err := h.ledger.TicketByLink(context.Background(), time.Now().Add(31*24*time.Hour), answer.Link)
				if err == nil {
					t.Error("its link opens for ever")
				}
				// The same limits: once a person and week.
				h.deliver(letter(c.from, "again@partner.test", c.thread(p.mail.MessageID)))
				time.Sleep(time.Second)
				h.decided(2, 2)
			})
		})
	}
}

// A partner who presses Reply on each of our mails is shown the page once a ticket and day,
// and their ticket tells of it.
func TestAProvenRequesterIsShownTheirPageOnceATicketAndDay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Requesters = h.ledger
		ctx, first, second := context.Background(), h.post("ann@partner.test"), h.post("ann@partner.test")
		for _, link := range []store.LinkID{first.mail.Link, second.mail.Link} {
			if _, err := h.ledger.ProveAddress(ctx, time.Now(), store.ByPartner(link), link); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		h.start()
		for i, about := range []string{first.mail.MessageID, first.mail.MessageID, second.mail.MessageID} {
			h.deliver(letter("ann@partner.test", fmt.Sprintf("%d@partner.test", i), "In-Reply-To: <"+about+">"))
			time.Sleep(time.Minute)
		}
		h.decided(3, 4) // of the two about one ticket, the first is answered
		time.Sleep(24 * time.Hour)
		h.deliver(letter("ann@partner.test", "next@partner.test", "In-Reply-To: <"+first.mail.MessageID+">"))
		time.Sleep(time.Minute)
		h.decided(4, 5)
		k, err := h.ledger.Ticket(ctx, first.mail.Ticket)
		if err != nil || k.Entries != 3 || k.WroteAt.IsZero() || !k.LastPartnerAt.Equal(k.WroteAt) {
			t.Errorf("the ticket is %+v, %v", k, err)
		}
	})
}

func TestAnAnswerToOurAutomaticAnswerIsNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Requesters = h.ledger
		p := h.post("ann@partner.test")
		time.Sleep(time.Hour)
		h.start()
		h.deliver(letter("ann@partner.test", "one@partner.test", "In-Reply-To: <"+p.mail.MessageID+">"))
		time.Sleep(8 * 24 * time.Hour) // longer than one answer a week keeps the next back
		answer := h.outbox()[1]
		h.deliver(letter("ann@partner.test", "two@partner.test", "In-Reply-To: <"+answer.MessageID+">",
			"References: <"+p.mail.MessageID+"> <"+answer.MessageID+">"))
		time.Sleep(time.Second)
		h.decided(2, 2)
	})
}
