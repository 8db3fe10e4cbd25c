package blob

import (
	"context"
	"errors"

	"signpost/store"
)

// Names is the part of the store that knows which blobs there must be.
type Names interface {
	ListBlobs(ctx context.Context, after store.BlobHash, limit int) ([]store.BlobHash, error)
}

// Missing looks for each blob that the store names, until ctx ends. It returns how many
// were looked for and which are not kept, also beside an error.
func Missing(ctx context.Context, names Names, blobs Store) (looked int, missing []store.BlobHash, err error) {
	const page = 1000
	for after := store.BlobHash(""); ; {
		hashes, err := names.ListBlobs(ctx, after, page)
		if err != nil || len(hashes) == 0 {
			return looked, missing, err
		}
		for _, hash := range hashes {
			switch _, err := blobs.Stat(ctx, hash); {
			case errors.Is(err, store.ErrNotFound):
				missing = append(missing, hash)
			case err != nil:
				return looked, missing, err
			}
			looked++
		}
		if after = hashes[len(hashes)-1]; ctx.Err() != nil {
			return looked, missing, ctx.Err()
		}
	}
}
