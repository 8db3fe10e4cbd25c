package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/verbs"
)

var (
	by  = store.ByCommandLine("a test")
	now = time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)
)

// house is an installation of which one process runs at a time.
type house struct {
	*testing.T
	file, data string
	db         *verbs.Store
	ring       *ident.Ring
	r          *Rotator
	sealed     []byte // what an authenticator's secret stands for here
	token      string // of a link mailed before
	link       store.LinkID
}

func open(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{T: t, file: filepath.Join(dir, "signpost.secret"), data: filepath.Join(dir, "db")}
	if err := os.WriteFile(h.file, []byte(Fresh()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start()
	t.Cleanup(func() { h.db.Close() })
	h.sealed = h.ring.Seal("authenticator", []byte("a secret"), nil)
	h.link = ident.NewLink(now)
	h.token = h.ring.LinkToken(h.link)
	k := oauth.Keeper{Store: h.db, Sealer: h.ring, Account: "google", Configured: "first"}
	if err := k.Keep("second"); err != nil {
		t.Fatal(err)
	}
	h.acts()
	return h
}

// start is a process that begins with what the file and the store hold.
func (h *house) start() {
	h.Helper()
	var err1, err2, err3 error
	h.ring, err1 = ident.New(h.secrets().Secrets()...)
	h.db, err2 = datafile.Open(h.data, datafile.Options{AuditKeys: h.ring})
	if err := errors.Join(err1, err2); err != nil {
		h.Fatal(err)
	}
	err3 = LoadAuditKeys(h.Context(), h.ring, h.db)
	if err3 != nil {
		h.Fatal(err3)
	}
	h.r = &Rotator{File: h.file, Ring: h.ring, Store: h.db, Accounts: []string{"google"}}
	h.r.Authenticators = func(context.Context) error {
		plain, newest, ok := h.ring.Unseal("authenticator", h.sealed, nil)
		if !ok {
			return errors.New("no secret opens the authenticator")
		}
		if !newest {
			h.sealed = h.ring.Seal("authenticator", plain, nil)
		}
		return nil
	}
}

func (h *house) restarts() {
	h.Helper()
	h.db.Close()
	h.start()
}

func (h *house) secrets() config.SecretFile {
	h.Helper()
	raw, err := os.ReadFile(h.file)
	if err != nil {
		h.Fatal(err)
	}
	return config.ParseSecretFile(string(raw))
}

// acts is one line of the audit log.
func (h *house) acts() {
	h.Helper()
	s := store.Suppression{Address: "a@partner.example", Scope: store.ScopeAll}
	if _, err := h.db.SuppressAddress(h.Context(), now, by, s); err != nil {
		h.Fatal(err)
	}
}

// whole wants everything that was made before to be good still, but for links where they
// were revoked.
func (h *house) whole(when string, links bool) {
	h.Helper()
	if _, ok := h.ring.ParseLink(h.token); ok != links {
		h.Errorf("%s: the old link is good: %v, want %v", when, ok, links)
	}
	if plain, _, ok := h.ring.Unseal("authenticator", h.sealed, nil); !ok || string(plain) != "a secret" {
		h.Errorf("%s: the authenticator is lost", when)
	}
	k := oauth.Keeper{Store: h.db, Sealer: h.ring, Account: "google", Configured: "first"}
	if got := k.Kept(); got != "second" {
		h.Errorf("%s: the token is %q", when, got)
	}
	run, err := h.db.VerifyAudits(h.Context(), store.AuditHead{}, 1000)
	if err != nil || run.Broken != nil {
		h.Errorf("%s: the audit log is broken at %+v, %v", when, run.Broken, err)
	}
}

var errKilled = errors.New("killed")

// A rotation that is killed before or after any of its steps leaves everything good, and the
// next one ends it: with one new secret, that seals all.
func TestARotationIsEndedWhereverItWasKilled(t *testing.T) {
	t.Parallel()
	steps := []string{"before written", "written", "authenticators", "tokens", "audit keys", "before finished", "finished"}
	for _, revoke := range []bool{false, true} {
		for _, at := range steps {
			h := open(t)
			old := h.ring.Newest()
			h.r.reached = func(step string) error {
				if step == at {
					return errKilled
				}
				return nil
			}
			if _, err := h.r.Rotate(t.Context(), now, by, revoke); !errors.Is(err, errKilled) {
				t.Fatalf("killed at %s: %v", at, err)
			}
			done := at == "finished"
			h.restarts()
			h.whole("killed at "+at, !(revoke && done))
			h.acts()
			if _, err := h.r.Rotate(t.Context(), now, by, revoke); err != nil {
				t.Fatalf("after %s: %v", at, err)
			}
			h.whole("ended after "+at, !revoke)
			h.restarts()
			h.whole("started after "+at, !revoke)
			f := h.secrets()
			want := 2
			if revoke {
				want = 1
			} else if done { // it had ended: this was another
				want = 3
			}
			if len(f.Lines) != want || f.Rotating || h.ring.Newest() == old {
				t.Errorf("after %s the file is\n%s", at, f)
			}
			if _, newest, _ := h.ring.Unseal("authenticator", h.sealed, nil); !newest {
				t.Errorf("after %s the authenticator is not sealed by the newest", at)
			}
		}
	}
}

// An old secret stays as long as mail or links need it, which status tells, and goes then;
// the audit log is proven without it, and the installation keeps its name.
func TestAnOldSecretGoesWhenNothingNeedsIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	name, err := config.Service{SecretFile: h.file}.Instance()
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.r.Rotate(t.Context(), now, by, false)
	if err != nil || len(s.Secrets) != 2 || !s.Secrets[1].NeededUntil.Equal(now.Add(Kept)) {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err := h.r.Drop(t.Context(), now.Add(Kept-time.Hour), by); err != nil || s.Dropped != 0 || len(s.Secrets) != 2 {
		t.Errorf("too early: %+v, %v", s, err)
	}
	h.whole("too early", true)
	if s, err := h.r.Drop(t.Context(), now.Add(Kept), by); err != nil || s.Dropped != 1 || len(s.Secrets) != 1 {
		t.Errorf("in time: %+v, %v", s, err)
	}
	h.whole("without it", false)
	h.acts()
	h.restarts()
	h.whole("started without it", false)
	if again, err := (config.Service{SecretFile: h.file}).Instance(); err != nil || again != name {
		t.Errorf("the installation is called %s, was %s: %v", again, name, err)
	}
	info, err := os.Stat(h.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
}

// Links mailed in the last year may outlast what mail needs.
func TestAnOldSecretStaysForItsLinks(t *testing.T) {
	t.Parallel()
	h := open(t)
	ends := now.Add(3 * Kept)
	n := store.NewTicket{
		Region:  store.Region{ID: "us", Prefix: "US", Address: "us@example.com", Name: "US"},
		Channel: store.ChannelForm, Requester: store.Contact{Email: "p@partner.example", Country: "US", Lang: "en"},
		Body: "x", MessageID: "one@example.com", Link: h.link, LinkExpires: ends,
	}
	if _, err := h.db.OpenTicket(t.Context(), now, n); err != nil {
		t.Fatal(err)
	}
	s, err := h.r.Rotate(t.Context(), now.Add(time.Minute), by, false)
	if err != nil || !s.Secrets[1].NeededUntil.Equal(ends) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestASecretFromElsewhereIsNotChangedHere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.r.File = ""
	if _, err := h.r.Rotate(t.Context(), now, by, false); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("%v", err)
	}
	h.whole("untouched", true)
}
