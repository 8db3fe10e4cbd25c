package form

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/markdown"
)

// The whole ticket as one file to keep: its text, and every file beside it.

// saveTicket answers with a ZIP of the ticket.
func (f *Form) saveTicket(x *web.Exchange) error {
	door, err := f.openDoor(x)
	if err != nil {
		return f.showGone(x, err)
	}
	if !door.Proven() {
		return f.refuseUnproven(x, door)
	}
	ticket := door.Ticket
	x.DefaultLang(door.Lang())
	entries, err := f.entries(x, ticket, false)
	if err != nil {
		return err
	}
	var total int64
	for _, e := range entries {
		for _, file := range e.Files {
			total += file.Size
		}
	}
	to := web.WriteFile(x, web.File{Name: ticket.Number + ".zip", Type: "application/zip", Length: total})
	// From here on a fault can only cut the answer off: without its end a ZIP is no file.
	if err := f.writeArchive(x, to, door, entries); err != nil {
		x.Log.Warn("ticket not saved whole", "request", x.ID, "ticket", ticket.Number, "err", err)
	}
	return nil
}

func (f *Form) writeArchive(x *web.Exchange, to io.Writer, door store.Door, entries []store.Entry) error {
	ticket := door.Ticket
	z := zip.NewWriter(to)
	w, err := create(z, ticket.Number+".txt", ticket.ChangedAt)
	if err == nil {
		_, err = io.WriteString(w, f.asText(x, door, entries))
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		for i, file := range e.Files {
			if err := f.addFile(x, z, e, i, file); err != nil {
				return fmt.Errorf("file %d of entry %d: %w", i, e.Seq, err)
			}
		}
	}
	return z.Close()
}

func create(z *zip.Writer, name string, at time.Time) (io.Writer, error) {
	return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
}

func (f *Form) addFile(x *web.Exchange, z *zip.Writer, e store.Entry, i int, file store.File) error {
	content, _, err := f.deps.Blobs.Open(x.Request.Context(), file.Hash)
	if err != nil {
		return err
	}
	defer content.Close()
	w, err := create(z, archived(e, i, file), e.At)
	if err == nil {
		_, err = io.Copy(w, content)
	}
	return err
}

// archived is the name of a file in the ZIP: two of one name differ by their numbers, and
// no name leads out of the folder.
func archived(e store.Entry, i int, file store.File) string {
	name := path.Base(path.Clean("/" + strings.ReplaceAll(file.Name, `\`, "/")))
	if name == "/" || name == "." {
		name = "file"
	}
	return fmt.Sprintf("files/%d-%d-%s", e.Seq, i+1, name)
}

// asText is the ticket as plain text in the reader's language.
func (f *Form) asText(x *web.Exchange, door store.Door, entries []store.Entry) string {
	ticket := door.Ticket
	var b strings.Builder
	zone, l := f.zone(ticket.Region), x.Lang
	s := standingOf(ticket, time.Now())
	fmt.Fprintf(&b, "%s\r\n%s\r\n%s\r\n", ticket.Number, ticket.Title, l.T(s.Badge))
	for _, line := range s.Lines {
		fmt.Fprintf(&b, "%s %s\r\n", l.T(line.Key), l.Instant(line.At, zone))
	}
	for _, e := range entries {
		side, body := l.T(sideOf(door, e)), e.Body
		if e.Kind == store.EntryReply {
			body = markdown.Text(e.Body, nil)
		}
		fmt.Fprintf(&b, "\r\n--------\r\n%s (%s), %s\r\n\r\n%s\r\n", author(ticket, e), side, l.Instant(e.At, zone),
			strings.ReplaceAll(strings.TrimSpace(body), "\n", "\r\n"))
		for i, file := range e.Files {
			fmt.Fprintf(&b, "[%s]\r\n", archived(e, i, file))
		}
	}
	return b.String()
}
