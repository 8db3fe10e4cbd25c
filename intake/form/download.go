package form

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// downloadRate is the slowest line a download is kept open for, in bytes a
// second.
const downloadRate = 8 << 10

func fileLink(base string, seq uint32, i int, name string) string {
	return fmt.Sprintf("%s/files/%d/%d/%s", base, seq, i, url.PathEscape(name))
}

// download serves one attachment, byte for byte, with ranges (RFC 9110 section
// 14): always as a file to save, in an answer that runs nothing.
func (f *Form) download(x *web.Exchange) error {
	ticket, err := f.openLink(x)
	if err != nil {
		return f.showGone(x, err)
	}
	if ticket.ProvenAt.IsZero() { // as the page, it shows nothing yet
		return f.refuseUnproven(x, ticket)
	}
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
	x.SetDeadline(time.Minute + time.Duration(length/downloadRate)*time.Second)
	h := x.Header()
	h.Set("Content-Type", safeType(file.Type))
	h.Set("Content-Disposition", disposition(file.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("ETag", `"`+string(file.Hash)+`"`)
	http.ServeContent(x.Writer, x.Request, "", time.Time{}, content)
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
	entries, err := store.Items(f.deps.Tickets.Entries(x.Request.Context(), ticket.ID, uint32(seq)-1, store.Page{Limit: 1}))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.File{}, err
	}
	if len(entries) != 1 || uint64(entries[0].Seq) != seq || !visible(entries[0], time.Now()) || i < 0 || i >= len(entries[0].Files) {
		return store.File{}, missing
	}
	return entries[0].Files[i], nil
}

// safeType is the type as found where a browser can make nothing else of it than
// a file to look at: some of them change a name's ending to that of the type, and
// would so make of a text a program.
func safeType(t string) string {
	switch family, _, _ := strings.Cut(t, "/"); {
	case t == "text/plain":
		return "text/plain; charset=utf-8"
	case strings.Contains(t, "xml") && !strings.Contains(t, "openxml"):
		return "application/octet-stream"
	case family == "image", family == "audio", family == "video":
		return t
	}
	switch t {
	case "application/pdf", "text/csv", "text/tab-separated-values", "text/markdown", "text/calendar", "text/rtf",
		"application/json",
		"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook",
		"message/rfc822",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
		"application/vnd.oasis.opendocument.presentation",
		"application/zip", "application/gzip", "application/x-7z-compressed", "application/x-tar", "application/ogg":
		return t
	}
	return "application/octet-stream"
}

// disposition says "save as" with the name, encoded where it needs to be (RFC
// 6266, RFC 8187).
func disposition(name string) string {
	if v := mime.FormatMediaType("attachment", map[string]string{"filename": name}); v != "" {
		return v
	}
	return "attachment"
}
