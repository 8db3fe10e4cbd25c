package verbs

import (
	"context"
	"fmt"

	"signpost/store"
)

// Proving the chain of the audit log (auditchain.go).

// prover walks the rows of the log, each of which must follow the one before.
type prover struct {
	*txn
	run    store.AuditRun
	people map[uint64]string // what is wrong with those that were looked at, "" for nothing
}

func (p *prover) breaks(id store.AuditID, format string, args ...any) {
	if p.run.Broken == nil {
		p.run.Broken = &store.AuditFault{ID: id, Why: fmt.Sprintf(format, args...)}
	}
}

// VerifyAudits implements store.Audits.
func (s *Store) VerifyAudits(
	ctx context.Context, after store.AuditHead, limit int,
) (run store.AuditRun, err error) {
	if limit < 1 {
		return run, wrap("verify audits, at most", limit, invalid("that looks at none"))
	}
	err = s.read(ctx, func(t *txn) error {
		run, err = t.verifyAudits(after, limit)
		return err
	})
	return run, wrap("verify audits, at most", limit, err)
}

func (t *txn) verifyAudits(after store.AuditHead, limit int) (store.AuditRun, error) {
	p := &prover{txn: t, people: map[uint64]string{}, run: store.AuditRun{
		Head: store.AuditHead{ID: after.ID, MAC: after.MAC},
	}}
	if err := p.begin(); err != nil {
		return p.run, err
	}
	from := u64(uint64(p.run.Head.ID) + 1)
	if after.ID == 0 {
		from = nil // a row within what was dropped is a fault
	}
	p.run.End = true
	err := t.walk(bAudits, nil, from, func(key, value []byte) (bool, error) {
		if p.run.Lines == uint64(limit) || p.run.Broken != nil {
			p.run.End = false
			return false, nil
		}
		p.line(store.AuditID(readU64(key)), value)
		return true, nil
	})
	if err == nil && p.run.End && p.run.Broken == nil {
		err = p.end()
	}
	return p.run, err
}

// begin begins behind the rows that were dropped.
func (p *prover) begin() error {
	stub, err := p.auditStub()
	if err != nil || stub.Count == 0 {
		return err
	}
	p.run.Dropped = stub.stub()
	switch proof, known := p.stubProof(stub); {
	case !known:
		p.breaks(0, "the stub of dropped lines was made with the key %q, which is not here", stub.Key)
	case !sameMAC(proof, stub.Proof):
		p.breaks(0, "the stub of dropped lines, %d to %d, was changed", stub.First, stub.Last)
	case store.AuditID(stub.Last) > p.run.Head.ID:
		p.run.Head = store.AuditHead{ID: store.AuditID(stub.Last), MAC: stub.MAC}
	}
	return nil
}

// line proves one row.
func (p *prover) line(id store.AuditID, value []byte) {
	p.run.Lines++
	var r auditRecord
	if err := p.codec.read(value, &r); err != nil {
		p.breaks(id, "it cannot be read: %v", err)
		return
	}
	if id <= p.run.Head.ID {
		p.breaks(id, "it stands among the lines that were dropped")
		return
	}
	sum, known, err := p.lineMAC(id, p.run.Head.MAC, r)
	switch {
	case err != nil:
		p.breaks(id, "it cannot be read: %v", err)
	case !known:
		p.breaks(id, "it was made with the key %q, which is not here", r.Key)
	case !sameMAC(sum, r.MAC):
		p.breaks(id, "it was changed, or a line between it and line %d was removed or put in", p.run.Head.ID)
	case r.Counts && !sameMAC(p.countMAC(id, r), r.CountMAC):
		p.breaks(id, "its count was changed")
	}
	for _, person := range r.people() {
		if why := p.person(person); why != "" {
			p.breaks(id, "the name of %s in it %s", pseudonym(person), why)
		}
	}
	if p.run.Broken == nil {
		p.run.Head = store.AuditHead{ID: id, MAC: append([]byte(nil), r.MAC...)}
	}
}

// person is what is wrong with a name, "" for nothing.
func (p *prover) person(person uint64) string {
	why, seen := p.people[person]
	if seen {
		return why
	}
	switch proven, known := p.provenPerson(person); {
	case !known:
		why = "was written with a key that is not here"
	case !proven:
		why = "was changed or removed"
	}
	p.people[person] = why
	return why
}

// end proves that the last row looked at is the log's last.
func (p *prover) end() error {
	head, err := p.auditHead()
	if err != nil {
		if p.tx.Last(bAudits) > 0 {
			p.breaks(0, "the head of the log is not there: %v", err)
		}
		return nil
	}
	switch proof, known := p.headProof(head); {
	case !known:
		p.breaks(0, "the head was made with the key %q, which is not here", head.Key)
	case !sameMAC(proof, head.Proof):
		p.breaks(0, "the head was changed")
	case store.AuditID(head.ID) != p.run.Head.ID:
		p.breaks(store.AuditID(head.ID), "the log ends at line %d, and the head is line %d", p.run.Head.ID, head.ID)
	case !sameMAC(head.MAC, p.run.Head.MAC):
		p.breaks(store.AuditID(head.ID), "the last line is not the one that the head was made of")
	}
	return nil
}

// ProveAuditHead implements store.Audits.
func (s *Store) ProveAuditHead(ctx context.Context, h store.AuditHead) (fault *store.AuditFault, err error) {
	err = s.read(ctx, func(t *txn) error {
		fault, err = t.proveHead(h)
		return err
	})
	return fault, wrap("prove the audit log's head at line", h.ID, err)
}

func (t *txn) proveHead(h store.AuditHead) (*store.AuditFault, error) {
	r := auditHeadRecord{ID: uint64(h.ID), At: micros(h.At), Key: h.Key, MAC: h.MAC}
	broken := func(format string, args ...any) (*store.AuditFault, error) {
		return &store.AuditFault{ID: h.ID, Why: fmt.Sprintf(format, args...)}, nil
	}
	switch proof, known := t.headProof(r); {
	case !known:
		return broken("the head was made with the key %q, which is not here", h.Key)
	case !sameMAC(proof, h.Proof):
		return broken("the head is none that this log ever had")
	}
	stub, err := t.auditStub()
	if err != nil {
		return nil, err
	}
	if uint64(h.ID) < stub.Last {
		return nil, nil
	}
	mac := stub.MAC
	if uint64(h.ID) > stub.Last {
		line, err := t.auditRow(h.ID)
		if err != nil {
			return broken("the line is not there: the log was cut off behind an earlier one, or put back to an older state")
		}
		mac = line.MAC
	}
	if !sameMAC(mac, h.MAC) {
		return broken("the line is another than it was at the head")
	}
	return nil, nil
}
