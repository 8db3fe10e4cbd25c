package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

func passkeyStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A passkey is added, used and dropped":            passkeyLives,
		"A passkey's counter grows, or it is a copy":      passkeyCounts,
		"A challenge is answered once":                    challengeOnce,
		"All passkeys are dropped at once":                passkeysDropped,
		"Passkeys are bounded":                            passkeysBounded,
		"Recovery codes go with the last factor":          recoveryGoes,
		"A link into an account counts once":              agentLinkOnce,
		"A link into an account ends":                     agentLinkEnds,
		"Who asks for a link learns nothing":              agentLinkAsked,
		"An agent sees and ends their sessions":           sessionsSeen,
		"An agent has so many sessions":                   sessionsBounded,
		"A session is proved anew":                        sessionProved,
		"A notice goes with what it tells, within budget": noticeQueued,
	}
}

func passkeyOf(n byte) store.Passkey {
	return store.Passkey{ID: store.PasskeyID{n}, Name: fmt.Sprint("key ", n), Record: fmt.Sprint("{", n, "}")}
}

// withPasskey gives the agent a passkey.
func (d *desk) withPasskey(a store.Agent, k store.Passkey) store.Agent {
	d.Helper()
	return must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID, store.AgentChange{AddsPasskey: &k}))
}

// signed is a passkey's answer to a challenge of 5 minutes.
func (d *desk) signed(key, challenge byte, count uint32) store.SecondFactor {
	return store.SecondFactor{Passkey: store.PasskeyUse{
		ID: store.PasskeyID{key}, Record: fmt.Sprint("{used ", count, "}"), Count: count,
		Challenge: store.ChallengeID{challenge}, Until: d.now.Add(5 * time.Minute),
	}}
}

func (d *desk) signsInWith(a store.Agent, f store.SecondFactor) (store.Session, error) {
	return d.OpenSession(d.ctx, d.now, d.session(a, func(n *store.NewSession) { n.Spends = f }))
}

func passkeyLives(d *desk) {
	ana := d.hires("ana@desk.example")
	before := d.signsIn(ana)
	k := passkeyOf(1)
	ana = d.withPasskey(ana, k)
	k.AddedAt = d.at()
	d.same(ana.Passkeys, []store.Passkey{k})
	d.runs(before) // one more passkey makes no session unsafe
	_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{AddsPasskey: &k})
	d.wantErr(err, store.ErrConflict)

	d.pass(time.Minute)
	s := must[store.Session](d)(d.signsInWith(ana, d.signed(1, 1, 7)))
	k.Record, k.Count, k.UsedAt = "{used 7}", 7, d.at()
	d.same(d.runs(s).Passkeys, []store.Passkey{k})

	bob := d.hires("bob@desk.example")
	_, err = d.signsInWith(bob, d.signed(1, 2, 8)) // another's
	d.wantErr(err, store.ErrConflict)
	ana = must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{DropsPasskey: k.ID}))
	if ana.Passkeys != nil {
		d.Errorf("%d passkeys are left", len(ana.Passkeys))
	}
	d.isOver(s)
	_, err = d.signsInWith(ana, d.signed(1, 3, 9))
	d.wantErr(err, store.ErrConflict)
	_, err = d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{DropsPasskey: k.ID})
	d.wantErr(err, store.ErrConflict)
}

func passkeysDropped(d *desk) {
	ana := d.withPasskey(d.withPasskey(d.hires("ana@desk.example"), passkeyOf(1)), passkeyOf(2))
	s := d.signsIn(ana)
	ana = must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{WithoutPasskeys: true}))
	if ana.Passkeys != nil {
		d.Errorf("%d passkeys are left", len(ana.Passkeys))
	}
	d.isOver(s)
}

func passkeyCounts(d *desk) {
	ana := d.withPasskey(d.hires("ana@desk.example"), passkeyOf(1))
	for i, c := range []struct {
		count uint32
		want  error
	}{{0, nil}, {0, nil}, {5, nil}, {5, store.ErrConflict}, {4, store.ErrConflict}, {0, store.ErrConflict}, {6, nil}} {
		_, err := d.signsInWith(ana, d.signed(1, byte(i+1), c.count))
		d.wantErr(err, c.want)
	}
}

func challengeOnce(d *desk) {
	ana := d.withPasskey(d.hires("ana@desk.example"), passkeyOf(1))
	must[store.Session](d)(d.signsInWith(ana, d.signed(1, 1, 0)))
	again := d.signed(1, 1, 0)
	_, err := d.signsInWith(ana, again)
	d.wantErr(err, store.ErrConflict)
	more := passkeyOf(2)
	_, err = d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{AddsPasskey: &more, Spends: store.SecondFactor{Passkey: store.PasskeyUse{
			Challenge: store.ChallengeID{1}, Until: d.now.Add(time.Minute)}}})
	d.wantErr(err, store.ErrConflict)

	late := d.signed(1, 2, 0)
	d.pass(5 * time.Minute)
	_, err = d.signsInWith(ana, late)
	d.wantErr(err, store.ErrConflict)
	if n := must[int](d)(d.Housekeep(d.ctx, d.now, 9)); n != 1 {
		d.Errorf("%d rows are dropped, want the challenge that is over", n)
	}
}

func passkeysBounded(d *desk) {
	ana := d.hires("ana@desk.example")
	for i := range byte(store.MaxPasskeys) {
		d.withPasskey(ana, passkeyOf(i+1))
	}
	long, none, bare := passkeyOf(99), passkeyOf(0), passkeyOf(98)
	long.Record, bare.Record = string(make([]byte, store.MaxPasskeyRecord+1)), ""
	for _, k := range []store.Passkey{passkeyOf(97), long, none, bare} {
		_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{AddsPasskey: &k})
		d.wantErr(err, store.ErrInvalid)
	}
}

func recoveryGoes(d *desk) {
	ana := d.withPasskey(d.withRecovery(d.hires("ana@desk.example"), 1, 2), passkeyOf(1))
	none := []byte{}
	ana = must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{TOTP: &none}))
	if len(ana.Recovery) != 2 {
		d.Errorf("%d recovery codes are left beside a passkey, want 2", len(ana.Recovery))
	}
	ana = must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{DropsPasskey: store.PasskeyID{1}}))
	if ana.Recovery != nil {
		d.Error("recovery codes outlive the last factor")
	}
}

// accountMail is a mail about an account.
func (d *desk) accountMail(kind store.OutboundKind, budgets ...store.Budget) store.NewMail {
	return store.NewMail{
		Kind: kind, From: "us@desk.example", MessageID: messageIDOf(d.mint()), Subject: "S", Text: "T", Budgets: budgets,
	}
}

func (d *desk) agentLink(kind store.AgentLinkKind, n byte, budgets ...store.Budget) store.NewAgentLink {
	return store.NewAgentLink{
		AgentLink: store.AgentLink{ID: store.LinkID{n}, Kind: kind, Until: d.now.Add(time.Hour)},
		Mail:      d.accountMail(kind.Mail(), budgets...),
	}
}

func agentLinkOnce(d *desk) {
	ana, bob := d.hires("ana@desk.example"), d.hires("bob@desk.example")
	mail := must[store.Outbound](d)(d.MailAgentLink(d.ctx, d.now, store.ByService(), ana.ID,
		d.agentLink(store.AgentLinkInvite, 1)))
	if mail.To != ana.Email || mail.Agent != ana.ID || mail.Link != (store.LinkID{1}) ||
		mail.Kind != store.MailInvite || mail.Region != store.OwnRegion {
		d.Errorf("the mail is %+v", mail)
	}
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
	ana = must[store.Agent](d)(d.Agent(d.ctx, ana.ID))
	if _, ok := ana.Link(d.now, store.LinkID{1}); !ok {
		d.Error("the link opens nothing")
	}
	name := "Bob"
	follow := func(a store.Agent) error {
		_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID,
			store.AgentChange{Name: &name, Spends: store.SecondFactor{Link: store.LinkID{1}}})
		return err
	}
	d.wantErr(follow(bob), store.ErrConflict)
	d.must(follow(ana))
	d.wantErr(follow(ana), store.ErrConflict)
	for _, bad := range []func(*store.NewAgentLink){
		func(l *store.NewAgentLink) { l.Kind = "" }, func(l *store.NewAgentLink) { l.Until = d.now },
		func(l *store.NewAgentLink) { l.Mail.Kind = store.MailReset },
		func(l *store.NewAgentLink) { l.ID = store.LinkID{} }, func(l *store.NewAgentLink) { l.Mail.From = "" },
	} {
		l := d.agentLink(store.AgentLinkInvite, 2)
		bad(&l)
		_, err := d.MailAgentLink(d.ctx, d.now, store.ByService(), ana.ID, l)
		d.wantErr(err, store.ErrInvalid)
	}
	_, err := d.MailAgentLink(d.ctx, d.now, bob.Actor(), ana.ID, d.agentLink(store.AgentLinkInvite, 2))
	d.wantErr(err, store.ErrForbidden)
	_, err = d.QueueMail(d.ctx, d.now, d.accountMail(store.MailNotice))
	d.wantErr(err, store.ErrInvalid)
}

func agentLinkEnds(d *desk) {
	d.connects()
	password, off := "$new", true
	for what, end := range map[string]func(store.Agent){
		"an hour": func(store.Agent) { d.pass(time.Hour) },
		"a password": func(a store.Agent) {
			must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID,
				store.AgentChange{Password: &password}))
		},
		"disabling": func(a store.Agent) {
			must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID, store.AgentChange{Disabled: &off}))
		},
		"a bounce": func(a store.Agent) {
			mail := must[[]store.Outbound](d)(store.Items(d.OutboundsTo(d.ctx, a.Email, store.Page{Limit: 1})))[0]
			for _, row := range d.claims(claimAll()) {
				d.finishes(row, store.StateSent, time.Time{})
			}
			d.hears(failed(mail, store.OutcomeDead))
		},
		"a restore": func(store.Agent) { d.must(d.MarkRestored(d.ctx, d.now)) },
		"newer ones": func(a store.Agent) {
			for i := range byte(store.MaxAgentLinks) {
				must[store.Outbound](d)(d.MailAgentLink(d.ctx, d.now, store.ByService(), a.ID,
					d.agentLink(store.AgentLinkReset, 10+i)))
			}
		},
	} {
		a := d.hires(strings.ReplaceAll(what, " ", "-") + "@desk.example")
		must[store.Outbound](d)(d.MailAgentLink(d.ctx, d.now, store.ByService(), a.ID,
			d.agentLink(store.AgentLinkReset, 1)))
		end(a)
		a = must[store.Agent](d)(d.Agent(d.ctx, a.ID))
		if _, ok := a.Link(d.now, store.LinkID{1}); ok {
			d.Errorf("%s leaves the link", what)
		}
		name := "N"
		_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), a.ID,
			store.AgentChange{Name: &name, Spends: store.SecondFactor{Link: store.LinkID{1}}})
		d.wantErr(err, store.ErrConflict)
	}
}

func agentLinkAsked(d *desk) {
	ana, gone, off := d.hires("ana@desk.example"), d.hires("gone@desk.example"), true
	must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), gone.ID, store.AgentChange{Disabled: &off}))
	all := store.Budget{Name: "reset", Limit: 5, Window: time.Hour}
	ask := func(email string, n byte) bool {
		mine := store.Budget{Name: "reset/address", Key: email, Limit: 2, Window: time.Hour}
		return must[bool](d)(d.AskAgentLink(d.ctx, d.now, email, d.agentLink(store.AgentLinkReset, n, all, mine)))
	}
	for i, c := range []struct {
		email string
		want  bool
	}{
		{"ANA@desk.example", true}, {"nobody@desk.example", false}, {"gone@desk.example", false},
		{"ANA@desk.example", true}, {"ANA@desk.example", false}, // her own budget is spent
	} {
		if got := ask(c.email, byte(i+1)); got != c.want {
			d.Errorf("%s: queued %v, want %v", c.email, got, c.want)
		}
	}
	if links := must[store.Agent](d)(d.Agent(d.ctx, ana.ID)).Links; len(links) != 2 {
		d.Errorf("%d links, want 2", len(links))
	}
	d.hires("eve@desk.example")
	if !ask("eve@desk.example", 9) || ask("bob@desk.example", 10) || ask("eve@desk.example", 11) {
		d.Error("the budget of all is not counted alike for known and unknown addresses")
	}
}

func sessionsSeen(d *desk) {
	ana, bob := d.hires("ana@desk.example"), d.hires("bob@desk.example")
	first := d.signsIn(ana, func(n *store.NewSession) { n.Network, n.Browser = "192.0.2.0/24", "Firefox on Linux" })
	d.pass(time.Minute)
	second, theirs := d.signsIn(ana), d.signsIn(bob)
	d.same(must[[]store.Session](d)(d.Sessions(d.ctx, d.now, ana.Actor(), ana.ID)), []store.Session{second, first})
	if first.Browser != "Firefox on Linux" || first.Network != "192.0.2.0/24" {
		d.Errorf("the session is %+v", first)
	}
	ops := store.Agent{ID: 99, Roles: []store.Role{store.RoleOps}}
	_, err := d.Sessions(d.ctx, d.now, ops.Actor(), ana.ID)
	d.wantErr(err, store.ErrForbidden)
	_, err = d.EndSessions(d.ctx, d.now, ops.Actor(), ana.ID, store.SessionID{})
	d.wantErr(err, store.ErrForbidden)
	third := d.signsIn(ana)
	if n := must[int](d)(d.EndSessions(d.ctx, d.now, ana.Actor(), ana.ID, second.ID)); n != 2 {
		d.Errorf("%d sessions are ended, want 2", n)
	}
	d.isOver(first)
	d.isOver(third)
	d.runs(second)
	d.runs(theirs)
	d.same(must[[]store.Session](d)(d.Sessions(d.ctx, d.now, store.ByService(), ana.ID)), []store.Session{second})
	if n := must[int](d)(d.EndSessions(d.ctx, d.now, store.ByService(), ana.ID, store.SessionID{})); n != 1 {
		d.Errorf("%d sessions are ended, want 1", n)
	}
	d.isOver(second)
}

func sessionsBounded(d *desk) {
	ana := d.hires("ana@desk.example")
	oldest := d.signsIn(ana)
	d.pass(time.Minute)
	for range store.MaxSessions - 1 {
		d.signsIn(ana)
	}
	d.runs(oldest)
	d.signsIn(ana)
	d.isOver(oldest)
	if n := len(must[[]store.Session](d)(d.Sessions(d.ctx, d.now, ana.Actor(), ana.ID))); n != store.MaxSessions {
		d.Errorf("%d sessions, want %d", n, store.MaxSessions)
	}
	_, err := d.OpenSession(d.ctx, d.now, d.session(ana, func(n *store.NewSession) {
		n.Browser = string(make([]byte, store.MaxBrowser+1))
	}))
	d.wantErr(err, store.ErrInvalid)
}

func sessionProved(d *desk) {
	ana := d.withRecovery(d.hires("ana@desk.example"), 1)
	s := d.signsIn(ana)
	d.pass(10 * time.Minute)
	notice := d.accountMail(store.MailNotice)
	d.must(d.ProveSession(d.ctx, d.now, s.ID, store.SecondFactor{Recovery: store.RecoveryHash{1}}, &notice))
	s.ProvedAt = d.at()
	if left := d.runs(s).Recovery; left != nil {
		d.Errorf("%d recovery codes are left", len(left))
	}
	err := d.ProveSession(d.ctx, d.now, s.ID, store.SecondFactor{Recovery: store.RecoveryHash{1}}, nil)
	d.wantErr(err, store.ErrConflict)
	d.pass(time.Hour)
	d.wantErr(d.ProveSession(d.ctx, d.now, s.ID, store.SecondFactor{}, nil), store.ErrNotFound)
}

func noticeQueued(d *desk) {
	ana := d.hires("ana@desk.example")
	few := store.Budget{Name: "notice", Key: "1", Limit: 2, Window: time.Hour}
	for range 3 {
		notice := d.accountMail(store.MailNotice, few)
		d.signsIn(ana, func(n *store.NewSession) { n.Notice = &notice })
	}
	mails := must[[]store.Outbound](d)(store.Items(d.OutboundsTo(d.ctx, ana.Email, store.Page{Limit: 9})))
	if len(mails) != 2 || mails[0].Kind != store.MailNotice || mails[0].Agent != ana.ID {
		d.Errorf("the agent gets %d mails, want the 2 of the budget: %+v", len(mails), mails)
	}
	name, notice := "N", d.accountMail(store.MailAlarm)
	_, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID, store.AgentChange{Name: &name, Notice: &notice})
	d.wantErr(err, store.ErrInvalid)
}
