package verbs

import (
	"context"
	"errors"
	"slices"
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

// sessionRecord is what is shown of a session to its agent.
type sessionRecord struct {
	Used    int64  `cbor:"1,keyasint"`
	Proved  int64  `cbor:"2,keyasint,omitempty"`
	Network string `cbor:"3,keyasint,omitempty"`
	Browser string `cbor:"4,keyasint,omitempty"`
}

func agentSessionKey(id store.AgentID, session store.SessionID) []byte {
	return append(u64(uint64(id)), session[:]...)
}

// shown is a session with what is shown of it.
func (t *txn) shown(id store.SessionID, s session) (store.Session, error) {
	var r sessionRecord
	err := t.record(bAgentSessions, agentSessionKey(s.agent, id), &r)
	return r.session(id, s), err
}

func (r sessionRecord) session(id store.SessionID, s session) store.Session {
	return store.Session{
		ID: id, Agent: s.agent, OpenedAt: s.opened, Until: s.until, Ends: s.ends, UsedAt: instant(r.Used),
		ProvedAt: instant(r.Proved), Network: r.Network, Browser: r.Browser,
	}
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
	case len(n.Browser) > store.MaxBrowser || len(n.Network) > store.MaxName:
		err = invalid("the names of a session's browser and network are too long")
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
	if err := t.spendFactor(now, &agent, n.Spends); err != nil {
		return store.Session{}, err
	}
	if err := errors.Join(t.dropSession(n.Replaces), t.makeRoomForSession(now, n.Agent, agent)); err != nil {
		return store.Session{}, err
	}
	if !n.Renews {
		agent.SignedIn = micros(now)
	}
	if err := t.putAgent(n.Agent, agent); err != nil {
		return store.Session{}, err
	}
	s := session{agent: n.Agent, generation: agent.Generation, opened: now, ends: n.Ends}.lasting(now, n.Idle)
	r := sessionRecord{Used: micros(now), Proved: micros(now), Network: n.Network, Browser: n.Browser}
	who := agent.agent(n.Agent)
	if err := errors.Join(t.putSession(n.ID, s, r), t.queueNotice(now, who, n.Notice)); err != nil || n.Renews {
		return r.session(n.ID, s), err
	}
	by := who.Actor()
	by.Network = n.Network
	return r.session(n.ID, s), t.audit(now, by, store.Audit{Event: store.AuditSignedIn, Object: agentObject(who)})
}

func (t *txn) putSession(id store.SessionID, s session, r sessionRecord) error {
	return errors.Join(
		t.putExpiring(bSessions, expirySession, digest(id), s.bytes(), s.until),
		t.putRecord(bAgentSessions, agentSessionKey(s.agent, id), &r),
	)
}

// dropSession forgets a session and its expiry row; one that is not there is no
// error.
func (t *txn) dropSession(id store.SessionID) error {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok {
		return nil
	}
	return errors.Join(t.forgetSession(id), t.dropExpiry(expirySession, digest(id), s.until))
}

// forgetSession drops a session whose expiry row the caller drops.
func (t *txn) forgetSession(id store.SessionID) error {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok {
		return nil
	}
	return errors.Join(t.delete(bSessions, id[:]), t.delete(bAgentSessions, agentSessionKey(s.agent, id)))
}

// sessionsOf are the agent's sessions that run at now, by when they were used last, and
// the ids of those that are over and not swept yet.
func (t *txn) sessionsOf(
	now time.Time, id store.AgentID, agent agentRecord,
) (running []store.Session, over []store.SessionID, err error) {
	prefix := u64(uint64(id))
	err = t.walk(bAgentSessions, prefix, nil, func(key, value []byte) (bool, error) {
		var r sessionRecord
		if err := t.codec.read(value, &r); err != nil {
			return false, err
		}
		sid := store.SessionID(key[len(prefix):])
		s, ok := readSession(t.value(bSessions, sid[:]))
		if !ok || !now.Before(s.until) || s.generation != agent.Generation || agent.Disabled {
			over = append(over, sid)
		} else {
			running = append(running, r.session(sid, s))
		}
		return true, nil
	})
	slices.SortStableFunc(running, func(a, b store.Session) int { return b.UsedAt.Compare(a.UsedAt) })
	return running, over, err
}

// makeRoomForSession drops the agent's sessions that are over and, where there are
// store.MaxSessions, those used longest ago.
func (t *txn) makeRoomForSession(now time.Time, id store.AgentID, agent agentRecord) error {
	running, over, err := t.sessionsOf(now, id, agent)
	for len(running) >= store.MaxSessions {
		over, running = append(over, running[len(running)-1].ID), running[:len(running)-1]
	}
	for _, id := range over {
		err = errors.Join(err, t.dropSession(id))
	}
	return err
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
		if err != nil {
			return err
		}
		agent = r.agent(s.agent)
		found, err = t.shown(id, s)
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
		touched, err = t.shown(id, s)
		s = s.lasting(now, idle)
		touched.Until, touched.UsedAt = s.until, now
		return errors.Join(err, t.dropSession(id), t.putSession(id, s, recordOf(touched)))
	})
	if err != nil {
		return store.Session{}, wrap("touch session", "of a browser", err)
	}
	return touched, nil
}

// EndSession implements store.Agents.
func (s *Store) EndSession(ctx context.Context, now time.Time, by store.Actor, id store.SessionID) error {
	now = store.Instant(now)
	err := checkActor(by)
	if err == nil {
		err = s.write(ctx, 0, func(t *txn) error { return t.endSession(now, by, id) })
		err = s.asked(ctx, deed{now: now, by: by, act: store.ActManageStaff}, err)
	}
	return wrap("end session", "of a browser", err)
}

func (t *txn) endSession(now time.Time, by store.Actor, id store.SessionID) error {
	s, ok := readSession(t.value(bSessions, id[:]))
	if !ok {
		return nil
	}
	if err := store.May(by, store.ActManageStaff, store.OwnedBy(s.agent)); err != nil {
		return err
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

func recordOf(s store.Session) sessionRecord {
	return sessionRecord{
		Used: micros(s.UsedAt), Proved: micros(s.ProvedAt), Network: s.Network, Browser: s.Browser,
	}
}

// ProveSession implements store.Agents.
func (s *Store) ProveSession(
	ctx context.Context, now time.Time, id store.SessionID, f store.SecondFactor, notice *store.NewMail,
) error {
	now = store.Instant(now)
	return wrap("prove session", "of a browser", s.write(ctx, 0, func(t *txn) error {
		s, agent, err := t.running(now, id)
		if err != nil {
			return err
		}
		if err := t.spendFactor(now, &agent, f); err != nil {
			return err
		}
		if f != (store.SecondFactor{}) {
			if err := t.putAgent(s.agent, agent); err != nil {
				return err
			}
		}
		proved, err := t.shown(id, s)
		if err != nil {
			return err
		}
		proved.ProvedAt = now
		r := recordOf(proved)
		return errors.Join(
			t.putRecord(bAgentSessions, agentSessionKey(s.agent, id), &r), t.queueNotice(now, agent.agent(s.agent), notice),
		)
	}))
}

// Sessions implements store.Agents.
func (s *Store) Sessions(
	ctx context.Context, now time.Time, by store.Actor, id store.AgentID,
) (all []store.Session, err error) {
	now = store.Instant(now)
	if err = store.May(by, store.ActManageStaff, store.OwnedBy(id)); err == nil {
		err = s.read(ctx, func(t *txn) error {
			agent, err := t.agent(id)
			if err != nil {
				return err
			}
			all, _, err = t.sessionsOf(now, id, agent)
			return err
		})
	}
	if err != nil {
		return nil, wrap("sessions of agent", id, err)
	}
	return all, nil
}

// EndSessions implements store.Agents.
func (s *Store) EndSessions(
	ctx context.Context, now time.Time, by store.Actor, id store.AgentID, but store.SessionID,
) (ended int, err error) {
	now = store.Instant(now)
	to := store.Object{Kind: store.ObjectAgent, ID: uint64(id)}
	d := deed{now, by, store.ActManageStaff, to}
	refused := s.asked(ctx, d, store.May(by, d.act, store.OwnedBy(id)))
	if err = errors.Join(checkActor(by), refused); err == nil {
		err = s.write(ctx, 0, func(t *txn) error {
			ended, err = t.endSessionsOf(now, by, id, but)
			return err
		})
	}
	if err != nil {
		return 0, wrap("end sessions of agent", id, err)
	}
	return ended, nil
}

func (t *txn) endSessionsOf(
	now time.Time, by store.Actor, id store.AgentID, but store.SessionID,
) (ended int, err error) {
	agent, err := t.agent(id)
	if err != nil {
		return 0, err
	}
	running, _, err := t.sessionsOf(now, id, agent)
	if err != nil {
		return 0, err
	}
	for _, s := range running {
		if s.ID == but {
			continue
		}
		if err := t.dropSession(s.ID); err != nil {
			return 0, err
		}
		ended++
	}
	if ended == 0 {
		return 0, nil
	}
	return ended, t.audit(now, by, store.Audit{
		Event: store.AuditSignedOut, Object: agentObject(agent.agent(id)), Count: uint64(ended),
	})
}

// sessions checks that each session is an agent's, and that what is shown of one is of
// one that is there.
func (c *checker) sessions() error {
	return errors.Join(
		c.each(bSessions, func(key, value []byte) error {
			s, ok := readSession(value)
			switch {
			case !ok || !c.has(bAgents, u64(uint64(s.agent))):
				c.fault("session %x: no agent %d", key, s.agent)
			case !c.has(bAgentSessions, agentSessionKey(s.agent, store.SessionID(key))):
				c.fault("session %x is not among those of agent %d", key, s.agent)
			}
			return nil
		}),
		c.each(bAgentSessions, func(key, value []byte) error {
			var r sessionRecord
			if err := c.codec.read(value, &r); err != nil || len(key) != len(agentSessionKey(0, store.SessionID{})) {
				c.fault("what is shown of session %x does not read: %v", key, err)
				return nil
			}
			s, ok := readSession(c.value(bSessions, key[8:]))
			if !ok || uint64(s.agent) != readU64(key) {
				c.fault("agent %d has no session %x", readU64(key), key[8:])
			}
			return nil
		}),
	)
}

// endSessions ends every session there is.
func (t *txn) endSessions() error {
	_, err := t.dropSessions()
	return err
}

// EndAllSessions implements store.Agents.
func (s *Store) EndAllSessions(ctx context.Context, now time.Time, by store.Actor) (ended int, err error) {
	now = store.Instant(now)
	to := store.Object{Kind: store.ObjectSecret}
	err = s.actOnAll(ctx, deed{now, by, store.ActManageSecrets, to}, func(t *txn) (err error) {
		if ended, err = t.dropSessions(); err != nil {
			return err
		}
		return t.audit(now, by, store.Audit{Event: store.AuditSecretRevoked, Object: to, Count: uint64(ended)})
	})
	if err != nil {
		return 0, wrap("end", "all sessions", err)
	}
	return ended, nil
}

func (t *txn) dropSessions() (int, error) {
	var ids []store.SessionID
	err := t.walk(bSessions, nil, nil, func(key, _ []byte) (bool, error) {
		ids = append(ids, store.SessionID(key))
		return true, nil
	})
	for _, id := range ids {
		err = errors.Join(err, t.dropSession(id))
	}
	return len(ids), err
}
