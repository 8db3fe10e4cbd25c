package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// What failed or was refused is counted by the hour, in one row of the audit log for each
// account, network, act and object.

// countedBound is how many rows an hour a kind of them may have, in all and for one account;
// those without a network are not counted.
type countedBound struct {
	kind            byte
	ofAll, ofSameBy int
}

var (
	failedSignIns   = countedBound{'s', store.FailedSignInsOfAll, store.FailedSignInsOfAccount}
	refusedAccounts = countedBound{'a', store.RefusalsOfAccounts, store.RefusalsOfAccount}
	refusedOthers   = countedBound{'o', store.RefusalsOfStrangers, store.RefusalsOfStrangers}
)

// FailSignIn implements store.Audits.
func (s *Store) FailSignIn(ctx context.Context, now time.Time, account store.AgentID, network string) error {
	err := s.write(ctx, 0, func(t *txn) error { return t.failSignIn(store.Instant(now), account, network) })
	return wrap("fail sign-in of agent", account, err)
}

func (t *txn) failSignIn(now time.Time, account store.AgentID, network string) error {
	a := store.Audit{
		At: now, Event: store.AuditSignInFailed, Network: network, Count: 1,
		Object: store.Object{Kind: store.ObjectAgent, ID: uint64(account)},
	}
	if account != 0 {
		agent, err := t.agent(account)
		if err != nil {
			return err
		}
		a.Object.Name = agent.Email
	}
	bare := a
	bare.Network = ""
	return t.countAudit(failedSignIns, u64(uint64(account)), a, bare)
}

// RefuseAct implements store.Audits.
func (s *Store) RefuseAct(
	ctx context.Context, now time.Time, by store.Actor, act store.Act, o store.Object, times uint64,
) error {
	err := checkActor(by)
	if err == nil && times > 0 {
		err = s.write(ctx, 0, func(t *txn) error {
			if o.Kind == store.ObjectTicket && o.ID == 0 {
				id, err := t.numbered(o.Name)
				if err == nil {
					_, err = t.deskTicket(by, act, id)
				}
				if !errors.Is(err, store.ErrUnseen) && !errors.Is(err, store.ErrForbidden) {
					return nil
				}
				o.ID = uint64(id)
			}
			return t.refuse(deed{store.Instant(now), by, act, o}, times)
		})
	}
	return wrap("refuse act", act, err)
}

// refuse counts a deed that was refused. What the service asked for itself is a fault of it.
func (t *txn) refuse(d deed, times uint64) error {
	if d.by.Kind == store.ActorService {
		return nil
	}
	a := store.Audit{
		At: d.now, Event: store.AuditRefused, Act: d.act, Agent: d.by.Agent, Account: d.by.Account,
		Network: d.by.Network, Object: d.to, Count: times,
	}
	if d.to.Kind == store.ObjectTicket && d.to.ID != 0 {
		if k, err := t.ticket(store.TicketID(d.to.ID)); err == nil {
			a.Object, a.Region = ticketObject(k), k.Region
		}
	}
	bound := refusedAccounts
	if d.by.Account == "" {
		bound, a.Object, a.Region = refusedOthers, store.Object{}, ""
	}
	bare := a
	bare.Network, bare.Object, bare.Region = "", store.Object{}, ""
	return t.countAudit(bound, []byte(store.AddressKey(d.by.Account)), a, bare)
}

// countAudit counts a row's Count in the row of its hour that says the same, or in that of
// bare, which says less, where there would be too many.
func (t *txn) countAudit(bound countedBound, same []byte, a, bare store.Audit) error {
	hour := hourOf(a.At)
	all, ofSame, err := t.countedIn(bound, hour, same)
	if err != nil {
		return err
	}
	key := auditCountKey(bound, hour, same, a)
	if !t.has(bAuditIndex, key) && (all >= bound.ofAll || ofSame >= bound.ofSameBy) {
		a = bare
		key = auditCountKey(bound, hour, same, a)
	}
	if found := t.value(bAuditIndex, key); found != nil {
		return t.countMore(store.AuditID(readU64(found)), a.Count)
	}
	id, err := t.addAudit(a, true)
	if err != nil {
		return err
	}
	return t.put(bAuditIndex, key, u64(uint64(id)))
}

// countMore counts more in a row of this hour.
func (t *txn) countMore(id store.AuditID, times uint64) error {
	r, err := t.auditRow(id)
	if err != nil {
		return err
	}
	r.Count += times
	r.CountMAC = t.countMAC(id, r)
	return t.putRecord(bAudits, u64(uint64(id)), &r)
}

// countedIn counts the rows of an hour, and those of one account, and forgets where those
// of other hours stand: they are counted in no more.
func (t *txn) countedIn(bound countedBound, hour uint32, same []byte) (all, ofSame int, err error) {
	var over [][]byte
	mine := auditCountPrefix(bound, hour, same)
	prefix := []byte{auditCounted, bound.kind}
	err = t.walk(bAuditIndex, prefix, prefix, func(key, _ []byte) (bool, error) {
		switch {
		case readU32(key[2:]) != hour:
			over = append(over, append([]byte(nil), key...))
		case string(key[:len(mine)]) == string(mine):
			ofSame++
			fallthrough
		default:
			all++
		}
		return true, nil
	})
	for _, key := range over {
		err = errors.Join(err, t.delete(bAuditIndex, key))
	}
	return all, ofSame, err
}

func auditCountPrefix(bound countedBound, hour uint32, same []byte) []byte {
	who := digestOf(string(same))
	return append(append([]byte{auditCounted, bound.kind}, u32(hour)...), who[:]...)
}

func auditCountKey(bound countedBound, hour uint32, same []byte, a store.Audit) []byte {
	what := digestOf(a.Network, string(a.Act), string(auditOf(a.Object)))
	return append(auditCountPrefix(bound, hour, same), what[:]...)
}
