package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// strangeTexts are what may stand in any field of any verb: what a client sends
// is bounded and cleaned before, but no driver relies on that.
func strangeTexts() []string {
	return []string{
		"", "\x00", "a\x00b", "\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\xff\xfe\xfd", "a\nb", "k\u212a\u0130@\u212a\u0130.example",
		strings.Repeat("x", 300), strings.Repeat("\u00e9", 20_000), strings.Repeat("z", 40_000) + "@long.example",
	}
}

func strangeStories() map[string]func(*desk) {
	return map[string]func(*desk){"StrangeTextSpoilsNothing": strangeTextSpoilsNothing}
}

// strangeTextSpoilsNothing gives each text to every field of every verb, one field
// at a time: the verb takes it or says ErrInvalid or ErrNotFound, and what stands
// beside it goes on. A text that is no valid UTF-8 or holds NUL is kept by no verb. The
// store's own check comes after the story.
func strangeTextSpoilsNothing(d *desk) {
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "us"))
	must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, "us", 1))
	for _, strange := range strangeTexts() {
		for name, verb := range d.strangeVerbs(strange) {
			err := verb()
			switch {
			case !text.IsValid(strange) && keeps(name):
				if !errors.Is(err, store.ErrInvalid) {
					d.Errorf("%s keeps %.20q (%d bytes): %v", name, strange, len(strange), err)
				}
			case err == nil, errors.Is(err, store.ErrInvalid), errors.Is(err, store.ErrNotFound),
				errors.Is(err, store.ErrConflict):
			default:
				d.Errorf("%s with %.20q (%d bytes): %.300v", name, strange, len(strange), err)
			}
		}
	}
}

// keeps tells of a verb, with the field that gets the text, that it would keep it as a text:
// it is no look-up, and not of what is kept as a digest or not at all.
func keeps(name string) bool {
	switch name {
	case "OpenTicket key", "OpenTicket budget's", "DecideInbound sender":
		return false
	}
	verb, _, _ := strings.Cut(name, " ")
	return slices.Contains([]string{"OpenTicket", "RecordInbound", "DecideInbound", "AppendMessage", "QueueMail",
		"FinishOutbound", "ConnectMailbox", "SwitchResponder", "SuppressAddress", "AddAgent", "RaiseAlarm"}, verb)
}

// strangeVerbs are the verbs with text in one field each.
func (d *desk) strangeVerbs(text string) map[string]func() error {
	all := map[string]func() error{}
	for name, change := range strangeTickets(text) {
		all["OpenTicket "+name] = func() error {
			opened, err := d.OpenTicket(d.ctx, d.now, d.ticket(change))
			if err != nil {
				return err
			}
			back, err := d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, opened.Ticket.Number)
			d.same(back, opened.Ticket)
			return err
		}
	}
	for name, change := range strangeMails(text) {
		all["RecordInbound "+name] = func() error {
			n := d.mint()
			m := store.NewInbound{
				Mailbox: "us", UIDValidity: 1, UID: uint32(n), InternalDate: d.now,
				Hash: [32]byte{byte(n), byte(n >> 8)}, Raw: []byte(text),
			}
			change(&m)
			rows, err := d.RecordInbound(d.ctx, d.now, []store.NewInbound{m})
			if err == nil {
				verdict := store.Verdict{Kind: store.KindDirect}
				_, err = d.DecideInbound(d.ctx, d.now, []store.Decision{{ID: rows[0].ID, Verdict: verdict}})
			}
			return err
		}
	}
	for name, change := range strangeDecisions(text) {
		all["DecideInbound "+name] = func() error {
			n := d.mint()
			rows, err := d.RecordInbound(d.ctx, d.now, []store.NewInbound{{
				Mailbox: "us", UIDValidity: 1, UID: uint32(n), InternalDate: d.now, Hash: [32]byte{byte(n), byte(n >> 8)},
			}})
			if err != nil {
				return err
			}
			decision := store.Decision{
				ID: rows[0].ID, Verdict: store.Verdict{Kind: store.KindDirect, Answer: true},
				Answer: &store.Outbound{
					Kind: store.MailAutoResponse, Region: "us", From: "us@desk.example", To: "zoe@a.example",
					MessageID: messageIDOf(n),
				},
			}
			change(&decision)
			_, err = d.DecideInbound(d.ctx, d.now, []store.Decision{decision})
			return err
		}
	}
	for name, verb := range d.strangeOthers(text) {
		all[name] = verb
	}
	return all
}

func strangeTickets(text string) map[string]func(*store.NewTicket) {
	type ticket = store.NewTicket
	return map[string]func(*ticket){
		"region":     func(n *ticket) { n.Region.ID = text },
		"prefix":     func(n *ticket) { n.Region.Prefix = text },
		"from":       func(n *ticket) { n.Region.Address = text },
		"from name":  func(n *ticket) { n.Region.Name = text },
		"languages":  func(n *ticket) { n.Requester.Lang, n.Region.Languages = "", []string{text} },
		"channel":    func(n *ticket) { n.Channel = store.Channel(text) },
		"name":       func(n *ticket) { n.Requester.Name = text },
		"email":      func(n *ticket) { n.Requester.Email = text },
		"domain":     func(n *ticket) { n.Requester.Email = "a@" + text },
		"company":    func(n *ticket) { n.Requester.Company = text },
		"country":    func(n *ticket) { n.Requester.Country = text },
		"lang":       func(n *ticket) { n.Requester.Lang = text },
		"category":   func(n *ticket) { n.Category = text },
		"title":      func(n *ticket) { n.Title = text },
		"body":       func(n *ticket) { n.Body = text },
		"file":       func(n *ticket) { n.Files[0].Name = text },
		"file type":  func(n *ticket) { n.Files[0].Type = text },
		"hash":       func(n *ticket) { n.Files[0].Hash = store.BlobHash(text) },
		"Message-ID": func(n *ticket) { n.MessageID = text },
		"key":        func(n *ticket) { n.Idempotency = text },
		"budget":     func(n *ticket) { n.Budgets = []store.Budget{{Name: text, Limit: 1, Window: time.Hour}} },
		"budget's":   func(n *ticket) { n.Budgets = []store.Budget{{Name: "b", Key: text, Limit: 1, Window: time.Hour}} },
	}
}

func strangeMails(text string) map[string]func(*store.NewInbound) {
	type mail = store.NewInbound
	return map[string]func(*mail){
		"mailbox":    func(m *mail) { m.Mailbox = text },
		"Message-ID": func(m *mail) { m.MessageID = text },
		"from":       func(m *mail) { m.From = text },
		"from <>":    func(m *mail) { m.From = "<" + text + ">" },
		"from @":     func(m *mail) { m.From = "a@" + text },
		"subject":    func(m *mail) { m.Subject = text },
		"blob":       func(m *mail) { m.Raw, m.Blob = nil, store.BlobHash(text) },
	}
}

func strangeDecisions(text string) map[string]func(*store.Decision) {
	type decision = store.Decision
	silent := func(n *decision, r store.Report) {
		n.Answer, n.Verdict.Kind, n.Verdict.Reports = nil, store.KindBounce, []store.Report{r}
	}
	return map[string]func(*decision){
		"kind": func(n *decision) { n.Answer, n.Verdict.Kind = nil, store.Kind(text) },
		"rule": func(n *decision) {
			n.Verdict.Rules = []store.Rule{{ID: text, Effect: store.EffectNote, Evidence: text}}
		},
		"decider": func(n *decision) {
			n.Answer, n.Verdict.Rules = nil, []store.Rule{{ID: text, Effect: store.EffectStop}}
		},
		"recipient": func(n *decision) { silent(n, store.Report{Recipient: text, Action: store.Action(text), Status: text}) },
		"diagnostic": func(n *decision) {
			silent(n, store.Report{
				Action: "failed", Outcome: store.OutcomeRefused, Outbound: 1, Tie: store.TieEnvelope,
				Diagnostic: text, Host: text, Reason: text,
			})
		},
		"to":         func(n *decision) { n.Answer.To = text },
		"to domain":  func(n *decision) { n.Answer.To = "a@" + text },
		"from":       func(n *decision) { n.Answer.From = text },
		"Message-ID": func(n *decision) { n.Answer.MessageID = text },
		"thread":     func(n *decision) { n.Answer.InReplyTo, n.Answer.References = text, []string{text} },
		"region":     func(n *decision) { n.Answer.Region = text },
		"langs":      func(n *decision) { n.Answer.Langs = []string{text} },
		"sender":     func(n *decision) { n.Limits.Sender, n.Limits.Period = text, time.Hour },
		"budget": func(n *decision) {
			n.Limits.Budgets = []store.Budget{{Name: text, Key: text, Limit: 1, Window: time.Hour}}
		},
	}
}

func (d *desk) strangeOthers(text string) map[string]func() error {
	opened := d.opens()
	claim := store.Claim{Limit: 1000, Lease: store.Leases{time.Hour}}
	finish := func(f store.Finish) error {
		rows, err := d.ClaimOutbound(d.ctx, d.now, claim)
		for _, row := range rows {
			g := f
			g.ID, g.Claim = row.ID, row.Claim
			err = errors.Join(err, d.FinishOutbound(d.ctx, d.now, g))
			if errors.Is(err, store.ErrInvalid) { // it is not to stay claimed
				d.must(d.FinishOutbound(d.ctx, d.now, store.Finish{ID: row.ID, Claim: row.Claim, State: store.StateSent}))
			}
		}
		return err
	}
	mail := store.NewMail{
		Kind: store.MailAlarm, From: "a@a.example", To: "b@b.example", MessageID: messageIDOf(d.mint()),
		Subject: text, Text: text, FromName: text, Mark: text,
	}
	return map[string]func() error{
		"AppendMessage": func() error {
			e, err := d.AppendMessage(d.ctx, d.now, store.ByPartner(opened.Ticket.Link),
				store.NewMessage{Link: opened.Ticket.Link, Body: text, Idempotency: text})
			if err == nil && e.Body != text {
				err = fmt.Errorf("came back as %.40q", e.Body)
			}
			return err
		},
		"TicketByNumber": func() error {
			_, err := d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, text)
			return err
		},
		"TicketByNumber US": func() error {
			_, err := d.TicketByNumber(d.ctx, store.ByService(), store.ActReadTicket, text+"-1001")
			return err
		},
		"TicketsByRequester": func() error { _, err := d.lists().ticketsOf(text); return err },
		"QueueMail":          func() error { _, err := d.QueueMail(d.ctx, d.now, mail); return err },
		"QueueMail to": func() error {
			m := mail
			m.MessageID += "2"
			m.To = text
			_, err := d.QueueMail(d.ctx, d.now, m)
			return err
		},
		"QueueMail id": func() error { m := mail; m.MessageID = text; _, err := d.QueueMail(d.ctx, d.now, m); return err },
		"FinishOutbound": func() error {
			report := store.Report{
				Action: "failed", Outcome: store.OutcomeRefused, Diagnostic: text, Reason: text, Status: text,
			}
			return finish(store.Finish{State: store.StateFailed, Reply: text, Enhanced: text, Report: report})
		},
		"OutboundByMessageID": func() error { _, err := d.OutboundByMessageID(d.ctx, text); return err },
		"OutboundsTo":         func() error { _, err := d.lists().mailsTo(text); return err },
		"ConnectMailbox":      func() error { _, err := d.ConnectMailbox(d.ctx, d.now, text); return err },
		"BeginEpoch":          func() error { _, err := d.BeginEpoch(d.ctx, d.now, text, 1); return err },
		"SkipTo":              func() error { return d.SkipTo(d.ctx, text, 1, 1) },
		"InboundByMessageID":  func() error { _, err := d.lists().byMessageID(text); return err },
		"InboundByUID":        func() error { _, err := d.InboundByUID(d.ctx, text, 1, 1); return err },
		"PendingInbound":      func() error { _, err := d.lists().pending(text); return err },
		"LatestInbound":       func() error { _, err := d.LatestInbound(d.ctx, text); return err },
		"MailboxResponder":    func() error { _, err := d.MailboxResponder(d.ctx, text); return err },
		"SwitchResponder": func() error {
			_, err := d.SwitchResponder(d.ctx, d.now, as(text), store.Switch{Mailbox: text, On: true, Reason: text})
			return err
		},
		"SearchInbound": func() error {
			_, err1 := d.SearchInbound(d.ctx, store.InboundQuery{Address: text, Mailbox: text}, store.Page{Limit: 5})
			_, err2 := d.SearchInbound(d.ctx, store.InboundQuery{Mark: text, Decider: text}, store.Page{Limit: 5})
			_, err3 := d.SearchInbound(d.ctx, store.InboundQuery{MessageID: text}, store.Page{Limit: 5})
			return errors.Join(err1, err2, err3)
		},
		"RegionHours":  func() error { _, err := d.RegionHours(d.ctx, text, d.now, d.now.Add(time.Hour)); return err },
		"MailboxHours": func() error { _, err := d.MailboxHours(d.ctx, text, d.now, d.now.Add(time.Hour)); return err },
		"Silences":     func() error { _, err := d.Silences(d.ctx, text, d.now, d.now.Add(time.Hour)); return err },
		"BlobsReferenced": func() error {
			_, err := d.BlobsReferenced(d.ctx, []store.BlobHash{store.BlobHash(text)})
			return err
		},
		"ListBlobs": func() error {
			_, err := d.ListBlobs(d.ctx, store.Page{After: store.Cursor(text), Limit: 5})
			return err
		},
		"SuppressAddress": func() error {
			_, err := d.SuppressAddress(d.ctx, d.now, as("x"+text),
				store.Suppression{Address: "a@" + text, Scope: store.ScopeAnswers, Note: text})
			return err
		},
		"SuppressionsOf": func() error { _, err := d.SuppressionsOf(d.ctx, d.now, text); return err },
		"AddAgent": func() error {
			_, err := d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{Email: text, Name: text})
			return err
		},
		"AgentByEmail": func() error { _, err := d.AgentByEmail(d.ctx, text); return err },
		"RaiseAlarm": func() error {
			_, err := d.RaiseAlarm(d.ctx, d.now, store.Trouble{Key: text, What: text, Do: text, Level: 1})
			return err
		},
		"EndAlarm": func() error { _, err := d.EndAlarm(d.ctx, d.now, text); return err },
	}
}
