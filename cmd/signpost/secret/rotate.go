package secret

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
	"signpost/store"
	"signpost/store/durable"
	"signpost/store/ident"
)

// Kept is the least time for which a secret is kept after another took its place: mail that
// was sent under it still bounces and is still answered.
const Kept = 2 * ident.TagKept

// Store is what holds what the secrets seal, and what needs them.
type Store interface {
	oauth.Resealable
	LinksUntil(ctx context.Context, now, minted time.Time) (time.Time, error)
	EndAllSessions(ctx context.Context, now time.Time, by store.Actor) (int, error)
	RecordAct(ctx context.Context, now time.Time, by store.Actor, event store.AuditEvent, o store.Object) error
}

// Rotator changes the secrets of one installation. Its calls wait for one another.
type Rotator struct {
	File     string // the secret file; "": the secret comes from the environment
	Ring     *ident.Ring
	Store    Store
	Accounts []string // whose tokens are kept
	// Authenticators seals those that are not sealed by the newest secret.
	Authenticators func(ctx context.Context) error

	mu      sync.Mutex
	reached func(step string) error // a test kills it there
}

var errNoFile = errors.New("the secret does not come from service.secret_file, so it cannot be changed here: make " +
	"one with head -c 32 /dev/urandom | base64, put it in front of the old one where it comes from, and restart; what " +
	"it seals is sealed anew at the start")

func (r *Rotator) step(name string) error {
	if r.reached == nil {
		return nil
	}
	return r.reached(name)
}

func (r *Rotator) read() (config.SecretFile, error) {
	if r.File == "" {
		return config.SecretFile{}, errNoFile
	}
	raw, err := os.ReadFile(r.File)
	return config.ParseSecretFile(string(raw)), err
}

func (r *Rotator) write(f config.SecretFile, step string) error {
	if err := r.step("before " + step); err != nil {
		return err
	}
	if err := durable.Replace(r.File, durable.Bytes([]byte(f.String()))); err != nil {
		return fmt.Errorf("%s was left as it was: %w", r.File, err)
	}
	return r.step(step)
}

// Rotate puts a new secret in front of the others and seals anew what they sealed. The old
// one still proves all that was made with it. With revoke it does not: old links and all
// sessions end at once. A rotation that was cut off is ended by the next call.
func (r *Rotator) Rotate(ctx context.Context, now time.Time, by store.Actor, revoke bool) (Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.read()
	if err != nil {
		return Status{}, err
	}
	if !f.Rotating {
		f.Lines = slices.Insert(f.Lines, 0, config.SecretLine{Text: Fresh(), Since: now})
	}
	if !f.Rotating || revoke && !f.Revoking {
		f.Rotating, f.Revoking = true, f.Revoking || revoke
		if err := r.write(f, "written"); err != nil {
			return Status{}, err
		}
	}
	if err := r.sealAnew(ctx, now, f); err != nil {
		return Status{}, err
	}
	ended := 0
	if f.Revoking {
		if ended, err = r.Store.EndAllSessions(ctx, now, by); err != nil {
			return Status{}, err
		}
		drop(&f, 1)
	}
	if err := r.finish(ctx, now, by, store.AuditSecretRotated, &f); err != nil {
		return Status{}, err
	}
	s, err := r.status(ctx, now, f)
	s.Sessions = ended
	return s, err
}

// sealAnew has the ring use the secrets of the file, and seals by the newest what another
// sealed, the keys by which the audit log is proven among it.
func (r *Rotator) sealAnew(ctx context.Context, now time.Time, f config.SecretFile) error {
	if err := r.Ring.Replace(f.Secrets()...); err != nil {
		return err
	}
	if err := r.Authenticators(ctx); err != nil {
		return err
	}
	if err := r.step("authenticators"); err != nil {
		return err
	}
	for _, account := range r.Accounts {
		if _, err := oauth.Reseal(ctx, r.Store, r.Ring, account); err != nil {
			return err
		}
	}
	if err := r.step("tokens"); err != nil {
		return err
	}
	keys, err := json.Marshal(r.Ring.AuditKeys())
	if err != nil {
		return err
	}
	sealed := r.Ring.Seal(auditPurpose, keys, []byte(auditName))
	if err := r.Store.PutSealedToken(ctx, now, auditName, sealed); err != nil {
		return err
	}
	return r.step("audit keys")
}

// finish writes the file as it is to stay, and has the ring use it.
func (r *Rotator) finish(
	ctx context.Context, now time.Time, by store.Actor, event store.AuditEvent, f *config.SecretFile,
) error {
	r.Ring.KeepAuditKeys(r.Ring.AuditKeys())
	to := store.Object{Kind: store.ObjectSecret, Name: r.Ring.Newest()}
	if err := r.Store.RecordAct(ctx, now, by, event, to); err != nil {
		return err
	}
	f.Rotating, f.Revoking = false, false
	if err := r.write(*f, "finished"); err != nil {
		return err
	}
	return r.Ring.Replace(f.Secrets()...)
}

// Drop takes away the secrets that nothing needs any more.
func (r *Rotator) Drop(ctx context.Context, now time.Time, by store.Actor) (Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.read()
	if err != nil {
		return Status{}, err
	}
	s, err := r.status(ctx, now, f)
	if err != nil || s.Rotating || s.Droppable == 0 {
		return s, err
	}
	if err := r.sealAnew(ctx, now, f); err != nil {
		return s, err
	}
	dropped := s.Droppable
	drop(&f, len(f.Lines)-dropped)
	if err := r.finish(ctx, now, by, store.AuditSecretDropped, &f); err != nil {
		return s, err
	}
	s, err = r.status(ctx, now, f)
	s.Dropped = dropped
	return s, err
}

// drop keeps the newest secrets alone, and the name of the installation.
func drop(f *config.SecretFile, kept int) {
	secrets := f.Secrets()
	if f.Instance == "" {
		f.Instance = ident.Fingerprint(secrets[len(secrets)-1])
	}
	f.Lines = f.Lines[:kept]
}

// The keys of the audit log that outlive their secrets are kept among the sealed tokens.
const (
	auditName    = "secret/audit-keys"
	auditPurpose = "audit keys"
)

// LoadAuditKeys gives a ring the keys of the audit log whose secrets are gone.
func LoadAuditKeys(ctx context.Context, ring *ident.Ring, tokens oauth.Store) error {
	sealed, err := tokens.SealedToken(ctx, auditName)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, _, ok := ring.Unseal(auditPurpose, sealed, []byte(auditName))
	keys := map[string][]byte{}
	if ok && json.Unmarshal(plain, &keys) == nil {
		ring.KeepAuditKeys(keys)
	}
	return nil // without them audit verify says which key is missing
}

// Fresh is a new secret as text.
func Fresh() string {
	var raw [ident.SecretBytes]byte
	rand.Read(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}
