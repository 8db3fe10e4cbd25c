package store

import (
	"context"
	"time"
)

// Tokens are the verbs of those who keep what opens another service, such as the refresh
// token that a provider of mail accounts hands out in the place of the one before. The
// store keeps it as it is given: sealed, by who uses it.
type Tokens interface {
	// SealedToken returns what was put last under a name; ErrNotFound for nothing.
	SealedToken(ctx context.Context, name string) ([]byte, error)
	// PutSealedToken keeps a token in the place of the one under its name, one of length
	// 0 for none. ErrInvalid for what is no name, and above MaxSealedToken bytes.
	PutSealedToken(ctx context.Context, now time.Time, name string, sealed []byte) error
	// ResealToken puts to in the place of from under a name, where to is the same token
	// in another wrapping. ErrConflict where it is another one by now, or none.
	ResealToken(ctx context.Context, name string, from, to []byte) error
}
