package post

import (
	"context"
	"errors"
	"fmt"
	"io"

	"signpost/intake/guard"
	"signpost/store"
)

// Blobs is where files go; see store/blob.
type Blobs interface {
	Put(ctx context.Context, r io.Reader, limit int64) (store.BlobHash, int64, error)
	Renew(ctx context.Context, hash store.BlobHash) error
}

// Deps is what a Reader is plugged into.
type Deps struct {
	Blobs  Blobs
	Signer guard.Signer // of the references to kept files
	// Room tells whether there is room for files now; nil: always.
	Room func() bool
}

// Reader reads posts. It is safe for concurrent use.
type Reader struct {
	cfg     Config
	deps    Deps
	uploads uploads
}

// New checks the configuration and what the reader is plugged into.
func New(cfg Config, deps Deps) (*Reader, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	if deps.Blobs == nil || deps.Signer == nil {
		return nil, errors.New("post: a dependency is missing")
	}
	return &Reader{cfg: cfg, deps: deps, uploads: newUploads(cfg)}, nil
}
