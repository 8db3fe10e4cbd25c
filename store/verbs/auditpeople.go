package verbs

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"signpost/store"
)

// The people whom rows of the audit log name. A row of the log holds their number, under its
// MAC; the name stands here alone, under a MAC of its own, so that it can be erased.

type personRecord struct {
	Name   string `cbor:"1,keyasint"` // the pseudonym of who was erased
	Erased bool   `cbor:"2,keyasint,omitempty"`
	Rows   uint64 `cbor:"3,keyasint"` // how often rows name them
	Key    string `cbor:"4,keyasint,omitempty"`
	MAC    []byte `cbor:"5,keyasint,omitempty"`
}

const pseudonymPrefix = "person-"

// pseudonym stands for a person whose name was erased.
func pseudonym(person uint64) string { return pseudonymPrefix + strconv.FormatUint(person, 10) }

func personKey(person uint64) []byte { return append([]byte{auditPerson}, u64(person)...) }

// personNameKey finds a person by name. The spellings of one address are one person, who is
// shown as the address was spelled first.
func personNameKey(name string) []byte {
	if isAddress(name) {
		name = store.AddressKey(name)
	}
	who := digestOf(name)
	return append([]byte{auditPersonName}, who[:]...)
}

func (t *txn) personRow(person uint64) (r personRecord, err error) {
	return r, t.record(bAuditPeople, personKey(person), &r)
}

func (t *txn) personMAC(key string, person uint64, r personRecord) ([]byte, bool) {
	return t.auditMAC(key, "name", u64(person), []byte(r.Name), []byte(strconv.FormatBool(r.Erased)))
}

// putPerson writes a person with the MAC over their name.
func (t *txn) putPerson(person uint64, r personRecord) error {
	r.Key = t.keys.AuditKey()
	r.MAC, _ = t.personMAC(r.Key, person, r) // the newest key is there
	return t.putRecord(bAuditPeople, personKey(person), &r)
}

// provenPerson tells whether a person's name is the one that was written, and whether the key
// that it was written under is here.
func (t *txn) provenPerson(person uint64) (proven, known bool) {
	r, err := t.personRow(person)
	if err != nil {
		return false, true
	}
	sum, known := t.personMAC(r.Key, person, r)
	return subtle.ConstantTimeCompare(sum, r.MAC) == 1, known
}

// personNamed finds the person of a name, 0 for none.
func (t *txn) personNamed(name string) uint64 {
	if number, ok := strings.CutPrefix(name, pseudonymPrefix); ok {
		person, _ := strconv.ParseUint(number, 10, 64)
		return person
	}
	return readU64(t.value(bAuditPeople, personNameKey(name)))
}

// naming turns names into numbers and back, for one row.
type naming struct {
	t   *txn
	err error
}

// number is that of a name, which one more row has now; 0 for no name.
func (p *naming) number(name string, size int) uint64 {
	name = cutValid(name, size)
	if name == "" || p.err != nil {
		return 0
	}
	person := p.t.personNamed(name)
	r, err := p.t.personRow(person)
	if errors.Is(err, store.ErrNotFound) {
		r = personRecord{Name: name}
		person, err = p.t.next(bAuditPeople)
		if err == nil {
			err = p.t.put(bAuditPeople, personNameKey(name), u64(person))
		}
	}
	if err == nil {
		r.Rows++
		err = p.t.putPerson(person, r)
	}
	p.err = err
	return person
}

// value is a value of a field as a row keeps it: in words, or as a person.
func (p *naming) value(field, value string) (words string, person uint64) {
	if valueNamesPerson(field, value) {
		return "", p.number(value, store.MaxAuditValue)
	}
	return cutValid(value, store.MaxAuditValue), 0
}

// name is a person's, words where none is meant.
func (p *naming) name(person uint64, words string) string {
	if person == 0 || p.err != nil {
		return words
	}
	r, err := p.t.personRow(person)
	if err != nil {
		p.err = wrap("person of the audit log", person, err)
	}
	return r.Name
}

// leavePerson counts a row that names a person no more, and forgets those whom none does.
func (t *txn) leavePerson(person uint64) error {
	r, err := t.personRow(person)
	if err != nil {
		return err
	}
	if r.Rows--; r.Rows > 0 {
		return t.putRecord(bAuditPeople, personKey(person), &r)
	}
	if !r.Erased {
		err = t.delete(bAuditPeople, personNameKey(r.Name))
	}
	return errors.Join(err, t.delete(bAuditPeople, personKey(person)))
}

// ErasePerson implements store.Audits.
func (s *Store) ErasePerson(
	ctx context.Context, now time.Time, by store.Actor, names []string,
) (pseudonyms []string, err error) {
	now = store.Instant(now)
	to := store.Object{Kind: store.ObjectPerson}
	err = s.actOnAll(ctx, deed{now, by, store.ActManageStaff, to}, func(t *txn) (err error) {
		pseudonyms, err = t.erasePeople(now, by, names)
		return err
	})
	if err != nil {
		return nil, wrap("erase a person, names", len(names), err)
	}
	return pseudonyms, nil
}

func (t *txn) erasePeople(now time.Time, by store.Actor, names []string) (pseudonyms []string, err error) {
	for _, name := range names {
		if err := t.mayErase(name); err != nil {
			return nil, err
		}
		person := t.personNamed(name)
		r, err := t.personRow(person)
		if errors.Is(err, store.ErrNotFound) || r.Erased {
			continue
		}
		if err := errors.Join(err, t.delete(bAuditPeople, personNameKey(r.Name))); err != nil {
			return nil, err
		}
		r.Name, r.Erased = pseudonym(person), true
		if err := t.putPerson(person, r); err != nil {
			return nil, err
		}
		err = t.audit(now, by, store.Audit{
			Event:  store.AuditPersonErased,
			Object: store.Object{Kind: store.ObjectPerson, ID: person, Name: r.Name},
		})
		if err != nil {
			return nil, err
		}
		pseudonyms = append(pseudonyms, r.Name)
	}
	return pseudonyms, nil
}

// mayErase refuses the address of an agent whose acts go on.
func (t *txn) mayErase(name string) error {
	who := agentName(name)
	id := t.value(bAgentNames, who[:])
	if id == nil {
		return nil
	}
	agent, err := t.agent(store.AgentID(readU64(id)))
	if err == nil && !agent.Disabled {
		err = fmt.Errorf("%w: the address is an agent's who may sign in; disable the account first", store.ErrConflict)
	}
	return err
}
