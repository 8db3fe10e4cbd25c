package storetest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

func agentStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"An agent is found by id and by address":        agentFound,
		"An address signs in one agent":                 agentTwice,
		"A change touches what it names alone":          agentChanged,
		"Agents are listed in order":                    agentsListed,
		"A session lasts while it is used, and no more": sessionLasts,
		"A new sign-in ends the session before it":      sessionReplaced,
		"A code signs in once":                          codeOnce,
		"A recovery code counts once":                   recoveryOnce,
		"A change spends its proof":                     changeSpends,
		"A secret is sealed anew and stays the same":    secretResealed,
		"What makes a session unsafe ends it":           sessionsEnd,
		"An agent sees some regions, and has a profile": agentsProfile,
		"A disabled agent has no session":               agentDisabled,
		"Who may no longer answer hands tickets back":   handedBack,
		"Who goes away keeps or hands back":             goneAway,
		"Staff leave an admin who can sign in":          lastAdmin,
		"Ending a session is final and forgiving":       sessionEnded,
		"Restored sessions are over":                    sessionsRestored,
		"A session that makes no sense is refused":      sessionRefused,
	}
}

func (d *desk) hires(email string) store.Agent {
	d.Helper()
	return must[store.Agent](d)(d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{
		Email: email, Name: "Ana", Roles: []store.Role{store.RoleAgent, store.RoleOps}, Password: "$hash",
	}))
}

func sessionOf(n int) (id store.SessionID) {
	copy(id[:], fmt.Sprintf("session%09d", n))
	return id
}

// signsIn opens a session of 30 idle minutes and 12 hours.
func (d *desk) signsIn(a store.Agent, change ...func(*store.NewSession)) store.Session {
	d.Helper()
	return must[store.Session](d)(d.OpenSession(d.ctx, d.now, d.session(a, change...)))
}

func (d *desk) session(a store.Agent, change ...func(*store.NewSession)) store.NewSession {
	n := store.NewSession{ID: sessionOf(d.mint()), Agent: a.ID, Idle: 30 * time.Minute, Ends: d.now.Add(12 * time.Hour)}
	for _, c := range change {
		c(&n)
	}
	return n
}

func (d *desk) runs(s store.Session) store.Agent {
	d.Helper()
	found, agent, err := d.Session(d.ctx, d.now, s.ID)
	d.must(err)
	d.same(found, s)
	return agent
}

func (d *desk) isOver(s store.Session) {
	d.Helper()
	found, agent, err := d.Session(d.ctx, d.now, s.ID)
	d.wantErr(err, store.ErrNotFound)
	d.same(found, store.Session{})
	d.same(agent, store.Agent{})
	_, err = d.TouchSession(d.ctx, d.now, s.ID, time.Hour)
	d.wantErr(err, store.ErrNotFound)
}

func agentFound(d *desk) {
	agent := d.hires(" Ana@Desk.example ")
	d.same(agent, store.Agent{
		ID: agent.ID, Email: "Ana@Desk.example", Name: "Ana", Roles: []store.Role{store.RoleAgent, store.RoleOps},
		Password: "$hash", CreatedAt: d.at(), ChangedAt: d.at(),
	})
	d.same(must[store.Agent](d)(d.Agent(d.ctx, agent.ID)), agent)
	d.same(must[store.Agent](d)(d.AgentByEmail(d.ctx, "ana@DESK.example")), agent)
	if !agent.Has(store.RoleOps) || agent.Has(store.RoleAdmin) {
		d.Error("the roles are not those given")
	}
	_, err := d.Agent(d.ctx, agent.ID+1)
	d.wantErr(err, store.ErrNotFound)
	_, err = d.AgentByEmail(d.ctx, "bob@desk.example")
	d.wantErr(err, store.ErrNotFound)
}

func agentTwice(d *desk) {
	first := d.hires("ana@desk.example")
	_, err := d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{Email: "ANA@desk.example", Name: "Another"})
	d.wantErr(err, store.ErrConflict)
	_, err = d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{Email: " "})
	d.wantErr(err, store.ErrInvalid)
	d.same(must[[]store.Agent](d)(d.lists().agents()), []store.Agent{first})
}

func agentChanged(d *desk) {
	agent := d.hires("ana@desk.example")
	d.pass(time.Minute)
	name, password, secret := "Ana B.", "$other", []byte("twenty secret bytes.")
	agent.Name, agent.Password, agent.TOTP, agent.ChangedAt, agent.Generation = name, password, secret, d.at(), 1
	got := must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), agent.ID,
		store.AgentChange{Name: &name, Password: &password, TOTP: &secret}))
	d.same(got, agent)
	d.same(must[store.Agent](d)(d.Agent(d.ctx, agent.ID)), agent)
	none, roles := []byte{}, []store.Role{store.RoleAdmin}
	agent.TOTP, agent.Roles, agent.Generation = nil, roles, 2
	d.same(must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), agent.ID,
		store.AgentChange{TOTP: &none, Roles: &roles})), agent)
	_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), agent.ID+1, store.AgentChange{})
	d.wantErr(err, store.ErrNotFound)
}

func agentsListed(d *desk) {
	var all []store.Agent
	for i := range 5 {
		all = append(all, d.hires(fmt.Sprint(i, "@desk.example")))
	}
	d.same(must[[]store.Agent](d)(d.lists().agents()), all)
}

func sessionLasts(d *desk) {
	ana := d.hires("ana@desk.example")
	s := d.signsIn(ana)
	d.same(s, store.Session{
		ID: s.ID, Agent: ana.ID, OpenedAt: d.at(), Until: d.at().Add(30 * time.Minute), Ends: d.at().Add(12 * time.Hour),
		UsedAt: d.at(), ProvedAt: d.at(),
	})
	ana.SignedInAt = d.at()
	d.same(d.runs(s), ana)
	d.pass(30*time.Minute - time.Microsecond)
	s.Until, s.UsedAt = d.at().Add(30*time.Minute), d.at()
	d.same(must[store.Session](d)(d.TouchSession(d.ctx, d.now, s.ID, 30*time.Minute)), s)
	// A shorter touch takes nothing away.
	d.same(must[store.Session](d)(d.TouchSession(d.ctx, d.now, s.ID, time.Minute)), s)
	d.pass(20 * time.Minute)
	d.runs(s)
	d.pass(10 * time.Minute)
	d.isOver(s)

	s = d.signsIn(ana)
	s.Until = s.Ends
	d.same(must[store.Session](d)(d.TouchSession(d.ctx, d.now, s.ID, 100*time.Hour)), s)
	d.pass(12 * time.Hour)
	d.isOver(s)
	// The second one dropped the first, which was over.
	if n := must[int](d)(d.Housekeep(d.ctx, d.now, 9)); n != 1 {
		d.Errorf("dropped %d sessions, want 1", n)
	}
}

func sessionReplaced(d *desk) {
	ana := d.hires("ana@desk.example")
	first, elsewhere := d.signsIn(ana), d.signsIn(ana)
	second := d.signsIn(ana, func(n *store.NewSession) { n.Replaces = first.ID })
	d.isOver(first)
	d.runs(elsewhere)
	d.runs(second)
}

func codeOnce(d *desk) {
	ana := d.hires("ana@desk.example")
	code := func(step uint64) func(*store.NewSession) { return func(n *store.NewSession) { n.Spends.Step = step } }
	d.signsIn(ana, code(100))
	for _, used := range []uint64{100, 99} {
		_, err := d.OpenSession(d.ctx, d.now, d.session(ana, code(used)))
		d.wantErr(err, store.ErrConflict)
	}
	if agent := d.runs(d.signsIn(ana, code(101))); agent.TOTPStep != 101 {
		d.Errorf("the last step is %d", agent.TOTPStep)
	}
	secret := []byte("another secret")
	if a := must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{TOTP: &secret})); a.TOTPStep != 0 {
		d.Error("a new secret has no step used")
	}
}

// withRecovery gives the agent an authenticator and recovery codes.
func (d *desk) withRecovery(a store.Agent, codes ...byte) store.Agent {
	d.Helper()
	secret, hashes := []byte("a secret"), []store.RecoveryHash{}
	for _, c := range codes {
		hashes = append(hashes, store.RecoveryHash{c})
	}
	return must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID,
		store.AgentChange{TOTP: &secret, Recovery: &hashes}))
}

func recoveryOnce(d *desk) {
	ana, bob := d.withRecovery(d.hires("ana@desk.example"), 1, 2), d.withRecovery(d.hires("bob@desk.example"), 3)
	code := func(c byte) func(*store.NewSession) {
		return func(n *store.NewSession) { n.Spends.Recovery = store.RecoveryHash{c} }
	}
	s := d.signsIn(ana, code(2))
	ana.Recovery, ana.SignedInAt = []store.RecoveryHash{{1}}, d.at()
	d.same(d.runs(s), ana)
	for _, c := range []byte{2, 3, 9} { // used, another's, never made
		n := d.session(ana, code(c))
		n.Replaces = s.ID
		_, err := d.OpenSession(d.ctx, d.now, n)
		d.wantErr(err, store.ErrConflict)
	}
	d.runs(s)
	d.signsIn(ana, code(1))
	if left := must[store.Agent](d)(d.Agent(d.ctx, ana.ID)).Recovery; left != nil {
		d.Errorf("%d recovery codes are left", len(left))
	}
	d.same(must[store.Agent](d)(d.Agent(d.ctx, bob.ID)), bob)
	none := []byte{}
	if a := must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), bob.ID,
		store.AgentChange{TOTP: &none})); a.Recovery != nil {
		d.Error("recovery codes outlive the authenticator")
	}
	many := make([]store.RecoveryHash, store.MaxRecovery+1)
	_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), bob.ID, store.AgentChange{Recovery: &many})
	d.wantErr(err, store.ErrInvalid)
}

func changeSpends(d *desk) {
	ana := d.withRecovery(d.hires("ana@desk.example"), 1)
	name := "Ana B."
	change := func(f store.SecondFactor) (store.Agent, error) {
		return d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{Name: &name, Spends: f})
	}
	must[store.Agent](d)(change(store.SecondFactor{Step: 100}))
	must[store.Agent](d)(change(store.SecondFactor{Recovery: store.RecoveryHash{1}}))
	name = "Eve"
	for _, spent := range []store.SecondFactor{{Step: 100}, {Step: 99}, {Recovery: store.RecoveryHash{1}}} {
		_, err := change(spent)
		d.wantErr(err, store.ErrConflict)
	}
	ana.Name, ana.TOTPStep, ana.Recovery = "Ana B.", 100, nil
	d.same(must[store.Agent](d)(d.Agent(d.ctx, ana.ID)), ana)
}

func secretResealed(d *desk) {
	ana := d.withRecovery(d.hires("ana@desk.example"), 1)
	s := d.signsIn(ana, func(n *store.NewSession) { n.Spends.Step = 7 })
	d.must(d.ResealAgent(d.ctx, ana.ID, []byte("a secret"), []byte("in wax")))
	ana.TOTP, ana.TOTPStep, ana.SignedInAt = []byte("in wax"), 7, d.at()
	d.same(d.runs(s), ana)
	for _, c := range []struct {
		id       store.AgentID
		from, to string
		want     error
	}{
		{ana.ID, "a secret", "another", store.ErrConflict}, {ana.ID, "in wax", "", store.ErrConflict},
		{d.hires("bob@desk.example").ID, "", "x", store.ErrConflict}, {ana.ID + 9, "", "x", store.ErrNotFound},
	} {
		d.wantErr(d.ResealAgent(d.ctx, c.id, []byte(c.from), []byte(c.to)), c.want)
	}
	d.same(d.runs(s), ana)
}

func sessionsEnd(d *desk) {
	name, password, secret, roles, on := "N", "$p", []byte("s"), []store.Role{}, false
	for what, change := range map[string]store.AgentChange{
		"password": {Password: &password}, "totp": {TOTP: &secret}, "roles": {Roles: &roles},
		"enabled": {Disabled: &on}, "sign-out": {SignOut: true},
	} {
		agent, other := d.hires(what+"@desk.example"), d.hires("other-"+what+"@desk.example")
		mine, theirs := d.signsIn(agent), d.signsIn(other)
		must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), agent.ID, store.AgentChange{Name: &name}))
		d.runs(mine)
		must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), agent.ID, change))
		d.isOver(mine)
		d.runs(theirs)
		d.runs(d.signsIn(agent))
	}
}

func agentDisabled(d *desk) {
	ana, off := d.hires("ana@desk.example"), true
	s := d.signsIn(ana)
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{Disabled: &off}))
	d.isOver(s)
	_, err := d.OpenSession(d.ctx, d.now, d.session(ana))
	d.wantErr(err, store.ErrConflict)
	if !must[store.Agent](d)(d.AgentByEmail(d.ctx, ana.Email)).Disabled {
		d.Error("the agent is not found as disabled")
	}
	on := false
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{Disabled: &on}))
	d.isOver(s)
	d.runs(d.signsIn(ana))
}

func sessionEnded(d *desk) {
	s := d.signsIn(d.hires("ana@desk.example"))
	d.must(d.EndSession(d.ctx, d.now, store.ByService(), s.ID))
	d.isOver(s)
	d.must(d.EndSession(d.ctx, d.now, store.ByService(), s.ID))
	d.must(d.EndSession(d.ctx, d.now, store.ByService(), sessionOf(99)))
}

func sessionsRestored(d *desk) {
	ana := d.hires("ana@desk.example")
	s := d.signsIn(ana)
	d.must(d.MarkRestored(d.ctx, d.now))
	d.isOver(s)
	d.runs(d.signsIn(ana))
}

func sessionRefused(d *desk) {
	ana := d.hires("ana@desk.example")
	taken := d.signsIn(ana)
	for _, c := range []struct {
		change func(*store.NewSession)
		want   error
	}{
		{func(n *store.NewSession) { n.ID = store.SessionID{} }, store.ErrInvalid},
		{func(n *store.NewSession) { n.Idle = 0 }, store.ErrInvalid},
		{func(n *store.NewSession) { n.Ends = d.now }, store.ErrInvalid},
		{func(n *store.NewSession) { n.ID = taken.ID }, store.ErrConflict},
		{func(n *store.NewSession) { n.Agent = 99 }, store.ErrNotFound},
	} {
		_, err := d.OpenSession(d.ctx, d.now, d.session(ana, c.change))
		d.wantErr(err, c.want)
	}
	d.runs(taken)
}

// The model's part.

type modelAgent struct {
	store.Agent
}

// spends takes the second factor, or tells that the agent does not have it.
func (a *modelAgent) spends(f store.SecondFactor) bool {
	left := []store.RecoveryHash(nil)
	for _, hash := range a.Recovery {
		if hash != f.Recovery {
			left = append(left, hash)
		}
	}
	lacks := f.Recovery != store.RecoveryHash{} && len(left) == len(a.Recovery)
	if lacks || f.Step != 0 && f.Step <= a.TOTPStep {
		return false
	}
	a.Recovery, a.TOTPStep = left, max(a.TOTPStep, f.Step)
	return true
}

type modelSession struct {
	store.Session
	agent *modelAgent
}

func (m *model) running(now time.Time, id store.SessionID) *modelSession {
	for _, s := range m.sessions {
		if s.ID == id && now.Before(s.Until) && !s.agent.Disabled {
			return s
		}
	}
	return nil
}

func (r *run) agent(*rapid.T) {
	email := people[r.pick("who", len(people))]
	for _, a := range r.model.agents {
		if store.AddressKey(a.Email) == store.AddressKey(email) {
			_, err := r.store.AddAgent(r.ctx, r.now, store.ByService(), store.NewAgent{Email: email})
			r.compare("AddAgent", must1(store.Agent{}, err), store.Agent{}, store.ErrConflict)
			r.changeAgent(a)
			return
		}
	}
	got, err := r.store.AddAgent(r.ctx, r.now, store.ByService(), store.NewAgent{Email: email, Password: "p"})
	want := store.Agent{ID: got.ID, Email: email, Password: "p", CreatedAt: r.now, ChangedAt: r.now}
	r.compare("AddAgent", must1(got, err), want, nil)
	r.model.agents = append(r.model.agents, &modelAgent{want})
}

func (r *run) changeAgent(a *modelAgent) {
	var c store.AgentChange
	switch r.pick("change", 6) {
	case 0:
		name := "N"
		c.Name, a.Name = &name, name
	case 1:
		off := r.pick("off", 2) == 0
		c.Disabled, a.Disabled = &off, off
	case 2:
		secret := []byte("secret")
		c.TOTP, a.TOTP, a.TOTPStep = &secret, secret, 0
	case 3:
		c.SignOut = true
	case 4:
		codes := []store.RecoveryHash{{1}, {2}}
		c.Recovery, a.Recovery = &codes, codes
	case 5:
		a.Regions, a.Profile = []string{"us"}, store.Profile{Zone: "Asia/Jakarta", Undo: store.MinUndo}
		c.Regions, c.Profile = &a.Regions, &a.Profile
	}
	a.ChangedAt = r.now
	if c.Name == nil && c.Recovery == nil && c.Profile == nil {
		a.Generation++
		r.model.sessions = slices.DeleteFunc(r.model.sessions, func(s *modelSession) bool { return s.agent == a })
	}
	r.model.logs(store.AuditAgentChanged)
	r.compare("ChangeAgent", must1(r.store.ChangeAgent(r.ctx, r.now, store.ByCommandLine("root"), a.ID, c)), a.Agent, nil)
}

func (r *run) session(*rapid.T) {
	if len(r.model.agents) == 0 {
		return
	}
	if n := len(r.model.sessions); n > 0 && r.pick("use", 2) == 0 {
		r.useSession(r.model.sessions[r.pick("session", n)].ID)
		return
	}
	a := r.model.agents[r.pick("agent", len(r.model.agents))]
	n := store.NewSession{
		ID: sessionOf(r.mint()), Agent: a.ID, Idle: time.Hour,
		Ends: r.now.Add(time.Duration(1+r.pick("ends", 4)) * 40 * time.Minute),
		Spends: store.SecondFactor{Step: uint64(r.pick("code", 4)),
			Recovery: store.RecoveryHash{byte(r.pick("recovery", 3))}},
	}
	want := store.Session{
		ID: n.ID, Agent: a.ID, OpenedAt: r.now, Until: r.now.Add(time.Hour), Ends: n.Ends, UsedAt: r.now, ProvedAt: r.now,
	}
	if want.Until.After(n.Ends) {
		want.Until = n.Ends
	}
	got, err := r.store.OpenSession(r.ctx, r.now, n)
	if a.Disabled || !a.spends(n.Spends) {
		r.compare("OpenSession", must1(got, err), store.Session{}, store.ErrConflict)
		return
	}
	a.SignedInAt = r.now
	r.model.logs(store.AuditSignedIn)
	r.compare("OpenSession", must1(got, err), want, nil)
	r.model.sessions = append(r.model.sessions, &modelSession{want, a})
}

func (r *run) useSession(id store.SessionID) {
	if r.pick("end", 3) == 0 {
		r.model.sessions = slices.DeleteFunc(r.model.sessions, func(s *modelSession) bool { return s.ID == id })
		r.compare("EndSession", must1[any](nil, r.store.EndSession(r.ctx, r.now, store.ByService(), id)), nil, nil)
		return
	}
	s := r.model.running(r.now, id)
	got, err := r.store.TouchSession(r.ctx, r.now, id, time.Hour)
	if s == nil {
		r.compare("TouchSession", must1(got, err), store.Session{}, store.ErrNotFound)
		return
	}
	s.UsedAt = r.now
	if s.Until = r.now.Add(time.Hour); s.Until.After(s.Ends) {
		s.Until = s.Ends
	}
	r.compare("TouchSession", must1(got, err), s.Session, nil)
}

func (r *run) readAgents() {
	var all []store.Agent
	for _, a := range r.model.agents {
		all = append(all, a.Agent)
		r.compare("AgentByEmail", must1(r.store.AgentByEmail(r.ctx, a.Email)), a.Agent, nil)
	}
	r.compare("ListAgents", must1(r.lists().agents()), all, nil)
	for _, s := range r.model.sessions {
		found, agent, err := r.store.Session(r.ctx, r.now, s.ID)
		if r.model.running(r.now, s.ID) == nil {
			r.compare("Session", must1(found, err), store.Session{}, store.ErrNotFound)
			continue
		}
		r.compare("Session", must1(found, err), s.Session, nil)
		r.compare("Session's agent", must1(agent, err), s.agent.Agent, nil)
	}
}
