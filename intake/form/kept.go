package form

import (
	"context"
	"time"

	"signpost/store"
)

// keptFor is how long a file of a refused post waits for the form to be sent
// again. Well within the day after which unreferenced blobs are swept.
const keptFor = 12 * time.Hour

// keptFile is a file already in the blob store, as the form carries it: signed,
// so that nobody can name a file that was not theirs to send.
type keptFile struct {
	Name    string         `json:"n"`
	Size    int64          `json:"s"`
	Type    string         `json:"t"`
	Hash    store.BlobHash `json:"h"`
	Expires int64          `json:"e"` // Unix seconds
}

// keepFile signs the reference that a form carries.
func (f *Form) keepFile(now time.Time, file store.File) string {
	return f.sealed(purposeKept, keptFile{
		Name: file.Name, Size: file.Size, Type: file.Type, Hash: file.Hash, Expires: now.Add(keptFor).Unix(),
	})
}

// takeKept turns the references a form carried into files of the draft.
func (f *Form) takeKept(ctx context.Context, d *draft) {
	now := time.Now()
	for _, token := range d.Kept {
		var k keptFile
		if !f.openSealed(purposeKept, token, &k) {
			continue // not ours: a reference that was tampered with names nothing
		}
		if now.Unix() > k.Expires || f.deps.Blobs.Renew(ctx, k.Hash) != nil {
			d.faults.add("files", problem{key: "form.file_expired", pairs: []any{"name", k.Name}})
			continue
		}
		file := store.File{Name: k.Name, Size: k.Size, Type: k.Type, Hash: k.Hash}
		if len(d.Files) >= f.cfg.MaxFiles || d.size()+k.Size > f.cfg.MaxTotal {
			d.faults.add("files", problem{key: "form.files_many", pairs: []any{"name", k.Name, "count", f.cfg.MaxFiles}})
			continue
		}
		d.attach(file)
	}
	d.Kept = nil
}
