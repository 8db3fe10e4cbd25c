package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"

	"signpost/store/durable"
)

// Keeper holds the refresh tokens that a provider handed out in the place of the
// configured one, in a file that only its owner may read. Its methods are what
// Config.Keep and Config.Kept ask for.
type Keeper struct {
	Path       string
	Configured string // the refresh token of the configuration
}

type keptToken struct {
	// Configured is the SHA-256 of the configured token it descends from: when the
	// operator configures another, what was kept is worth nothing.
	Configured   string `json:"configured"`
	RefreshToken string `json:"refresh_token"`
}

func (k Keeper) origin() string {
	sum := sha256.Sum256([]byte(k.Configured))
	return hex.EncodeToString(sum[:])
}

// Kept is the newest token that descends from the configured one, "" for none.
func (k Keeper) Kept() string {
	var t keptToken
	raw, err := os.ReadFile(k.Path)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Configured != k.origin() {
		return ""
	}
	return t.RefreshToken
}

// Keep replaces the file in one durable step: were the old one there after a power
// cut, it would hold a token that the provider has replaced.
func (k Keeper) Keep(token string) error {
	raw, err := json.Marshal(keptToken{k.origin(), token})
	if err != nil {
		return err
	}
	return durable.Replace(k.Path, durable.Bytes(raw))
}
