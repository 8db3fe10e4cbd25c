package form

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

func fileLink(base string, seq uint32, i int, name string) string {
	return fmt.Sprintf("%s/files/%d/%d/%s", base, seq, i, url.PathEscape(name))
}

// download serves one attachment, byte for byte, with ranges (RFC 9110 section
// 14): always as a file to save, in an answer that runs nothing.
func (f *Form) download(x *web.Exchange) error {
	door, err := f.openDoor(x)
	if err != nil {
		return f.showGone(x, err)
	}
	if !door.Proven() { // as the page, it shows nothing yet
		return f.refuseUnproven(x, door)
	}
	ticket := door.Ticket
	file, err := f.attachment(x, ticket)
	if err != nil {
		return err
	}
	content, length, err := f.deps.Blobs.Open(x.Request.Context(), file.Hash)
	if err != nil {
		// The ticket names it, so that it is missing is our fault and no bad link's:
		// the reader hears so, and the log.
		return &web.Fault{Status: http.StatusInternalServerError, Err: fmt.Errorf("attachment of %s: %w", ticket.Number, err)}
	}
	defer content.Close()
	web.ServeFile(x, web.File{Name: file.Name, Type: file.Type, Hash: string(file.Hash), Length: length}, content)
	return nil
}

// attachment finds the file the path names. The name at its end is for the
// browser's eye only.
func (f *Form) attachment(x *web.Exchange, ticket store.Ticket) (store.File, error) {
	missing := fmt.Errorf("attachment: %w", store.ErrNotFound)
	seq, err1 := strconv.ParseUint(x.Param("entry"), 10, 32)
	i, err2 := strconv.Atoi(x.Param("file"))
	if err1 != nil || err2 != nil || seq == 0 {
		return store.File{}, missing
	}
	page := store.Page{Limit: 1}
	entries, err := store.Items(f.deps.Tickets.Entries(x.Request.Context(), ticket.ID, uint32(seq)-1, page))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.File{}, err
	}
	if len(entries) != 1 || uint64(entries[0].Seq) != seq || !visible(entries[0], time.Now()) {
		return store.File{}, missing
	}
	if i < 0 || i >= len(entries[0].Files) {
		return store.File{}, missing
	}
	return entries[0].Files[i], nil
}
