package verbs

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"time"

	"signpost/store"
)

// The chain of the audit log: each row has a MAC over itself and the MAC of the row before
// it. The head, and the stub of the rows that were dropped, stand in meta and have theirs.

const (
	auditHeadKey = "audithead"
	auditStubKey = "auditstub"
)

// auditHeadRecord is the last row of the log; auditStubRecord all that were dropped.
type auditHeadRecord struct {
	ID    uint64 `cbor:"1,keyasint"`
	At    int64  `cbor:"2,keyasint"`
	Key   string `cbor:"3,keyasint,omitempty"`
	MAC   []byte `cbor:"4,keyasint"`
	Proof []byte `cbor:"5,keyasint"`
}

type auditStubRecord struct {
	First uint64 `cbor:"1,keyasint"`
	Last  uint64 `cbor:"2,keyasint"`
	Count uint64 `cbor:"3,keyasint"`
	Until int64  `cbor:"4,keyasint"`
	MAC   []byte `cbor:"5,keyasint"` // of the last
	Key   string `cbor:"6,keyasint,omitempty"`
	Proof []byte `cbor:"7,keyasint"`
}

// plainKeys are the keys of a store that was given none: what was changed shows, unless all
// that follows was hashed anew.
type plainKeys struct{}

func (plainKeys) AuditKey() string { return "" }

func (plainKeys) AuditMAC(key string, data []byte) ([]byte, bool) {
	sum := sha256.Sum256(data)
	return sum[:], key == ""
}

// auditMAC is the MAC of the parts of one kind of row; false where the key is not here.
func (t *txn) auditMAC(key, kind string, parts ...[]byte) ([]byte, bool) {
	data := append([]byte("audit "+kind), 0)
	for _, p := range parts {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(p))), p...)
	}
	return t.keys.AuditMAC(key, data)
}

// lineMAC is the MAC of a row behind another. What changes later is left out: the count that
// goes on within its hour, which countMAC is over.
func (t *txn) lineMAC(id store.AuditID, before []byte, r auditRecord) ([]byte, bool, error) {
	r.MAC, r.CountMAC = nil, nil
	if r.Counts {
		r.Count = 0
	}
	line, err := t.codec.record(&r)
	sum, known := t.auditMAC(r.Key, "line", u64(uint64(id)), before, line)
	return sum, known, err
}

func (t *txn) countMAC(id store.AuditID, r auditRecord) []byte {
	sum, _ := t.auditMAC(r.Key, "count", u64(uint64(id)), u64(r.Count))
	return sum
}

// chain gives a new row its MACs and makes it the head.
func (t *txn) chain(id store.AuditID, r *auditRecord) (err error) {
	head, err := t.auditHead()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r.Key = t.keys.AuditKey()
	if r.MAC, _, err = t.lineMAC(id, head.MAC, *r); err != nil {
		return err
	}
	if r.Counts {
		r.CountMAC = t.countMAC(id, *r)
	}
	return t.putAuditHead(auditHeadRecord{ID: uint64(id), At: r.At, Key: r.Key, MAC: r.MAC})
}

func (t *txn) auditHead() (h auditHeadRecord, err error) {
	return h, t.record(bMeta, []byte(auditHeadKey), &h)
}

func (t *txn) putAuditHead(h auditHeadRecord) error {
	h.Proof, _ = t.headProof(h)
	return t.putRecord(bMeta, []byte(auditHeadKey), &h)
}

func (t *txn) headProof(h auditHeadRecord) ([]byte, bool) {
	return t.auditMAC(h.Key, "head", u64(h.ID), u64(uint64(h.At)), h.MAC)
}

func (h auditHeadRecord) head() store.AuditHead {
	return store.AuditHead{ID: store.AuditID(h.ID), At: instant(h.At), Key: h.Key, MAC: h.MAC, Proof: h.Proof}
}

// auditStub is that of the rows dropped so far, zero for none.
func (t *txn) auditStub() (s auditStubRecord, err error) {
	err = t.record(bMeta, []byte(auditStubKey), &s)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return s, err
}

func (t *txn) putAuditStub(s auditStubRecord) error {
	s.Key = t.keys.AuditKey()
	s.Proof, _ = t.stubProof(s)
	return t.putRecord(bMeta, []byte(auditStubKey), &s)
}

func (t *txn) stubProof(s auditStubRecord) ([]byte, bool) {
	return t.auditMAC(s.Key, "stub", u64(s.First), u64(s.Last), u64(s.Count), u64(uint64(s.Until)), s.MAC)
}

func (s auditStubRecord) stub() store.AuditStub {
	if s.Count == 0 {
		return store.AuditStub{}
	}
	return store.AuditStub{
		First: store.AuditID(s.First), Last: store.AuditID(s.Last), Count: s.Count, Until: instant(s.Until), MAC: s.MAC,
	}
}

// AuditHead implements store.Audits.
func (s *Store) AuditHead(ctx context.Context) (head store.AuditHead, err error) {
	err = s.read(ctx, func(t *txn) error {
		h, err := t.auditHead()
		head = h.head()
		return err
	})
	if err != nil {
		return store.AuditHead{}, wrap("head", "of the audit log", err)
	}
	return head, nil
}

// DropAudits implements store.Audits.
func (s *Store) DropAudits(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	before = store.Instant(before)
	err = s.write(ctx, 0, func(t *txn) (err error) {
		dropped, err = t.dropAudits(before, limit)
		return err
	})
	if err != nil {
		return 0, wrap("drop audits, at most", limit, err)
	}
	return dropped, nil
}

func (t *txn) dropAudits(before time.Time, limit int) (dropped int, err error) {
	var ids []store.AuditID
	err = t.walk(bAudits, nil, nil, func(key, _ []byte) (bool, error) {
		r, err := t.auditRow(store.AuditID(readU64(key)))
		if err != nil || len(ids) == limit || !instant(r.At).Before(before) {
			return false, err
		}
		ids = append(ids, store.AuditID(readU64(key)))
		return true, nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	stub, err := t.auditStub()
	for _, id := range ids {
		err = errors.Join(err, t.dropAudit(id, &stub))
	}
	return len(ids), errors.Join(err, t.putAuditStub(stub))
}

// dropAudit takes a row into the stub.
func (t *txn) dropAudit(id store.AuditID, stub *auditStubRecord) error {
	r, err := t.auditRow(id)
	if err != nil {
		return err
	}
	if stub.Count == 0 {
		stub.First = uint64(id)
	}
	stub.Last, stub.Until, stub.MAC = uint64(id), r.At, append([]byte(nil), r.MAC...)
	stub.Count++
	for _, key := range auditKeys(id, r) {
		err = errors.Join(err, t.delete(bAuditIndex, key))
	}
	for _, person := range r.people() {
		err = errors.Join(err, t.leavePerson(person))
	}
	return errors.Join(err, t.delete(bAudits, u64(uint64(id))))
}

func sameMAC(a, b []byte) bool { return len(a) > 0 && subtle.ConstantTimeCompare(a, b) == 1 }
