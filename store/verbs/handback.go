package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// An agent who is disabled, or loses a role or a region, hands back the unsolved tickets that
// they may no longer answer, and one who goes away may hand back all. The change and its first
// tickets are one transaction; a row in handbacks stands until the last ticket is back, so that
// Housekeep goes on where a call was interrupted.

// handBackRecord says who caused it, as the events and the audit log name them.
type handBackRecord struct {
	All     bool   `cbor:"1,keyasint,omitempty"` // also what the agent may answer
	Kind    string `cbor:"2,keyasint"`
	Agent   uint64 `cbor:"3,keyasint,omitempty"`
	Account string `cbor:"4,keyasint,omitempty"`
	Name    string `cbor:"5,keyasint,omitempty"`
	Network string `cbor:"6,keyasint,omitempty"`
}

func (r handBackRecord) actor() store.Actor {
	return store.Actor{
		Kind: store.ActorKind(r.Kind), Agent: store.AgentID(r.Agent), Account: r.Account, Name: r.Name, Network: r.Network,
	}
}

// beginHandBack hands the first tickets back after a change of the agent's.
func (t *txn) beginHandBack(now time.Time, by store.Actor, agent store.Agent, all bool) error {
	r := handBackRecord{
		All: all, Kind: string(by.Kind), Agent: uint64(by.Agent), Account: by.Account, Name: by.Name, Network: by.Network,
	}
	if err := t.putRecord(bHandBacks, u64(uint64(agent.ID)), &r); err != nil {
		return err
	}
	_, err := t.handBack(now, agent.ID, store.HandedBackAtOnce)
	return err
}

// handBack hands up to limit tickets back, and drops the agent's row where no more are left.
func (t *txn) handBack(now time.Time, id store.AgentID, limit int) (handed int, err error) {
	var r handBackRecord
	err1 := t.record(bHandBacks, u64(uint64(id)), &r)
	rec, err2 := t.agent(id)
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	tickets, err := t.toHandBack(rec.agent(id), r.All, limit+1)
	if err != nil {
		return 0, err
	}
	if len(tickets) <= limit {
		if err := t.delete(bHandBacks, u64(uint64(id))); err != nil {
			return 0, err
		}
	}
	for _, ticket := range tickets[:min(len(tickets), limit)] {
		if err := t.unassign(now, r.actor(), ticket); err != nil {
			return 0, wrap("hand back ticket", ticket, err)
		}
		handed++
	}
	return handed, nil
}

// toHandBack finds unsolved tickets of the agent: all, or those that they may not answer.
func (t *txn) toHandBack(agent store.Agent, all bool, limit int) (tickets []store.TicketID, err error) {
	by := agent.Actor()
	err = t.walk(bDesk, nil, nil, func(key, value []byte) (bool, error) {
		r, err := readDeskRow(value)
		if err != nil || r.assignee != agent.ID {
			return err == nil, err
		}
		refused := store.May(by, store.ActAnswerTicket, store.InRegion(string(r.region)))
		if all || agent.Disabled || refused != nil {
			tickets = append(tickets, store.TicketID(lastID(key)))
		}
		return len(tickets) < limit, nil
	})
	return tickets, err
}

func (t *txn) unassign(now time.Time, by store.Actor, id store.TicketID) error {
	k, err := t.ticket(id)
	if err != nil {
		return err
	}
	c := store.Change{AssigneeFrom: k.Assignee}
	k.Assignee = 0
	e := store.Entry{
		Kind: store.EntryEvent, Event: store.EventAssigned, Author: by.Name, At: now, By: by.Kind, Agent: by.Agent, Change: c,
	}
	if err := t.addEntry(&k, &e); err != nil {
		return err
	}
	return t.auditTicket(now, by, store.AuditTicketArranged, k, c)
}

// finishHandBack goes on until nothing is left. The change stands whatever happens here:
// Housekeep does what is left over.
func (s *Store) finishHandBack(ctx context.Context, now time.Time, id store.AgentID) {
	for more := true; more; {
		err := s.write(ctx, 0, func(t *txn) (err error) {
			if more = t.has(bHandBacks, u64(uint64(id))); more {
				_, err = t.handBack(now, id, store.HandedBackAtOnce)
			}
			return err
		})
		if err != nil {
			return
		}
	}
}

// resumeHandBacks is Housekeep's part.
func (t *txn) resumeHandBacks(now time.Time, limit int) (handed int, err error) {
	var waiting []store.AgentID
	err = t.walk(bHandBacks, nil, nil, func(key, _ []byte) (bool, error) {
		waiting = append(waiting, store.AgentID(readU64(key)))
		return len(waiting) < limit, nil
	})
	for _, id := range waiting {
		if err != nil || handed >= limit {
			break
		}
		var n int
		n, err = t.handBack(now, id, limit-handed)
		handed += n
	}
	return handed, err
}

// handBacks checks that each row is of an agent.
func (c *checker) handBacks() error {
	return c.each(bHandBacks, func(key, value []byte) error {
		var r handBackRecord
		if err := c.codec.read(value, &r); err != nil || len(key) != 8 || !c.has(bAgents, key) {
			c.fault("hand-back %x: it does not read, or there is no such agent: %v", key, err)
		}
		return nil
	})
}

// AssignedTo implements store.Agents.
func (s *Store) AssignedTo(
	ctx context.Context, by store.Actor, id store.AgentID,
) (regions map[string]uint64, stopped bool, err error) {
	if err = store.May(by, store.ActManageStaff, store.OwnedBy(id)); err == nil {
		err = s.read(ctx, func(t *txn) error {
			found, err := s.unsolved.unsolved(t)
			if err != nil {
				return err
			}
			regions, stopped = map[string]uint64{}, found.stopped
			for of, sum := range found.of {
				if of.assignee == id {
					regions[of.region] += sum[len(sum)-1] // all of them
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, false, wrap("tickets assigned to agent", id, err)
	}
	return regions, stopped, nil
}
