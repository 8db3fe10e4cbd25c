package post

import (
	"context"
	"time"

	"signpost/intake/guard"
	"signpost/store"
)

// maxKeptAge is how long a file of a refused post waits for the form to be sent
// again. Well within the day after which unreferenced blobs are swept.
const maxKeptAge = 12 * time.Hour

// keptFile is a file already in the blob store, as the form carries it: signed,
// so that only a file that was sent through a form of ours can be named.
type keptFile struct {
	Name    string         `json:"n"`
	Size    int64          `json:"s"`
	Type    string         `json:"t"`
	Hash    store.BlobHash `json:"h"`
	Expires int64          `json:"e"` // Unix seconds
}

// purposeKept is what references are signed for: forms that are open in browsers hold
// them, so that the name stays.
const purposeKept = "form/kept-file"

// keep signs the reference that a form carries.
func (r *Reader) keep(now time.Time, file store.File) string {
	return guard.Seal(r.deps.Signer, purposeKept, keptFile{
		Name: file.Name, Size: file.Size, Type: file.Type, Hash: file.Hash, Expires: now.Add(maxKeptAge).Unix(),
	})
}

// takeKept turns the references a form carried into files of the draft.
func (r *Reader) takeKept(ctx context.Context, d *Draft) {
	now := time.Now()
	for _, token := range d.kept {
		var k keptFile
		if !guard.Unseal(r.deps.Signer, purposeKept, token, &k) {
			continue // not signed here: a reference that was changed names no file
		}
		if now.Unix() > k.Expires || r.deps.Blobs.Renew(ctx, k.Hash) != nil {
			d.AddFault(fieldFiles, Problem{Key: "post.file_expired", Pairs: []any{"name", k.Name}})
			continue
		}
		file := store.File{Name: k.Name, Size: k.Size, Type: k.Type, Hash: k.Hash}
		switch left := r.cfg.MaxTotal - d.size(); {
		case d.has(file):
		case len(d.Files) >= r.cfg.MaxFiles:
			d.AddFault(fieldFiles, r.tooMany(file))
		case k.Size > left:
			d.AddFault(fieldFiles, r.tooLarge(file, left))
		default:
			d.Files = append(d.Files, file)
		}
	}
	d.kept = nil
}
