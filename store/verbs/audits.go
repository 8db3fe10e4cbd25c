package verbs

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/text"
)

// The audit log: rows that verbs write in their own transaction and nothing rewrites, but
// for the counts of failed sign-ins within their hour.

type auditRecord struct {
	At      int64           `cbor:"1,keyasint"`
	Event   string          `cbor:"2,keyasint"`
	Agent   uint64          `cbor:"3,keyasint,omitempty"`
	Account string          `cbor:"4,keyasint,omitempty"`
	Network string          `cbor:"5,keyasint,omitempty"`
	Kind    string          `cbor:"6,keyasint,omitempty"`
	Object  uint64          `cbor:"7,keyasint,omitempty"`
	Name    string          `cbor:"8,keyasint,omitempty"`
	Region  string          `cbor:"9,keyasint,omitempty"`
	Count   uint64          `cbor:"10,keyasint,omitempty"`
	Changes []changedRecord `cbor:"11,keyasint,omitempty"`
}

type changedRecord struct {
	Field  string `cbor:"1,keyasint"`
	Before string `cbor:"2,keyasint,omitempty"`
	After  string `cbor:"3,keyasint,omitempty"`
}

func auditRecordOf(a store.Audit) auditRecord {
	cut := func(s string, size int) string { return text.Cut(text.Valid(s), size) }
	r := auditRecord{
		At: micros(a.At), Event: string(a.Event), Agent: uint64(a.Agent), Account: cut(a.Account, store.MaxFrom),
		Network: cut(a.Network, store.MaxName), Kind: string(a.Object.Kind), Object: a.Object.ID,
		Name: cut(a.Object.Name, store.MaxFrom), Region: a.Region, Count: a.Count,
	}
	for _, c := range a.Changes {
		r.Changes = append(r.Changes, changedRecord{
			c.Field, cut(c.Before, store.MaxAuditValue), cut(c.After, store.MaxAuditValue),
		})
	}
	return r
}

func (r auditRecord) audit(id store.AuditID) store.Audit {
	a := store.Audit{
		ID: id, At: instant(r.At), Event: store.AuditEvent(r.Event), Agent: store.AgentID(r.Agent), Account: r.Account,
		Network: r.Network, Object: store.Object{Kind: store.ObjectKind(r.Kind), ID: r.Object, Name: r.Name},
		Region: r.Region, Count: r.Count,
	}
	for _, c := range r.Changes {
		a.Changes = append(a.Changes, store.Changed(c))
	}
	return a
}

func (t *txn) auditRow(id store.AuditID) (r auditRecord, err error) {
	return r, t.record(bAudits, u64(uint64(id)), &r)
}

// audit writes the row of an act of a person who works here, at their desk or at the
// command line. What the service does by itself, and what partners do, is told elsewhere.
func (t *txn) audit(now time.Time, by store.Actor, a store.Audit) error {
	if by.Kind == store.ActorPartner || by.Account == "" {
		return nil
	}
	a.At, a.Agent, a.Account, a.Network = now, by.Agent, by.Account, by.Network
	_, err := t.addAudit(a)
	return err
}

func (t *txn) addAudit(a store.Audit) (store.AuditID, error) {
	id, err := t.next(bAudits)
	if err != nil {
		return 0, err
	}
	r := auditRecordOf(a)
	if err := t.putRecord(bAudits, u64(id), &r); err != nil {
		return 0, err
	}
	for _, key := range auditKeys(r.audit(store.AuditID(id))) {
		if err := t.put(bAuditIndex, key, []byte{}); err != nil {
			return 0, err
		}
	}
	return store.AuditID(id), nil
}

// auditKeys are the index rows of a row.
func auditKeys(a store.Audit) (keys [][]byte) {
	if a.Account != "" {
		keys = append(keys, append(auditBy(a.Account), u64(uint64(a.ID))...))
	}
	return append(keys, append(auditOf(a.Object), u64(uint64(a.ID))...))
}

func auditBy(account string) []byte {
	who := digestOf(store.AddressKey(account))
	return append([]byte{auditAccount}, who[:]...)
}

func auditOf(o store.Object) []byte {
	name := o.Name
	if o.ID != 0 {
		name = strconv.FormatUint(o.ID, 10)
	}
	what := digestOf(string(o.Kind), name)
	return append([]byte{auditObject}, what[:]...)
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
	if err := store.MayAtAll(by, store.ActReadAudit); err != nil {
		return store.List[store.Audit]{}, wrap("list audits, at most", p.Limit, err)
	}
	l := listing[store.Audit]{name: "audits", bucket: bAudits, back: true}
	switch {
	case q.Object.Kind != "":
		l.bucket, l.prefix = bAuditIndex, auditOf(q.Object)
	case q.Account != "":
		l.bucket, l.prefix = bAuditIndex, auditBy(q.Account)
	}
	account := store.AddressKey(q.Account)
	l.filter = strings.Join(append([]string{account}, by.Regions...), "\x00")
	l.pick = func(t *txn, key, _ []byte) (store.Audit, bool, error) {
		id := store.AuditID(lastID(key))
		r, err := t.auditRow(id)
		wanted := by.Sees(r.Region) && (account == "" || store.AddressKey(r.Account) == account)
		return r.audit(id), wanted, err
	}
	return readList(ctx, s, "list audits, at most", p.Limit, p, l)
}

// RecordAct implements store.Audits.
func (s *Store) RecordAct(
	ctx context.Context, now time.Time, by store.Actor, event store.AuditEvent, o store.Object,
) error {
	act, ok := map[store.AuditEvent]store.Act{
		store.AuditMailRead: store.ActReadMail, store.AuditCanaryTried: store.ActTryCanary,
	}[event]
	if !ok {
		return wrap("record act", event, invalid("the verb of that act records it"))
	}
	err := s.actOnAll(ctx, by, act, func(t *txn) error {
		return t.audit(store.Instant(now), by, store.Audit{Event: event, Object: o})
	})
	return wrap("record act", event, err)
}

// FailSignIn implements store.Audits.
func (s *Store) FailSignIn(ctx context.Context, now time.Time, account store.AgentID, network string) error {
	err := s.write(ctx, 0, func(t *txn) error { return t.failSignIn(store.Instant(now), account, network) })
	return wrap("fail sign-in of agent", account, err)
}

func (t *txn) failSignIn(now time.Time, account store.AgentID, network string) error {
	hour := hourOf(now)
	rows, ofAccount, err := t.failedIn(hour, account)
	if err != nil {
		return err
	}
	key := failedKey(hour, account, network)
	if !t.has(bAuditIndex, key) && (rows >= store.FailedSignInsOfAll || ofAccount >= store.FailedSignInsOfAccount) {
		network = ""
		key = failedKey(hour, account, network)
	}
	if found := t.value(bAuditIndex, key); found != nil {
		return t.countFailed(store.AuditID(readU64(found)))
	}
	object := store.Object{Kind: store.ObjectAgent, ID: uint64(account)}
	if account != 0 {
		agent, err := t.agent(account)
		if err != nil {
			return err
		}
		object.Name = agent.Email
	}
	id, err := t.addAudit(store.Audit{
		At: now, Event: store.AuditSignInFailed, Network: network, Object: object, Count: 1,
	})
	if err != nil {
		return err
	}
	return t.put(bAuditIndex, key, u64(uint64(id)))
}

// countFailed counts one more try in the row of its hour.
func (t *txn) countFailed(id store.AuditID) error {
	r, err := t.auditRow(id)
	if err != nil {
		return err
	}
	r.Count++
	return t.putRecord(bAudits, u64(uint64(id)), &r)
}

// failedIn counts the rows of an hour's failed sign-ins, and those of one account, and
// forgets where those of other hours stand: they are counted in no more.
func (t *txn) failedIn(hour uint32, account store.AgentID) (all, ofAccount int, err error) {
	var over [][]byte
	mine := failedPrefix(hour, account)
	prefix := []byte{auditFailed}
	err = t.walk(bAuditIndex, prefix, prefix, func(key, _ []byte) (bool, error) {
		switch {
		case readU32(key[1:]) != hour:
			over = append(over, append([]byte(nil), key...))
		case string(key[:len(mine)]) == string(mine):
			ofAccount++
			fallthrough
		default:
			all++
		}
		return true, nil
	})
	for _, key := range over {
		err = errors.Join(err, t.delete(bAuditIndex, key))
	}
	return all, ofAccount, err
}

func failedPrefix(hour uint32, account store.AgentID) []byte {
	return append(append([]byte{auditFailed}, u32(hour)...), u64(uint64(account))...)
}

func failedKey(hour uint32, account store.AgentID, network string) []byte {
	from := digestOf(network)
	return append(failedPrefix(hour, account), from[:]...)
}

// audits checks that each row is found by who did it and by what it was done to.
func (c *checker) audits() error {
	err := c.each(bAudits, func(key, _ []byte) error {
		id := store.AuditID(readU64(key))
		r, err := c.auditRow(id)
		if err != nil {
			return wrap("audit", id, err)
		}
		for _, index := range auditKeys(r.audit(id)) {
			c.want(bAuditIndex, index, nil, "audit", id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	prefix := []byte{auditFailed}
	return c.walk(bAuditIndex, prefix, prefix, func(key, value []byte) (bool, error) {
		c.saw(bAuditIndex, key, value)
		if r, err := c.auditRow(store.AuditID(readU64(value))); err != nil || r.Event != string(store.AuditSignInFailed) {
			c.fault("audit %d counts failed sign-ins, and is none of them", readU64(value))
		}
		return true, nil
	})
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
	if was.Generation != is.Generation {
		all = append(all, store.Changed{Field: "sessions", After: "ended"})
	}
	return all
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
