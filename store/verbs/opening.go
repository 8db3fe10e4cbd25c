package verbs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/text"
)

// opening is a NewTicket made ready outside the transaction.
type opening struct {
	store.NewTicket
	now       time.Time
	key       digest // of the idempotency key
	first     store.Entry
	entry     []byte // first, encoded
	budgets   []metered
	confirmed bool // see Opening
	follows   store.Ticket
}

// Opening is one ticket of OpenTickets.
type Opening struct {
	Now    time.Time
	Ticket store.NewTicket
	// Confirmed writes the confirmation as sent at Now: for a past that nobody is
	// to be mailed about.
	Confirmed bool
}

// OpenTicket implements store.Tickets.
func (s *Store) OpenTicket(ctx context.Context, now time.Time, n store.NewTicket) (opened store.Opened, err error) {
	o, err := s.prepare(now, n)
	if err == nil {
		err = s.writePlanned(ctx, o.plan(), func(t *txn) (err error) {
			opened, err = t.openTicket(o)
			return err
		})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		opened = store.Opened{}
	}
	return opened, wrap("open ticket in region", n.Region.ID, err)
}

// OpenTickets opens a batch in one transaction, each as OpenTicket would: all of
// them or none. It fills a store fast; a batch of a few thousand is best.
func (s *Store) OpenTickets(ctx context.Context, batch []Opening) ([]store.Opened, error) {
	prepared := make([]opening, len(batch))
	for i, b := range batch {
		var err error
		if prepared[i], err = s.prepare(b.Now, b.Ticket); err != nil {
			return nil, wrap("open ticket of batch", i, err)
		}
		prepared[i].confirmed = b.Confirmed
	}
	opened := make([]store.Opened, len(batch))
	err := s.write(ctx, engine.GroupBytes, func(t *txn) (err error) {
		for i, o := range prepared {
			if opened[i], err = t.openTicket(o); err != nil {
				return wrap("open ticket of batch", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func (s *Store) prepare(now time.Time, n store.NewTicket) (opening, error) {
	if err := checkNewTicket(now, n); err != nil {
		return opening{}, err
	}
	o := opening{NewTicket: n, now: store.Instant(now), budgets: meter(n.Budgets)}
	o.LinkExpires = store.Instant(n.LinkExpires)
	o.Promise = store.Promise{
		FirstResponseBy: kept(n.Promise.FirstResponseBy),
		ResolutionBy:    kept(n.Promise.ResolutionBy),
	}
	if n.Idempotency != "" {
		o.key = digestOf("open", n.Idempotency)
	}
	o.first = store.Entry{
		Kind: store.EntryMessage, Author: n.Requester.Name, At: o.now, Body: n.Body, Files: n.Files,
		By: store.ActorPartner,
	}
	if n.Channel == store.ChannelCanary {
		o.first.By = store.ActorService
	}
	var err error
	o.entry, err = s.codec.entryBytes(o.first)
	return o, err
}

// kept is store.Instant, but no promise stays none.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return store.Instant(t)
}

func checkNewTicket(now time.Time, n store.NewTicket) error {
	switch {
	case n.Region.ID == "" || n.Region.Prefix == "" || n.Region.Address == "":
		return invalid("the region needs an id, a prefix and an address")
	case badName(n.Region.ID) || badName(n.Region.Prefix):
		return invalid("the region's id or prefix is no name")
	case n.Requester.Email == "":
		return invalid("no requester")
	case n.MessageID == "" && !mayBeUntold(n.Channel):
		return invalid("no Message-ID for the confirmation")
	case n.Link == (store.LinkID{}) && (n.MessageID != "" || !mayBeUntold(n.Channel)):
		return invalid("no link")
	case n.Link != (store.LinkID{}) && !n.LinkExpires.After(now):
		return invalid("the link expires before it is mailed")
	case len(n.Idempotency) > store.MaxIdempotencyKey:
		return invalid("the idempotency key is longer than 200 bytes")
	case len(n.Requester.Name)+len(n.Requester.Email)+len(n.Requester.Company)+
		len(n.Category)+len(n.Title)+len(n.MessageID) > store.MaxField:
		return invalid("the fields are longer than 16 KiB together")
	}
	return errors.Join(checkText(n.Body, n.Files), checkBudgets(n.Budgets))
}

// mayBeUntold tells a channel whose tickets may do without a confirmation.
func mayBeUntold(c store.Channel) bool { return c == store.ChannelDesk || c == store.ChannelAPI }

func checkText(body string, files []store.File) error {
	if len(body) > store.MaxBody || len(files) > store.MaxFiles {
		return invalid("an entry holds at most 4 MiB of text and 1,000 files")
	}
	for _, f := range files {
		if _, ok := blobKey(f.Hash); !ok {
			return invalid("a file's hash is no SHA-256 in lower-case hex")
		}
	}
	return nil
}

func checkBudgets(budgets []store.Budget) error {
	for _, b := range budgets {
		if !b.Unlimited() && b.Window < time.Microsecond {
			return invalid("budget " + b.Name + " has no window")
		}
		if !text.IsValid(b.Name) {
			return invalid("the name of a budget is no valid text")
		}
	}
	return nil
}

// openTicket writes an opening. Everything that can be refused is looked at
// before the first write.
func (t *txn) openTicket(o opening) (store.Opened, error) {
	if o.Idempotency != "" {
		if used, ok := t.usedPost(o.key, o.now); ok {
			return t.reopened(o, used)
		}
	}
	if err := t.unusedBy(o); err != nil {
		return store.Opened{}, err
	}
	if err := t.findFollowed(&o); err != nil {
		return store.Opened{}, err
	}
	p, err := t.allowed(o.now, o.Requester.Email, store.MailConfirmation, o.budgets)
	if err != nil {
		return store.Opened{}, err
	}
	ticket, err := t.newTicket(o, p.dead)
	if err == nil {
		err = t.tellFollowed(o, ticket)
	}
	if err != nil {
		return store.Opened{}, err
	}
	mail, err := t.confirm(o, ticket, p)
	if err != nil {
		return store.Opened{}, err
	}
	if o.Idempotency != "" {
		err = t.putPost(o.key, post{ticket.ID, 1, o.now, o.Fingerprint})
	}
	return store.Opened{Ticket: ticket, Confirmation: mail}, err
}

// unusedBy refuses the link or the Message-ID of an opening that was given out before.
func (t *txn) unusedBy(o opening) error {
	if o.Link != (store.LinkID{}) && t.has(bLinks, o.Link[:]) {
		return invalid("the link is in use")
	}
	if o.MessageID == "" {
		return nil
	}
	return t.unused(o.MessageID)
}

// confirm writes the confirmation of a ticket, where it is to have one.
func (t *txn) confirm(o opening, k store.Ticket, p permit) (store.Outbound, error) {
	if o.MessageID == "" {
		return store.Outbound{}, nil
	}
	mail := confirmation(o.now, o.Region, k, o.MessageID)
	if o.confirmed {
		mail.State, mail.Attempts, mail.DoneAt, mail.DueAt = store.StateSent, 1, o.now, time.Time{}
	}
	return mail, t.addConfirmation(o.now, &mail, p, o.Network)
}

// reopened answers a repeated post.
func (t *txn) reopened(o opening, used post) (store.Opened, error) {
	ticket, err := t.ticket(used.ticket)
	if err != nil {
		return store.Opened{}, err
	}
	mail, err := t.confirmationOf(ticket.ID)
	if err == nil && used.fingerprint != o.Fingerprint {
		err = fmt.Errorf("%w: the idempotency key was used with another content", store.ErrConflict)
	}
	return store.Opened{Ticket: ticket, Confirmation: mail, Replayed: true}, err
}

// confirmationOf is the confirmation that was written with a ticket, its first mail
// then; zero for a ticket without one.
func (t *txn) confirmationOf(id store.TicketID) (mail store.Outbound, err error) {
	key, _ := t.first(bTickets, underTicket(id, ofTicketMail))
	if key == nil {
		return mail, nil
	}
	mail, err = t.outbound(outboxID(key))
	if err == nil && mail.Kind != store.MailConfirmation {
		mail = store.Outbound{}
	}
	return mail, err
}

// newTicket writes the ticket, its number, its thread, its link and its
// deadlines. dead: its requester's address is.
func (t *txn) newTicket(o opening, dead bool) (store.Ticket, error) {
	id, err := t.next(bTickets)
	if err != nil {
		return store.Ticket{}, err
	}
	k := store.Ticket{
		ID: store.TicketID(id), Region: o.Region.ID, Channel: o.Channel, Status: store.StatusOpen,
		Requester: o.Requester, Category: o.Category, Title: o.Title, OpenedAt: o.now, ChangedAt: o.now,
		Promise: o.Promise, Link: o.Link, Priority: store.PriorityNormal,
	}
	if k.Follows = o.follows.ID; k.Follows != 0 {
		k.ProvenAt = o.now
	}
	if dead {
		k.Question = store.QuestionUndeliverable
	}
	if o.Channel == store.ChannelCanary {
		k.Status, k.Question = store.StatusSolved, ""
	}
	k.Promise = t.rules.promise(store.MomentOpened, k, o.now)
	if err := t.number(&k, o.Region.Prefix); err != nil {
		return k, err
	}
	if err := t.appendEntry(&k, &o.first, o.entry); err != nil {
		return k, err
	}
	who := digestOf(store.AddressKey(k.Requester.Email))
	if err := t.put(bRequesters, digestID(who, id), []byte{}); err != nil {
		return k, err
	}
	if k.Link != (store.LinkID{}) {
		if err := t.putLink(k, o.LinkExpires); err != nil {
			return k, err
		}
	}
	t.addCount(countTicket, k.Region, 1)
	return k, t.countOpened(k)
}

// number gives the ticket the next number of the prefix.
func (t *txn) number(k *store.Ticket, prefix string) error {
	name := string(numberPrefix(prefix))
	last := max(t.count(countNumber, name), store.FirstNumber-1)
	k.Number = prefix + "-" + strconv.FormatUint(last+1, 10)
	t.setCount(countNumber, name, last+1)
	return t.put(bNumbers, numberKey(prefix, last+1), u64(uint64(k.ID)))
}

// confirmation is the mail that tells a requester of a ticket and its page.
func confirmation(now time.Time, region store.Region, k store.Ticket, messageID string) store.Outbound {
	lang := k.Requester.Lang
	if lang == "" && len(region.Languages) > 0 {
		lang = region.Languages[0]
	}
	mail := store.Outbound{
		Kind: store.MailConfirmation, Region: region.ID, From: region.Address, FromName: region.Name,
		To: k.Requester.Email, MessageID: messageID, Ticket: k.ID, Number: k.Number, Promise: k.Promise,
		Link: k.Link, QueuedAt: now, State: store.StateQueued, DueAt: now,
	}
	if lang != "" {
		mail.Langs = []string{lang}
	}
	return mail
}

// AppendMessage implements store.Tickets.
func (s *Store) AppendMessage(
	ctx context.Context, now time.Time, by store.Actor, m store.NewMessage,
) (entry store.Entry, err error) {
	now = store.Instant(now)
	d := deed{now: now, by: by, act: store.ActWriteMessage}
	err = s.asked(ctx, d, checkThrough(by, m.Link))
	if err == nil {
		err = checkText(m.Body, m.Files)
	}
	if err == nil && len(m.Idempotency) > store.MaxIdempotencyKey {
		err = invalid("the idempotency key is longer than 200 bytes")
	}
	if err == nil {
		err = s.actPlanned(ctx, d, planOfMessage(m), func(t *txn) (err error) {
			entry, err = t.appendMessage(now, by, m)
			return err
		})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) {
		entry = store.Entry{}
	}
	return entry, wrap("append message to the ticket of link", linkName(m.Link), err)
}

func (t *txn) appendMessage(now time.Time, by store.Actor, m store.NewMessage) (store.Entry, error) {
	d, err := t.door(now, m.Link)
	if err != nil {
		return store.Entry{}, err
	}
	key := messageKey(m)
	if used, ok := t.usedPost(key, now); ok && m.Idempotency != "" {
		return t.appended(used, m)
	}
	k := d.Ticket
	if k.StatusAt(now) == store.StatusClosed {
		return store.Entry{}, store.ErrClosed
	}
	if err := t.proveWriter(now, by, &k, d); err != nil {
		return store.Entry{}, err
	}
	e := store.Entry{
		Ticket: k.ID, Seq: k.Entries + 1, Kind: store.EntryMessage, Author: k.Requester.Name,
		At: now, Body: m.Body, Files: m.Files, By: store.ActorPartner,
	}
	if d.OfColleague() {
		e.Author, e.Colleague = d.Colleague.Email, d.Colleague.Number
	}
	e.Change.StatusFrom = k.Status
	t.rules.wrote(&k, now)
	if e.Change.StatusTo = k.Status; e.Change.StatusTo == e.Change.StatusFrom {
		e.Change = store.Change{}
	}
	data, err := t.codec.entryBytes(e)
	if err != nil {
		return store.Entry{}, err
	}
	// What the caller gets is read back, so that it shares no memory with m.
	if e, err = t.codec.entry(e.Ticket, e.Seq, data); err != nil {
		return store.Entry{}, err
	}
	if err := t.appendEntry(&k, &e, data); err != nil {
		return store.Entry{}, err
	}
	if m.Idempotency != "" {
		err = t.putPost(key, post{k.ID, e.Seq, now, m.Fingerprint})
	}
	return e, err
}

// proveWriter notes that who writes behind a door acted there. The ticket is still to be put.
func (t *txn) proveWriter(now time.Time, by store.Actor, k *store.Ticket, d store.Door) error {
	switch {
	case d.Proven():
		return nil
	case d.OfColleague():
		return t.join(now, by, k, d.Colleague)
	}
	k.ProvenAt = now
	return nil
}

// messageKey is the key under which a follow-up is known again.
func messageKey(m store.NewMessage) digest {
	return digestOf("append", string(m.Link[:]), m.Idempotency)
}

func (t *txn) appended(used post, m store.NewMessage) (store.Entry, error) {
	e, err := t.codec.entry(used.ticket, used.seq, t.value(bTickets, entryKey(used.ticket, used.seq)))
	if err == nil && used.fingerprint != m.Fingerprint {
		err = fmt.Errorf("%w: the idempotency key was used with another content", store.ErrConflict)
	}
	return e, err
}
