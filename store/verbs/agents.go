package verbs

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/engine"
	"signpost/store/text"
)

// agentRecord's generation counts what ended all of an agent's sessions at
// once: those of an older one are over.
type agentRecord struct {
	Email      string   `cbor:"1,keyasint"`
	Name       string   `cbor:"2,keyasint,omitempty"`
	Roles      []string `cbor:"3,keyasint,omitempty"`
	Password   string   `cbor:"4,keyasint,omitempty"`
	TOTP       []byte   `cbor:"5,keyasint,omitempty"`
	Step       uint64   `cbor:"6,keyasint,omitempty"`
	Disabled   bool     `cbor:"7,keyasint,omitempty"`
	Created    int64    `cbor:"8,keyasint"`
	Changed    int64    `cbor:"9,keyasint"`
	Generation uint32   `cbor:"10,keyasint,omitempty"`
	Recovery   [][]byte `cbor:"11,keyasint,omitempty"`

	Regions []string       `cbor:"12,keyasint,omitempty"`
	Profile *profileRecord `cbor:"13,keyasint,omitempty"` // nil for the zero profile

	Passkeys []passkeyRecord   `cbor:"14,keyasint,omitempty"`
	Links    []agentLinkRecord `cbor:"15,keyasint,omitempty"`

	Away     int64 `cbor:"16,keyasint,omitempty"` // until when; 0: not
	SignedIn int64 `cbor:"17,keyasint,omitempty"` // last; 0: never
}

type profileRecord struct {
	Name       string            `cbor:"1,keyasint,omitempty"`
	Signatures []signatureRecord `cbor:"2,keyasint,omitempty"`
	Zone       string            `cbor:"3,keyasint,omitempty"`
	Undo       int64             `cbor:"4,keyasint,omitempty"` // microseconds
	AfterSend  string            `cbor:"5,keyasint,omitempty"`
	KeysOff    bool              `cbor:"6,keyasint,omitempty"`
	ClaimOff   bool              `cbor:"7,keyasint,omitempty"`
}

type signatureRecord struct {
	Lang string `cbor:"1,keyasint,omitempty"`
	Text string `cbor:"2,keyasint,omitempty"`
}

func profileOf(p store.Profile) *profileRecord {
	var signatures []signatureRecord
	for _, lang := range slices.Sorted(maps.Keys(p.Signatures)) {
		signatures = append(signatures, signatureRecord{lang, p.Signatures[lang]})
	}
	return &profileRecord{
		Name: p.DisplayName, Signatures: signatures, Zone: p.Zone, Undo: p.Undo.Microseconds(),
		AfterSend: string(p.AfterSend), KeysOff: p.KeysOff, ClaimOff: p.ClaimOff,
	}
}

func (r *profileRecord) profile() store.Profile {
	if r == nil {
		return store.Profile{}
	}
	signatures := map[string]string{}
	for _, s := range r.Signatures {
		signatures[s.Lang] = s.Text
	}
	return store.Profile{
		DisplayName: r.Name, Signatures: signatures, Zone: r.Zone,
		Undo: time.Duration(r.Undo) * time.Microsecond, AfterSend: store.AfterSend(r.AfterSend),
		KeysOff: r.KeysOff, ClaimOff: r.ClaimOff,
	}
}

func (r agentRecord) agent(id store.AgentID) store.Agent {
	a := store.Agent{
		ID: id, Email: r.Email, Name: r.Name, Password: r.Password, TOTP: r.TOTP, TOTPStep: r.Step,
		Generation: r.Generation, Disabled: r.Disabled, CreatedAt: instant(r.Created), ChangedAt: instant(r.Changed),
		Regions: slices.Clone(r.Regions), Profile: r.Profile.profile(), AwayUntil: instant(r.Away),
		SignedInAt: instant(r.SignedIn),
	}
	for _, role := range r.Roles {
		a.Roles = append(a.Roles, store.Role(role))
	}
	for _, hash := range r.Recovery {
		if len(hash) == len(store.RecoveryHash{}) { // as all are that are written
			a.Recovery = append(a.Recovery, store.RecoveryHash(hash))
		}
	}
	for _, k := range r.Passkeys {
		a.Passkeys = append(a.Passkeys, k.passkey())
	}
	for _, l := range r.Links {
		a.Links = append(a.Links, l.link())
	}
	return a
}

func (t *txn) agent(id store.AgentID) (r agentRecord, err error) {
	return r, t.record(bAgents, u64(uint64(id)), &r)
}

func (t *txn) putAgent(id store.AgentID, r agentRecord) error {
	return t.putRecord(bAgents, u64(uint64(id)), &r)
}

func agentName(email string) digest { return digestOf(store.AddressKey(email)) }

// AddAgent implements store.Agents.
func (s *Store) AddAgent(
	ctx context.Context, now time.Time, by store.Actor, n store.NewAgent,
) (agent store.Agent, err error) {
	now = store.Instant(now)
	r := agentRecord{
		Email: strings.TrimSpace(n.Email), Name: n.Name, Roles: roleNames(n.Roles), Password: n.Password,
		Regions: slices.Clone(n.Regions), Created: micros(now), Changed: micros(now),
	}
	if err = checkAgent(r); err == nil {
		err = s.actOnAll(ctx, deed{now: now, by: by, act: store.ActManageStaff}, func(t *txn) (err error) {
			if agent, err = t.addAgent(r); err != nil {
				return err
			}
			return t.audit(now, by, store.Audit{
				Event: store.AuditAgentAdded, Object: agentObject(agent), Changes: agentChanges(store.Agent{}, agent),
			})
		})
	}
	if err != nil {
		return store.Agent{}, wrap("add agent", "", err)
	}
	return agent, nil
}

func checkAgent(r agentRecord) error {
	switch {
	case r.Email == "":
		return invalid("an agent needs an address")
	case len(r.Email)+len(r.Name) > store.MaxField || len(r.Roles) > store.MaxRoles:
		return invalid("an agent's fields are longer than 16 KiB")
	case len(r.Password) > store.MaxPasswordHash || len(r.TOTP) > store.MaxTOTPSecret:
		return invalid("an agent's secrets are too long")
	case len(r.Recovery) > store.MaxRecovery:
		return invalid("an agent has too many recovery codes")
	case len(r.Passkeys) > store.MaxPasskeys || slices.ContainsFunc(r.Passkeys, passkeyRecord.unfit):
		return invalid("an agent has too many passkeys, or one that is too long")
	case len(r.Regions) > store.MaxAgentRegions || slices.ContainsFunc(r.Regions, badName) || slices.Contains(r.Regions,
		""):
		return invalid("an agent has too many regions, or one without a name")
	}
	return r.Profile.profile().Validate()
}

func (t *txn) addAgent(r agentRecord) (store.Agent, error) {
	name := agentName(r.Email)
	if t.has(bAgentNames, name[:]) {
		return store.Agent{}, errors.Join(store.ErrConflict, errors.New("the address is another agent's"))
	}
	id, err := t.next(bAgents)
	if err != nil {
		return store.Agent{}, err
	}
	err = errors.Join(t.putAgent(store.AgentID(id), r), t.put(bAgentNames, name[:], u64(id)))
	return r.agent(store.AgentID(id)), err
}

func roleNames(roles []store.Role) (names []string) {
	for _, r := range roles {
		names = append(names, string(r))
	}
	return names
}

// ChangeAgent implements store.Agents.
func (s *Store) ChangeAgent(
	ctx context.Context, now time.Time, by store.Actor, id store.AgentID, c store.AgentChange,
) (agent store.Agent, err error) {
	now = store.Instant(now)
	on := store.OwnedBy(id)
	if c.Manages() {
		on = store.Everywhere()
	}
	d := deed{now, by, store.ActManageStaff, store.Object{Kind: store.ObjectAgent, ID: uint64(id)}}
	err = s.actFor(ctx, d, store.May(by, d.act, on), engine.Plan{}, func(t *txn) (err error) {
		agent, err = t.changeAgent(now, by, id, c)
		return err
	})
	if err != nil {
		return store.Agent{}, wrap("change agent", id, err)
	}
	if c.HandsBack || c.Manages() {
		s.finishHandBack(ctx, now, id)
	}
	return agent, nil
}

func (t *txn) changeAgent(
	now time.Time, by store.Actor, id store.AgentID, c store.AgentChange,
) (agent store.Agent, err error) {
	r, err := t.agent(id)
	if err == nil {
		err = t.spendFactor(now, &r, c.Spends)
	}
	if err != nil {
		return agent, err
	}
	before := r.agent(id)
	if r, err = r.changed(now, c); err != nil {
		return agent, err
	}
	r.Changed = micros(now)
	if err := checkAgent(r); err != nil {
		return agent, err
	}
	agent = r.agent(id)
	if err := t.keepsAdmin(by, before, agent); err != nil {
		return agent, err
	}
	if err := errors.Join(t.putAgent(id, r), t.queueNotice(now, agent, c.Notice)); err != nil {
		return agent, err
	}
	err = t.audit(now, by, store.Audit{
		Event: store.AuditAgentChanged, Object: agentObject(agent), Changes: agentChanges(before, agent),
	})
	if err == nil && (c.HandsBack || c.Manages()) {
		err = t.beginHandBack(now, by, agent, c.HandsBack)
	}
	return agent, err
}

// keepsAdmin refuses a change by which staff leave no admin who can sign in. The command line
// may: it can add another.
func (t *txn) keepsAdmin(by store.Actor, was, is store.Agent) error {
	if by.Kind != store.ActorStaff || !was.Administers() || is.Administers() {
		return nil
	}
	found := false
	err := t.walk(bAgents, nil, nil, func(key, _ []byte) (bool, error) {
		id := store.AgentID(readU64(key))
		r, err := t.agent(id)
		found = err == nil && id != is.ID && r.agent(id).Administers()
		return !found, err
	})
	if err == nil && !found {
		err = store.ErrLastAdmin
	}
	return err
}

func (r agentRecord) changed(now time.Time, c store.AgentChange) (agentRecord, error) {
	if c.Name != nil {
		r.Name = *c.Name
	}
	if c.Roles != nil {
		r.Roles = roleNames(*c.Roles)
	}
	if c.Regions != nil {
		r.Regions = slices.Clone(*c.Regions)
	}
	if c.Profile != nil {
		r.Profile = profileOf(*c.Profile)
	}
	if c.Password != nil {
		r.Password = *c.Password
	}
	if c.TOTP != nil {
		r.TOTP, r.Step = slices.Clone(*c.TOTP), 0
	}
	if err := r.changePasskeys(now, c); err != nil {
		return r, err
	}
	if c.Recovery != nil {
		r.Recovery = nil
		for _, hash := range *c.Recovery {
			r.Recovery = append(r.Recovery, hash[:])
		}
	}
	if c.Disabled != nil {
		r.Disabled = *c.Disabled
	}
	if c.AwayUntil != nil {
		r.Away = micros(store.Instant(*c.AwayUntil))
	}
	less := c.DropsPasskey != store.PasskeyID{} || c.WithoutPasskeys
	if len(r.TOTP) == 0 && len(r.Passkeys) == 0 && (less || c.TOTP != nil) {
		r.Recovery = nil
	}
	if c.Password != nil || c.TOTP != nil || c.Disabled != nil {
		r.Links = nil
	}
	if c.SignOut || c.Roles != nil || c.Password != nil || c.TOTP != nil || c.Disabled != nil || less {
		r.Generation++
	}
	return r, nil
}

// ResealAgent implements store.Agents.
func (s *Store) ResealAgent(ctx context.Context, id store.AgentID, from, to []byte) error {
	err := s.write(ctx, 0, func(t *txn) error {
		r, err := t.agent(id)
		if err != nil {
			return err
		}
		if len(from) == 0 || len(to) == 0 || !bytes.Equal(r.TOTP, from) {
			return errors.Join(store.ErrConflict, errors.New("the secret is another one by now"))
		}
		r.TOTP = slices.Clone(to)
		if err := checkAgent(r); err != nil {
			return err
		}
		return t.putAgent(id, r)
	})
	return wrap("reseal the secret of agent", id, err)
}

// Agent implements store.Agents.
func (s *Store) Agent(ctx context.Context, id store.AgentID) (agent store.Agent, err error) {
	err = s.read(ctx, func(t *txn) error {
		r, err := t.agent(id)
		agent = r.agent(id)
		return err
	})
	if err != nil {
		return store.Agent{}, wrap("agent", id, err)
	}
	return agent, nil
}

// AgentByEmail implements store.Agents.
func (s *Store) AgentByEmail(ctx context.Context, email string) (agent store.Agent, err error) {
	name := agentName(email)
	err = s.read(ctx, func(t *txn) error {
		key := t.value(bAgentNames, name[:])
		if key == nil {
			return store.ErrNotFound
		}
		id := store.AgentID(readU64(key))
		r, err := t.agent(id)
		agent = r.agent(id)
		return err
	})
	if err != nil {
		return store.Agent{}, wrap("agent by address", strconv.Quote(text.Cut(email, 200)), err)
	}
	return agent, nil
}

// ListAgents implements store.Agents.
func (s *Store) ListAgents(ctx context.Context, p store.Page) (store.List[store.Agent], error) {
	return readList(ctx, s, "list agents, at most", p.Limit, p, listing[store.Agent]{
		name: "agents", bucket: bAgents,
		read: func(t *txn, key, _ []byte) (store.Agent, error) {
			id := store.AgentID(readU64(key))
			r, err := t.agent(id)
			return r.agent(id), err
		},
	})
}

// checkAgents checks that each agent is found by its address, and that each
// session is somebody's.
func (c *checker) checkAgents() error {
	err := c.each(bAgents, func(key, _ []byte) error {
		r, err := c.agent(store.AgentID(readU64(key)))
		if err != nil {
			return wrap("agent", readU64(key), err)
		}
		name := agentName(r.Email)
		c.want(bAgentNames, name[:], key, "agent", readU64(key))
		return nil
	})
	return errors.Join(err, c.sessions())
}
