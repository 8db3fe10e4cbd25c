package verbs

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
)

// The audit log: rows that verbs write in their own transaction (audit) and nothing rewrites,
// but for the counts of what failed or was refused within their hour (auditcounts.go).

// audit writes the row of an act of a person who works here, at their desk or at the
// command line. What the service does by itself, and what partners do, is told elsewhere.
func (t *txn) audit(now time.Time, by store.Actor, a store.Audit) error {
	if by.Kind == store.ActorPartner || by.Account == "" {
		return nil
	}
	a.At, a.Agent, a.Account, a.Network = now, by.Agent, by.Account, by.Network
	_, err := t.addAudit(a, false)
	return err
}

// auditTime is an instant as a row keeps it, "" for none.
func auditTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func ticketObject(k store.Ticket) store.Object {
	return store.Object{Kind: store.ObjectTicket, ID: uint64(k.ID), Name: k.Number}
}

func ticketID(id store.TicketID) store.Object {
	return store.Object{Kind: store.ObjectTicket, ID: uint64(id)}
}

func outboundObject(id store.OutboundID) store.Object {
	return store.Object{Kind: store.ObjectOutbound, ID: uint64(id)}
}

// mailsObject is one mail, or several of which none is named.
func mailsObject(ids []store.OutboundID) store.Object {
	if len(ids) == 1 {
		return outboundObject(ids[0])
	}
	return store.Object{Kind: store.ObjectOutbound}
}

func mailboxObject(name string) store.Object {
	return store.Object{Kind: store.ObjectMailbox, Name: name}
}

// auditTicket writes the row of an act at the desk. What was written stands in the thread.
func (t *txn) auditTicket(
	now time.Time, by store.Actor, event store.AuditEvent, k store.Ticket, c store.Change,
) error {
	changes, err := t.auditedChange(c)
	if err != nil {
		return err
	}
	return t.audit(now, by, store.Audit{Event: event, Object: ticketObject(k), Region: k.Region, Changes: changes})
}

func (t *txn) auditedChange(c store.Change) (all []store.Changed, err error) {
	add := func(field, before, after string) {
		if before != after {
			all = append(all, store.Changed{Field: field, Before: before, After: after})
		}
	}
	add("status", string(c.StatusFrom), string(c.StatusTo))
	if c.AssigneeFrom != c.AssigneeTo {
		before, err1 := t.assigneeName(c.AssigneeFrom)
		after, err2 := t.assigneeName(c.AssigneeTo)
		err = errors.Join(err1, err2)
		add("assignee", before, after)
	}
	add("priority", string(c.PriorityFrom), string(c.PriorityTo))
	add("category", c.CategoryFrom, c.CategoryTo)
	add("tags", strings.Join(c.TagsRemoved, ", "), strings.Join(c.TagsAdded, ", "))
	return all, err
}

// assigneeName is an agent's address, "" for none.
func (t *txn) assigneeName(id store.AgentID) (string, error) {
	r, err := t.agent(id)
	if errors.Is(err, store.ErrNotFound) { // 0, or the service's own
		return "", nil
	}
	return r.Email, err
}

// ListAudits implements store.Audits.
func (s *Store) ListAudits(
	ctx context.Context, by store.Actor, q store.AuditQuery, p store.Page,
) (store.List[store.Audit], error) {
	if err := store.May(by, store.ActReadAudit, store.Anything()); err != nil {
		return store.List[store.Audit]{}, wrap("list audits, at most", p.Limit, err)
	}
	return readPage(ctx, s, "list audits, at most", p.Limit, p, func(t *txn) (listing[store.Audit], error) {
		return t.listAudits(by, q)
	})
}

func (t *txn) listAudits(by store.Actor, q store.AuditQuery) (listing[store.Audit], error) {
	who := t.personNamed(q.Account)
	l := listing[store.Audit]{name: "audits", bucket: bAudits, back: !q.Oldest}
	switch {
	case q.Object.Kind != "":
		if person := t.personNamed(q.Object.Name); person != 0 && namesPerson(q.Object) {
			q.Object.Name = pseudonym(person)
		}
		l.bucket, l.prefix = bAuditIndex, auditOf(q.Object)
	case q.Account != "":
		l.bucket, l.prefix = bAuditIndex, auditBy(who)
	}
	l.filter = strings.Join(append([]string{
		store.AddressKey(q.Account), string(q.Event), auditTime(q.Since), auditTime(q.Until), strconv.FormatBool(q.Oldest),
	}, by.Regions...), "\x00")
	low, high, err := t.auditSpan(q)
	l.between(low, high)
	l.pick = func(t *txn, key, _ []byte) (a store.Audit, wanted bool, err error) {
		id := store.AuditID(lastID(key))
		r, err := t.auditRow(id)
		wanted = store.May(by, store.ActReadAudit, store.InRegion(r.Region)) == nil &&
			(q.Account == "" || who != 0 && r.Who == who) &&
			(q.Event == "" || r.Event == string(q.Event)) && (q.Until.IsZero() || r.At < micros(q.Until)) &&
			(q.Since.IsZero() || r.At >= micros(q.Since))
		if err == nil && wanted {
			a, err = t.auditOfRecord(id, r)
		}
		return a, wanted, err
	}
	return l, err
}

// between has a list of rows whose keys end in their id show those from low to below high.
func (l *listing[T]) between(low, high uint64) {
	under := func(id uint64) []byte { return append(bytes.Clone(l.prefix), u64(id)...) }
	if l.back {
		l.start = under(high)
		l.ends = func(key []byte) bool { return lastID(key) < low }
		return
	}
	l.start = under(low)
	l.ends = func(key []byte) bool { return lastID(key) >= high }
}

// auditSpan are the ids of the rows of a time, the first and the one behind the last.
func (t *txn) auditSpan(q store.AuditQuery) (low, high uint64, err error) {
	low, high = 0, t.tx.Last(bAudits)+1
	if !q.Since.IsZero() {
		low, err = t.auditSince(q.Since)
	}
	if !q.Until.IsZero() && err == nil {
		high, err = t.auditSince(q.Until)
	}
	return low, high, err
}

// auditSince finds the id of the first row that is not older than at, by halves: rows ascend
// as time does.
func (t *txn) auditSince(at time.Time) (uint64, error) {
	low, high := uint64(0), t.tx.Last(bAudits)+1
	for low < high {
		middle := low + (high-low)/2
		key, _ := t.firstFrom(bAudits, nil, u64(middle))
		if key == nil || readU64(key) >= high {
			high = middle
			continue
		}
		r, err := t.auditRow(store.AuditID(readU64(key)))
		if err != nil {
			return 0, err
		}
		if r.At >= micros(at) {
			high = middle
		} else {
			low = readU64(key) + 1
		}
	}
	return low, nil
}

// recorded are the events of acts that change no row of a ticket, a mail or an agent, and
// the right that each needs.
func recorded(event store.AuditEvent) (store.Act, bool) {
	switch event {
	case store.AuditMailRead:
		return store.ActReadMail, true
	case store.AuditCanaryTried:
		return store.ActTryCanary, true
	case store.AuditExported:
		return store.ActReadAudit, true
	case store.AuditSecretRotated, store.AuditSecretRevoked, store.AuditSecretDropped:
		return store.ActManageSecrets, true
	}
	return "", false
}

// RecordAct implements store.Audits.
func (s *Store) RecordAct(
	ctx context.Context, now time.Time, by store.Actor, event store.AuditEvent, o store.Object,
) error {
	act, ok := recorded(event)
	if !ok {
		return wrap("record act", event, invalid("the verb of that act records it"))
	}
	now = store.Instant(now)
	d := deed{now, by, act, o}
	write := func(t *txn) error { return t.audit(now, by, store.Audit{Event: event, Object: o}) }
	if event == store.AuditExported { // of what the actor sees
		return wrap("record act", event, s.act(ctx, d, 0, write))
	}
	return wrap("record act", event, s.actOnAll(ctx, d, write))
}

// audits checks that each row is found by who did it and by what it was done to, that the
// people whom rows name are there, and the chain where the keys are here.
func (c *checker) audits() error {
	named := map[uint64]uint64{}
	err := c.each(bAudits, func(key, _ []byte) error {
		id := store.AuditID(readU64(key))
		r, err := c.auditRow(id)
		if err != nil {
			return wrap("audit", id, err)
		}
		for _, index := range auditKeys(id, r) {
			c.want(bAuditIndex, index, nil, "audit", id)
		}
		for _, person := range r.people() {
			named[person]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(c.auditPeople(named), c.auditCounts(), c.auditChain())
}

func (c *checker) auditCounts() error {
	prefix := []byte{auditCounted}
	return c.walk(bAuditIndex, prefix, prefix, func(key, value []byte) (bool, error) {
		c.saw(bAuditIndex, key, value)
		if r, err := c.auditRow(store.AuditID(readU64(value))); err != nil || !r.Counts {
			c.fault("audit %d counts what failed or was refused in an hour, and is none of them", readU64(value))
		}
		return true, nil
	})
}

func (c *checker) auditPeople(named map[uint64]uint64) error {
	err := c.each(bAuditPeople, func(key, value []byte) error {
		if key[0] == auditPersonName {
			c.saw(bAuditPeople, key, value)
			return nil
		}
		person := readU64(key[1:])
		r, err := c.personRow(person)
		if err != nil {
			return wrap("person of the audit log", person, err)
		}
		c.saw(bAuditPeople, key, value)
		if found := readU64(c.value(bAuditPeople, personNameKey(r.Name))); !r.Erased && found != person {
			c.fault("person %d of the audit log is found as %d", person, found)
		}
		if r.Rows != named[person] {
			c.fault("person %d of the audit log is named %d times, says %d", person, named[person], r.Rows)
		}
		delete(named, person)
		return nil
	})
	for person := range named {
		c.fault("person %d is named in the audit log, and not there", person)
	}
	return err
}

// auditChain proves the chain. Keys that are not here are no fault of a store that has none.
func (c *checker) auditChain() error {
	head, err := c.auditHead()
	if _, none := c.keys.(plainKeys); none && (err != nil || head.Key != "") {
		return nil
	}
	run, err := c.verifyAudits(store.AuditHead{}, math.MaxInt)
	if run.Broken != nil {
		c.fault("audit %d: %s", run.Broken.ID, run.Broken.Why)
	}
	return err
}

func agentObject(a store.Agent) store.Object {
	return store.Object{Kind: store.ObjectAgent, ID: uint64(a.ID), Name: a.Email}
}

// passkeyChanges are the passkeys that an agent has more or less, by their names.
func passkeyChanges(was, is []store.Passkey) (all []store.Changed) {
	names := func(keys, but []store.Passkey) (names []string) {
		for _, k := range keys {
			if !slices.ContainsFunc(but, func(other store.Passkey) bool { return other.ID == k.ID }) {
				names = append(names, k.Name)
			}
		}
		return names
	}
	less, more := strings.Join(names(was, is), ", "), strings.Join(names(is, was), ", ")
	if less != more {
		all = append(all, store.Changed{Field: "passkey", Before: less, After: more})
	}
	return all
}

// agentChanges are what a change of an agent did; of secrets that they changed, and no
// more.
func agentChanges(was, is store.Agent) (all []store.Changed) {
	add := func(field, before, after string) {
		if before != after {
			all = append(all, store.Changed{Field: field, Before: before, After: after})
		}
	}
	add("name", was.Name, is.Name)
	add("roles", strings.Join(roleNames(was.Roles), ", "), strings.Join(roleNames(is.Roles), ", "))
	add("regions", strings.Join(was.Regions, ", "), strings.Join(is.Regions, ", "))
	add("enabled", yesNo(was.ID != 0 && !was.Disabled), yesNo(!is.Disabled))
	add("two-step sign-in", yesNo(len(was.TOTP) > 0), yesNo(len(is.TOTP) > 0))
	if was.Password != is.Password && was.ID != 0 {
		all = append(all, store.Changed{Field: "password", After: "changed"})
	}
	if !bytes.Equal(was.TOTP, is.TOTP) && len(was.TOTP) > 0 && len(is.TOTP) > 0 {
		all = append(all, store.Changed{Field: "authenticator", After: "changed"})
	}
	if !slices.Equal(was.Recovery, is.Recovery) && len(is.Recovery) >= len(was.Recovery) {
		all = append(all, store.Changed{Field: "recovery codes", After: "changed"})
	}
	all = append(all, passkeyChanges(was.Passkeys, is.Passkeys)...)
	if !reflect.DeepEqual(was.Profile, is.Profile) {
		all = append(all, store.Changed{Field: "profile", After: "changed"})
	}
	add("away until", awayDay(was), awayDay(is))
	if was.Generation != is.Generation {
		all = append(all, store.Changed{Field: "sessions", After: "ended"})
	}
	return all
}

func awayDay(a store.Agent) string {
	if a.AwayUntil.IsZero() {
		return ""
	}
	return a.AwayUntil.UTC().Format("2006-01-02 15:04 MST")
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
