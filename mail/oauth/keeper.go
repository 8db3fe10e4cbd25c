package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"signpost/store"
)

// Keeper holds the refresh token that a provider handed out in the place of the
// configured one, in the store, sealed with the installation's secret. Its methods are
// what Config.Keep and Config.Kept ask for.
type Keeper struct {
	Store      Store
	Sealer     Sealer
	Account    string // the name it is kept under
	Configured string // the refresh token of the configuration
	// File is where earlier versions kept the token, in the clear: it is read while the
	// store has none, and removed when it has. "": there is none.
	File string
}

// Store keeps sealed tokens (store.Tokens).
type Store interface {
	SealedToken(ctx context.Context, name string) ([]byte, error)
	PutSealedToken(ctx context.Context, now time.Time, name string, sealed []byte) error
}

// Sealer seals what a copy of the store must not tell; *ident.Ring is one.
type Sealer interface {
	Seal(purpose string, plain, context []byte) []byte
	Unseal(purpose string, sealed, context []byte) (plain []byte, newest, ok bool)
}

const (
	purpose   = "oauth refresh token"
	keepLimit = 10 * time.Second
)

type keptToken struct {
	// Configured is the SHA-256 of the configured token it descends from: when the
	// operator configures another, what was kept is void.
	Configured   string `json:"configured"`
	RefreshToken string `json:"refresh_token"`
}

func (k Keeper) origin() string {
	sum := sha256.Sum256([]byte(k.Configured))
	return hex.EncodeToString(sum[:])
}

// name is what the store knows the account's token by.
func (k Keeper) name() string { return "oauth/" + k.Account }

// Kept is the newest token that descends from the configured one, "" for none.
func (k Keeper) Kept() string {
	ctx, cancel := context.WithTimeout(context.Background(), keepLimit)
	defer cancel()
	sealed, err := k.Store.SealedToken(ctx, k.name())
	if errors.Is(err, store.ErrNotFound) && k.File != "" {
		raw, err := os.ReadFile(k.File)
		return k.descendant(raw, err == nil)
	}
	plain, _, ok := k.Sealer.Unseal(purpose, sealed, []byte(k.name()))
	return k.descendant(plain, err == nil && ok)
}

// descendant is the token in what was kept, where it descends from the configured one.
func (k Keeper) descendant(kept []byte, ok bool) string {
	var t keptToken
	if !ok || json.Unmarshal(kept, &t) != nil || t.Configured != k.origin() {
		return ""
	}
	return t.RefreshToken
}

// Keep replaces the token kept, and returns when that is durable: were the old one there
// after a power cut, it would be one that the provider has replaced.
func (k Keeper) Keep(token string) error {
	plain, err := json.Marshal(keptToken{k.origin(), token})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), keepLimit)
	defer cancel()
	sealed := k.Sealer.Seal(purpose, plain, []byte(k.name()))
	if err := k.Store.PutSealedToken(ctx, time.Now(), k.name(), sealed); err != nil || k.File == "" {
		return err
	}
	if err := os.Remove(k.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Resealable keeps sealed tokens that are sealed anew (store.Tokens).
type Resealable interface {
	Store
	ResealToken(ctx context.Context, name string, from, to []byte) error
}

// resealTries is how often a token may change while it is sealed anew.
const resealTries = 5

// Reseal seals the token kept of an account by the newest secret, and tells whether it was
// not. A token that the provider replaces meanwhile stays.
func Reseal(ctx context.Context, s Resealable, sealer Sealer, account string) (resealed bool, err error) {
	name := Keeper{Account: account}.name()
	for range resealTries {
		sealed, err := s.SealedToken(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		plain, newest, ok := sealer.Unseal(purpose, sealed, []byte(name))
		if newest || !ok { // one that no secret opens is lost already
			return false, nil
		}
		err = s.ResealToken(ctx, name, sealed, sealer.Seal(purpose, plain, []byte(name)))
		if !errors.Is(err, store.ErrConflict) {
			return err == nil, err
		}
	}
	return false, errors.New("the token of " + account + " changes all the time")
}
