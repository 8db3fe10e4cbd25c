package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// session is a row of sessions: agent(8) generation(4) opened(8) until(8)
// ends(8).
type session struct {
	agent               store.AgentID
	generation          uint32
	opened, until, ends time.Time
}

const sessionSize = 36

func (s session) bytes() []byte {
	b := append(make([]byte, 0, sessionSize), u64(uint64(s.agent))...)
	b = append(b, u32(s.generation)...)
	return appendInstant(appendInstant(appendInstant(b, s.opened), s.until), s.ends)
}

func readSession(b []byte) (session, bool) {
	if len(b) != sessionSize {
		return session{}, false
	}
	return session{
		agent: store.AgentID(readU64(b)), generation: readU32(b[8:]),
		opened: readInstant(b[12:]), until: readInstant(b[20:]), ends: readInstant(b[28:]),
	}, true
}

func (s session) shown(id store.SessionID) store.Session {
	return store.Session{ID: id, Agent: s.agent, OpenedAt: s.opened, Until: s.until, Ends: s.ends}
}

// lasting is s as it is when touched at now.
func (s session) lasting(now time.Time, idle time.Duration) session {
	until := store.Instant(now.Add(idle))
	if until.After(s.ends) {
		until = s.ends
	}
	if until.After(s.until) {
		s.until = until
	}
	return s
}

// OpenSession implements store.Agents.
func (s *Store) OpenSession(ctx context.Context, now time.Time, n store.NewSession) (opened store.Session, err error) {
	now, n.Ends = store.Instant(now), store.Instant(n.Ends)
	switch {
	case n.ID == (store.SessionID{}):
		err = invalid("a session needs an id")
	case n.Idle < time.Microsecond || !n.Ends.After(now):
		err = invalid("the session would be over at once")
	default:
		err = s.write(ctx, 0, func(t *txn) (err error) {
			opened, err = t.openSession(now, n)
			return err
		})
	}
	if err != nil {
		return store.Session{}, wrap("open session of agent", n.Agent, err)
	}
	return opened, nil
}

func (t *txn) openSession(now time.Time, n store.NewSession) (store.Session, error) {
	agent, err := t.agent(n.Agent)
	if err != nil {
		return store.Session{}, err
	}
	switch {
	case agent.Disabled:
		err = errors.New("the agent is disabled")
	case t.has(bSessions, n.ID[:]):
		err = errors.New("the id is in use")
	}
	if err != nil {
		return store.Session{}, errors.Join(store.ErrConflict, err)
	}
	if err := agent.spend(n.Spends); err != nil {
		return store.Session{}, err
	}
	if err := t.dropSession(n.Replaces); err != nil {
		return store.Session{}, err
	}
	if n.Spends != (store.SecondFactor{}) {
		if err := t.putAgent(n.Agent, agent); err != nil {
			return store.Session{}, err
		}
	}
	s := session{agent: n.Agent, generation: agent.Generation, opened: now, ends: n.Ends}.lasting(now, n.Idle)
	if err := t.putSession(n.ID, s); err != nil || n.Renews {
		return s.shown(n.ID), err
	}
	who := agent.agent(n.Agent)
	by := who.Actor()
	by.Network = n.Network
	return s.shown(n.ID), t.audit(now, by, store.Audit{Event: store.AuditSignedIn, Object: agentObject(who)})
}

func (t *txn) putSession(id store.SessionID, s session) error {
	return t.putExpiring(bSessions, expirySession, digest(id), s.bytes(), s.until)
}

// dropSession forgets a session and its expiry row; one that is not there is no
// error.
func (t *txn) dropSession(id store.SessionID) error {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok {
		return nil
	}
	return errors.Join(t.delete(bSessions, id[:]), t.dropExpiry(expirySession, digest(id), s.until))
}

// running finds a session that lasts at now, and its agent.
func (t *txn) running(now time.Time, id store.SessionID) (session, agentRecord, error) {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok || !now.Before(s.until) {
		return session{}, agentRecord{}, store.ErrNotFound
	}
	agent, err := t.agent(s.agent)
	if err == nil && (agent.Disabled || agent.Generation != s.generation) {
		err = store.ErrNotFound
	}
	return s, agent, err
}

// Session implements store.Agents.
func (s *Store) Session(
	ctx context.Context, now time.Time, id store.SessionID,
) (found store.Session, agent store.Agent, err error) {
	now = store.Instant(now)
	err = s.read(ctx, func(t *txn) error {
		s, r, err := t.running(now, id)
		found, agent = s.shown(id), r.agent(s.agent)
		return err
	})
	if err != nil {
		return store.Session{}, store.Agent{}, wrap("session", "of a browser", err)
	}
	return found, agent, nil
}

// TouchSession implements store.Agents.
func (s *Store) TouchSession(
	ctx context.Context, now time.Time, id store.SessionID, idle time.Duration,
) (touched store.Session, err error) {
	now = store.Instant(now)
	err = s.write(ctx, 0, func(t *txn) error {
		s, _, err := t.running(now, id)
		if err != nil {
			return err
		}
		s = s.lasting(now, idle)
		touched = s.shown(id)
		return errors.Join(t.dropSession(id), t.putSession(id, s))
	})
	if err != nil {
		return store.Session{}, wrap("touch session", "of a browser", err)
	}
	return touched, nil
}

// EndSession implements store.Agents.
func (s *Store) EndSession(ctx context.Context, now time.Time, by store.Actor, id store.SessionID) error {
	err := checkActor(by)
	if err == nil {
		err = s.write(ctx, 0, func(t *txn) error { return t.endSession(store.Instant(now), by, id) })
	}
	return wrap("end session", "of a browser", err)
}

func (t *txn) endSession(now time.Time, by store.Actor, id store.SessionID) error {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok {
		return nil
	}
	if by.Kind != store.ActorStaff || by.Agent != s.agent {
		if err := store.May(by, store.ActManageStaff, ""); err != nil {
			return err
		}
	}
	agent, err := t.agent(s.agent)
	if err == nil {
		err = t.dropSession(id)
	}
	if err != nil {
		return err
	}
	return t.audit(now, by, store.Audit{Event: store.AuditSignedOut, Object: agentObject(agent.agent(s.agent))})
}

// endSessions ends every session there is.
func (t *txn) endSessions() error {
	var ids []store.SessionID
	err := t.walk(bSessions, nil, nil, func(key, _ []byte) (bool, error) {
		ids = append(ids, store.SessionID(key))
		return true, nil
	})
	for _, id := range ids {
		err = errors.Join(err, t.dropSession(id))
	}
	return err
}
