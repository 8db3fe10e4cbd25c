package verbs

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
)

// testKeys are keys by their names, the first of which is the newest.
type testKeys []string

func (k testKeys) AuditKey() string { return k[0] }

func (k testKeys) AuditMAC(key string, data []byte) ([]byte, bool) {
	mac := hmac.New(sha256.New, []byte("key of "+key))
	mac.Write(data)
	return mac.Sum(nil), slices.Contains(k, key)
}

var auditNow = time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)

// auditedStore is a store whose log has a few rows, of two hours.
func auditedStore(t *testing.T, keys store.AuditKeys) *Store {
	t.Helper()
	e, err := memory.Open(Layouts(), memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(e, Options{AuditKeys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for i := range 5 {
		acts(t, s, auditNow.Add(time.Duration(i)*time.Hour), fmt.Sprintf("p%d@partner.example", i))
	}
	return s
}

func acts(t *testing.T, s *Store, now time.Time, address string) {
	t.Helper()
	by := store.Actor{Kind: store.ActorStaff, Agent: 7, Account: "ops@desk.example", Roles: store.Roles()}
	n := store.Suppression{Address: address, Scope: store.ScopeAll}
	if _, err := s.SuppressAddress(t.Context(), now, by, n); err != nil {
		t.Fatal(err)
	}
	if err := s.FailSignIn(t.Context(), now, 0, "192.0.2.0/24"); err != nil {
		t.Fatal(err)
	}
}

// tamper changes rows behind the verbs' back.
func tamper(t *testing.T, s *Store, with func(*txn) error) {
	t.Helper()
	if err := s.write(t.Context(), 0, with); err != nil {
		t.Fatal(err)
	}
}

func broken(t *testing.T, s *Store) *store.AuditFault {
	t.Helper()
	run, err := s.VerifyAudits(t.Context(), store.AuditHead{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return run.Broken
}

// Whatever is done to the log by who has the store's file and not the secret shows, at the
// row it was done to or the next one.
func TestEveryChangeOfTheAuditLogShows(t *testing.T) {
	t.Parallel()
	row := func(id store.AuditID, change func(*auditRecord)) func(*txn) error {
		return func(tx *txn) error {
			r, err := tx.auditRow(id)
			if err != nil {
				return err
			}
			change(&r)
			return tx.putRecord(bAudits, u64(uint64(id)), &r)
		}
	}
	for name, one := range map[string]struct {
		at   store.AuditID
		with func(*txn) error
	}{
		"who did it":    {3, row(3, func(r *auditRecord) { r.Who = r.Named })},
		"when":          {3, row(3, func(r *auditRecord) { r.At++ })},
		"a value":       {3, row(3, func(r *auditRecord) { r.Changes[0].After = "automatic" })},
		"the MAC":       {3, row(3, func(r *auditRecord) { r.MAC[0] ^= 1 })},
		"no MAC":        {3, row(3, func(r *auditRecord) { r.MAC, r.Key = nil, "" })},
		"a count":       {4, row(4, func(r *auditRecord) { r.Count = 1000 })},
		"that it does":  {4, row(4, func(r *auditRecord) { r.Counts, r.CountMAC = false, nil })},
		"a removed row": {6, func(tx *txn) error { return tx.delete(bAudits, u64(5)) }},
		"the first row": {2, func(tx *txn) error { return tx.delete(bAudits, u64(1)) }},
		"the last row":  {10, func(tx *txn) error { return tx.delete(bAudits, u64(10)) }},
		"a row twice": {4, func(tx *txn) error {
			return tx.put(bAudits, u64(4), slices.Clone(tx.value(bAudits, u64(3))))
		}},
		"rows in another order": {3, func(tx *txn) error {
			third, fifth := slices.Clone(tx.value(bAudits, u64(3))), slices.Clone(tx.value(bAudits, u64(5)))
			return cmpOr(tx.put(bAudits, u64(3), fifth), tx.put(bAudits, u64(5), third))
		}},
		"a row that cannot be read": {5, func(tx *txn) error { return tx.put(bAudits, u64(5), []byte("x")) }},
		"a name": {1, func(tx *txn) error {
			r, err := tx.personRow(1)
			r.Name = "innocent@desk.example"
			return cmpOr(err, tx.putRecord(bAuditPeople, personKey(1), &r))
		}},
		"two names exchanged": {1, func(tx *txn) error {
			one, two := slices.Clone(tx.value(bAuditPeople, personKey(1))), slices.Clone(tx.value(bAuditPeople, personKey(2)))
			return cmpOr(tx.put(bAuditPeople, personKey(1), two), tx.put(bAuditPeople, personKey(2), one))
		}},
		"a name erased without the secret": {1, func(tx *txn) error {
			r, err := tx.personRow(1)
			r.Name, r.Erased = pseudonym(1), true
			return cmpOr(err, tx.putRecord(bAuditPeople, personKey(1), &r))
		}},
		"the end, with the head before it": {0, func(tx *txn) error {
			r, err := tx.auditRow(9)
			h, err2 := tx.auditHead()
			h.ID, h.At, h.MAC = 9, r.At, r.MAC
			return cmpOr(err, err2, tx.putRecord(bMeta, []byte(auditHeadKey), &h), tx.delete(bAudits, u64(10)))
		}},
		"the head": {0, func(tx *txn) error { return tx.delete(bMeta, []byte(auditHeadKey)) }},
		"a stub of one's own": {0, func(tx *txn) error {
			r, err := tx.auditRow(4)
			stub := auditStubRecord{First: 1, Last: 4, Count: 4, Until: r.At, MAC: r.MAC, Key: "new", Proof: r.MAC}
			err = cmpOr(err, tx.putRecord(bMeta, []byte(auditStubKey), &stub))
			for id := range uint64(4) {
				err = cmpOr(err, tx.delete(bAudits, u64(id+1)))
			}
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := auditedStore(t, testKeys{"new"})
			if fault := broken(t, s); fault != nil {
				t.Fatalf("before: %+v", fault)
			}
			tamper(t, s, one.with)
			if fault := broken(t, s); fault == nil || fault.ID != one.at {
				t.Errorf("it shows as %+v, want row %d", fault, one.at)
			}
			if err := s.Check(t.Context()); err == nil {
				t.Error("Check finds nothing")
			}
		})
	}
}

func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Rows are proven under the key that they were made with, as long as it is here.
func TestTheAuditLogOutlivesTheKeyThatBeganIt(t *testing.T) {
	t.Parallel()
	s := auditedStore(t, testKeys{"old"})
	head, err := s.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.keys = testKeys{"new", "old"}
	acts(t, s, auditNow.Add(5*time.Hour), "q@partner.example")
	if fault := broken(t, s); fault != nil {
		t.Errorf("after a new key: %+v", fault)
	}
	if fault, err := s.ProveAuditHead(t.Context(), head); fault != nil || err != nil {
		t.Errorf("a head of the old key: %+v, %v", fault, err)
	}
	s.keys = testKeys{"new"}
	if fault := broken(t, s); fault == nil || fault.ID != 1 || !strings.Contains(fault.Why, `"old", which is not here`) {
		t.Errorf("without the old key: %+v", fault)
	}
}
