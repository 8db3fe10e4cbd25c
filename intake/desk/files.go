package desk

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"signpost/intake/staff"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// maxPreview is the largest file that is shown in place, in bytes.
const maxPreview = 10 << 20

func fileOf(base string, seq uint32, i int, f store.File) fileItem {
	item := fileItem{
		Name: f.Name, Size: text.Size(f.Size), Link: fmt.Sprintf("%s/files/%d/%d/%s", base, seq, i, url.PathEscape(f.Name)),
	}
	if shows(f) {
		item.Preview, item.Image = item.Link+"?show=1", strings.HasPrefix(f.Type, "image/")
	}
	return item
}

// shows tells a file that a browser can show and run nothing of: pictures, which hold no
// script, and plain text. The type is the one found in the content.
func shows(f store.File) bool {
	pictures := []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}
	return f.Size <= maxPreview && (f.Type == "text/plain" || slices.Contains(pictures, f.Type))
}

// download serves one attachment, byte for byte: as a file to save, or with ?show=1 to look
// at where that runs nothing.
func (d *Desk) download(x *web.Exchange, who store.Agent) error {
	k, err := d.open(x, who)
	if err != nil {
		return err
	}
	file, err := d.attachment(x, who, k)
	if err != nil {
		return err
	}
	content, length, err := d.deps.Blobs.Open(x.Request.Context(), file.Hash)
	if err != nil {
		return &web.Fault{Status: http.StatusInternalServerError, Err: fmt.Errorf("attachment of %s: %w", k.Number, err)}
	}
	defer content.Close()
	shown := x.Request.URL.Query().Get("show") == "1" && shows(file)
	f := web.File{Name: file.Name, Type: file.Type, Hash: string(file.Hash), Length: length, Shown: shown}
	web.ServeFile(x, f, content)
	return nil
}

// attachment finds the file that the path names. The name at its end is for the eye only.
func (d *Desk) attachment(x *web.Exchange, who store.Agent, k store.Ticket) (store.File, error) {
	missing := fmt.Errorf("attachment: %w", store.ErrNotFound)
	seq, err1 := strconv.ParseUint(x.Param("entry"), 10, 32)
	i, err2 := strconv.Atoi(x.Param("file"))
	if err1 != nil || err2 != nil || seq == 0 || i < 0 {
		return store.File{}, missing
	}
	by := staff.ActorOf(x, who)
	for e, err := range store.All(store.MaxPage, func(p store.Page) (store.List[store.Entry], error) {
		return d.deps.Store.Thread(x.Request.Context(), by, k.ID, p)
	}) {
		switch {
		case err != nil:
			return store.File{}, err
		case uint64(e.Seq) == seq && i < len(e.Files):
			return e.Files[i], nil
		}
	}
	return store.File{}, missing
}
