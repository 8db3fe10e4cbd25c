package blob

import (
	"context"
	"errors"

	"signpost/store"
)

// Names is the part of the store that knows which blobs there must be.
type Names interface {
	ListBlobs(ctx context.Context, p store.Page) (store.List[store.BlobHash], error)
}

// Missing looks for each blob that the store names, until ctx ends. It returns how many
// were looked for and which are not kept, also beside an error.
func Missing(ctx context.Context, names Names, blobs Store) (looked int, missing []store.BlobHash, err error) {
	list := func(p store.Page) (store.List[store.BlobHash], error) { return names.ListBlobs(ctx, p) }
	for hash, err := range store.All(store.MaxPage, list) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return looked, missing, err
		}
		switch _, err := blobs.Stat(ctx, hash); {
		case errors.Is(err, store.ErrNotFound):
			missing = append(missing, hash)
		case err != nil:
			return looked, missing, err
		}
		looked++
	}
	return looked, missing, nil
}
