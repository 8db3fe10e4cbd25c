package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/metrics"
	"signpost/mail/sandbox"
	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// accessWho is a kind of who asks: what they hold.
type accessWho struct {
	roles   []store.Role
	regions []string
	// account is, of who once signed in, what became of that; "" for who never did.
	account string
	// link is what became of the link that they hold; "" without one.
	link  string
	guest string // the link is a colleague's: what became of them, guestActs or guestInvited
	sent  bool   // with the browser in which they wrote by the contact form
}

// What became of a session, and of a link.
const (
	signedIn, sessionEnded, sessionIdle, accountDisabled = "signed in", "ended", "idle", "disabled"
	accountChanged                                       = "changed" // which ended all its sessions

	linkLive, linkUnproven, linkRevoked, linkExpired = "live", "unproven", "revoked", "expired"

	guestActs, guestInvited = "acts", "invited"
)

// accessWhos are all kinds of who asks, by the names that the file's columns have. Where a
// ticket lies in the region us: an agent who sees no region in particular sees all of them;
// there are no teams yet, so that an agent of no team is such an agent.
var accessWhos = map[string]accessWho{
	"anonymous": {},
	"link":      {link: linkLive},
	"unproven":  {link: linkUnproven}, // the link is live, and nobody acted behind it yet
	"revoked":   {link: linkRevoked},
	"expired":   {link: linkExpired},
	"sender":    {sent: true},
	"colleague": {link: linkLive, guest: guestActs},
	"invitee":   {link: linkLive, guest: guestInvited}, // a colleague who has not acted yet

	"agent":      {account: signedIn, roles: []store.Role{store.RoleAgent}, regions: []string{"us"}},
	"everywhere": {account: signedIn, roles: []store.Role{store.RoleAgent}},
	"elsewhere":  {account: signedIn, roles: []store.Role{store.RoleAgent}, regions: []string{"intl"}},
	"lead":       {account: signedIn, roles: []store.Role{store.RoleLead}, regions: []string{"us"}},
	"farlead":    {account: signedIn, roles: []store.Role{store.RoleLead}, regions: []string{"intl"}},
	"ops":        {account: signedIn, roles: []store.Role{store.RoleOps}},
	"localops":   {account: signedIn, roles: []store.Role{store.RoleOps}, regions: []string{"us"}},
	"admin":      {account: signedIn, roles: []store.Role{store.RoleAdmin}},
	"bare":       {account: signedIn}, // an account without a role
	"ended":      {account: sessionEnded, roles: []store.Role{store.RoleAgent, store.RoleOps}},
	"changed":    {account: accountChanged, roles: []store.Role{store.RoleAgent, store.RoleOps}},
	"idle":       {account: sessionIdle, roles: []store.Role{store.RoleAgent, store.RoleOps}},
	"disabled":   {account: accountDisabled, roles: []store.Role{store.RoleAgent, store.RoleOps}},
}

// answers tells who may answer the tickets of a region.
func (w accessWho) answers(region string) bool {
	by := store.Agent{ID: 1, Email: "x", Roles: w.roles, Regions: w.regions}.Actor()
	return w.account == signedIn && store.May(by, store.ActAnswerTicket, store.InRegion(region)) == nil
}

// accessWorld is an App in memory, wired as the demo is, with the accounts of all who have
// one. Nothing is listened to and no mail leaves: what is asked are its handlers.
type accessWorld struct {
	t       *testing.T
	app     *App
	public  http.Handler
	control *recordedRoutes
	inside  *recordedRoutes

	staff    map[string]store.Agent
	author   store.Agent // of what others wrote
	hash     store.BlobHash
	password string // of every account
	canary   store.Ticket
	asked    int
	stages   map[string]*accessStage
	sessions map[string]string       // of those whose stage is used again, by who; another for each route
	refusals map[string]accessAnswer // the first refusal of its kind, by route, who and form
	cells    int
	around   int
}

// recordedRoutes is a http.ServeMux that knows its routes.
type recordedRoutes struct {
	http.ServeMux
	patterns []string
}

func (r *recordedRoutes) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.HandleFunc(pattern, h)
}

func newAccessWorld(t *testing.T) *accessWorld {
	t.Helper()
	w := &accessWorld{
		t: t, control: &recordedRoutes{}, inside: &recordedRoutes{}, staff: map[string]store.Agent{},
		stages: map[string]*accessStage{}, refusals: map[string]accessAnswer{}, password: "a password of the matrix",
	}
	w.build()
	w.public = w.app.web.Handler()
	mountControl(w.control, w.app)
	w.app.mountInside(w.inside)
	w.addStaff()
	var err error
	if w.hash, _, err = w.app.blobs.Put(t.Context(), strings.NewReader(fileMark), 1<<10); err != nil {
		t.Fatal(err)
	}
	w.addCanary()
	return w
}

// fileMark stands in every file of the matrix.
const fileMark = "zanzibar, the file"

// inMemory opens a store without a file.
func inMemory(
	_ config.Service, promising store.Promising, keys store.AuditKeys, _ *metrics.Metrics, _ *slog.Logger,
) (*verbs.Store, error) {
	e, err := memory.Open(verbs.Layouts(), memory.Options{})
	if err != nil {
		return nil, err
	}
	return verbs.Open(e, verbs.Options{Promising: promising, AuditKeys: keys})
}

func (w *accessWorld) build() {
	d := &demo{host: sandbox.New(sandbox.Config{Password: demoPassword, Host: sandboxHost, Log: quietLog()})}
	w.t.Cleanup(func() { d.Close() })
	for _, l := range []*net.Listener{&d.http, &d.smtp, &d.imap} {
		var err error
		if *l, err = listen("the matrix", "127.0.0.1:0"); err != nil {
			w.t.Fatal(err)
		}
	}
	data := filepath.Join(w.t.TempDir(), "data")
	secret, err := demoSecret(data)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := demoConfig(data, d.url(), secret)
	cfg.Service.Secret, cfg.Service.SecretFile = "", filepath.Join(data, demoSecretFile)
	if d.app, err = openAppOn(inMemory, cfg, quietLog()); err != nil {
		w.t.Fatal(err)
	}
	d.app.demo = true
	if err := d.app.build(d.dialers(), d.mount); err != nil {
		w.t.Fatal(err)
	}
	w.app = d.app
}

func (w *accessWorld) addStaff() {
	hash := matrixPassword()
	add := func(name string, roles []store.Role, regions []string) store.Agent {
		a, err := w.app.db.AddAgent(w.t.Context(), time.Now(), store.ByService(), store.NewAgent{
			Email: name + "@staff.example.com", Name: "Staff " + name, Roles: roles, Regions: regions, Password: hash,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		return a
	}
	for name, who := range accessWhos {
		if who.account != "" {
			w.staff[name] = add(name, who.roles, who.regions)
		}
	}
	w.author = add("author", []store.Role{store.RoleAgent}, nil)
}

// matrixPassword is the hash of accessWorld.password, of the least work that argon2id does.
func matrixPassword() string {
	return "$argon2id$v=19$m=8,t=1,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$" +
		"Fn0ED+PUpJjmBdAY25A/Pk4IcBDj1cKd/eN0Is0ePqE"
}

func (w *accessWorld) region(id string) store.Region {
	all := w.app.cfg.Regions()
	return all[slices.IndexFunc(all, func(r store.Region) bool { return r.ID == id })]
}

// signIn gives who has an account a session, and lets become of it what the who says.
func (w *accessWorld) signIn(who string) (token string) {
	agent, ok := w.staff[who]
	if !ok {
		return ""
	}
	now := time.Now()
	token, id := freshSession()
	opened := now
	if accessWhos[who].account == sessionIdle {
		opened = now.Add(-2 * time.Hour)
	}
	n := store.NewSession{ID: id, Agent: agent.ID, Idle: time.Hour, Ends: now.Add(time.Hour), Renews: true}
	if accessWhos[who].account == accountDisabled {
		w.disable(agent, false)
		defer w.disable(agent, true)
	}
	if _, err := w.app.db.OpenSession(context.Background(), opened, n); err != nil {
		w.t.Fatalf("signing in as %s: %v", who, err)
	}
	if accessWhos[who].account == sessionEnded {
		if err := w.app.db.EndSession(context.Background(), now, agent.Actor(), id); err != nil {
			w.t.Fatal(err)
		}
	}
	if accessWhos[who].account == accountChanged {
		w.change(agent, store.AgentChange{SignOut: true})
	}
	return token
}

func (w *accessWorld) disable(a store.Agent, disabled bool) {
	w.change(a, store.AgentChange{Disabled: &disabled})
}

func (w *accessWorld) change(a store.Agent, c store.AgentChange) {
	if _, err := w.app.db.ChangeAgent(context.Background(), time.Now(), store.ByService(), a.ID, c); err != nil {
		w.t.Fatal(err)
	}
}
