package verbs

import (
	"bytes"
	"strconv"
	"strings"

	"signpost/store"
	"signpost/store/text"
)

// The rows of the audit log: an act names people by the number of a row in auditpeople
// (auditpeople.go), and is chained to the act before it (auditchain.go).

type auditRecord struct {
	At      int64           `cbor:"1,keyasint"`
	Event   string          `cbor:"2,keyasint"`
	Agent   uint64          `cbor:"3,keyasint,omitempty"`
	Network string          `cbor:"5,keyasint,omitempty"`
	Kind    string          `cbor:"6,keyasint,omitempty"`
	Object  uint64          `cbor:"7,keyasint,omitempty"`
	Name    string          `cbor:"8,keyasint,omitempty"` // of the object, where it names no person
	Region  string          `cbor:"9,keyasint,omitempty"`
	Count   uint64          `cbor:"10,keyasint,omitempty"`
	Changes []changedRecord `cbor:"11,keyasint,omitempty"`
	Who     uint64          `cbor:"12,keyasint,omitempty"` // the person whose account it was
	Named   uint64          `cbor:"13,keyasint,omitempty"` // the person whose name the object's is
	Act     string          `cbor:"14,keyasint,omitempty"`
	Counts  bool            `cbor:"15,keyasint,omitempty"` // Count goes on within the hour
	Key     string          `cbor:"17,keyasint,omitempty"`

	MAC      []byte `cbor:"18,keyasint,omitempty"`
	CountMAC []byte `cbor:"19,keyasint,omitempty"`
}

// changedRecord holds a value, or the person whose name it is.
type changedRecord struct {
	Field  string `cbor:"1,keyasint"`
	Before string `cbor:"2,keyasint,omitempty"`
	After  string `cbor:"3,keyasint,omitempty"`
	Was    uint64 `cbor:"4,keyasint,omitempty"`
	Is     uint64 `cbor:"5,keyasint,omitempty"`
}

// people are the numbers of those a row names, as often as it names them.
func (r auditRecord) people() (all []uint64) {
	add := func(id uint64) {
		if id != 0 {
			all = append(all, id)
		}
	}
	add(r.Who)
	add(r.Named)
	for _, c := range r.Changes {
		add(c.Was)
		add(c.Is)
	}
	return all
}

// namesPerson tells whether an object's name is a person's.
func namesPerson(o store.Object) bool {
	return o.Kind == store.ObjectAgent || o.Kind == store.ObjectSuppression || isAddress(o.Name)
}

// valueNamesPerson tells whether a value of a field is a person's name.
func valueNamesPerson(field, value string) bool {
	return field == "name" || field == "assignee" || field == "requester" || isAddress(value)
}

func isAddress(text string) bool { return strings.Contains(text, "@") && !strings.Contains(text, " ") }

func cutValid(s string, size int) string { return text.Cut(text.Valid(s), size) }

// auditRecordOf is the record of a row, without its MACs. It writes the people whom it
// names.
func (t *txn) auditRecordOf(a store.Audit) (auditRecord, error) {
	r := auditRecord{
		At: micros(a.At), Event: string(a.Event), Act: string(a.Act), Agent: uint64(a.Agent),
		Network: cutValid(a.Network, store.MaxName), Kind: string(a.Object.Kind), Object: a.Object.ID,
		Region: a.Region, Count: a.Count,
	}
	p := naming{t: t}
	r.Who = p.number(a.Account, store.MaxFrom)
	if namesPerson(a.Object) {
		r.Named = p.number(a.Object.Name, store.MaxFrom)
	} else {
		r.Name = cutValid(a.Object.Name, store.MaxFrom)
	}
	for _, c := range a.Changes {
		kept := changedRecord{Field: c.Field}
		kept.Before, kept.Was = p.value(c.Field, c.Before)
		kept.After, kept.Is = p.value(c.Field, c.After)
		r.Changes = append(r.Changes, kept)
	}
	return r, p.err
}

// audit is a row as it is read.
func (t *txn) auditOfRecord(id store.AuditID, r auditRecord) (store.Audit, error) {
	p := naming{t: t}
	a := store.Audit{
		ID: id, At: instant(r.At), Event: store.AuditEvent(r.Event), Act: store.Act(r.Act),
		Agent: store.AgentID(r.Agent), Account: p.name(r.Who, ""), Network: r.Network,
		Object: store.Object{Kind: store.ObjectKind(r.Kind), ID: r.Object, Name: p.name(r.Named, r.Name)},
		Region: r.Region, Count: r.Count, Key: r.Key, MAC: bytes.Clone(r.MAC),
	}
	for _, c := range r.Changes {
		a.Changes = append(a.Changes, store.Changed{
			Field: c.Field, Before: p.name(c.Was, c.Before), After: p.name(c.Is, c.After),
		})
	}
	return a, p.err
}

func (t *txn) auditRow(id store.AuditID) (r auditRecord, err error) {
	return r, t.record(bAudits, u64(uint64(id)), &r)
}

// addAudit writes a row. counts tells that its count goes on.
func (t *txn) addAudit(a store.Audit, counts bool) (store.AuditID, error) {
	id, err := t.next(bAudits)
	if err != nil {
		return 0, err
	}
	r, err := t.auditRecordOf(a)
	if err != nil {
		return 0, err
	}
	r.Counts = counts
	return store.AuditID(id), t.putAudit(store.AuditID(id), r)
}

// putAudit chains a row to the one before it, and writes it where it is found.
func (t *txn) putAudit(id store.AuditID, r auditRecord) error {
	if err := t.chain(id, &r); err != nil {
		return err
	}
	if err := t.putRecord(bAudits, u64(uint64(id)), &r); err != nil {
		return err
	}
	for _, key := range auditKeys(id, r) {
		if err := t.put(bAuditIndex, key, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

// auditKeys are the index rows of a row.
func auditKeys(id store.AuditID, r auditRecord) (keys [][]byte) {
	if r.Who != 0 {
		keys = append(keys, append(auditBy(r.Who), u64(uint64(id))...))
	}
	name := r.Name
	if r.Named != 0 {
		name = pseudonym(r.Named)
	}
	of := auditOf(store.Object{Kind: store.ObjectKind(r.Kind), ID: r.Object, Name: name})
	return append(keys, append(of, u64(uint64(id))...))
}

func auditBy(person uint64) []byte { return append([]byte{auditAccount}, u64(person)...) }

// auditOf is what the index rows of an object begin with. A person's name stands there as
// their pseudonym, so that the key tells nobody's.
func auditOf(o store.Object) []byte {
	name := o.Name
	if o.ID != 0 {
		name = strconv.FormatUint(o.ID, 10)
	}
	what := digestOf(string(o.Kind), name)
	return append([]byte{auditObject}, what[:]...)
}
