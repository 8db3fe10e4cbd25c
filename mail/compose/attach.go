package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"signpost/store"
)

// Blobs is where the files of a reply are read from: their length and their bytes, or
// store.ErrNotFound.
type Blobs interface {
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
}

// Attachment is a file in a mail.
type Attachment struct {
	store.File
	// Open begins to read it. nil: its content is left out, of a mail that is only shown.
	Open func() (io.ReadCloser, error)
}

// ErrUnread is the error of a mail of which a file could not be read. Another try may end
// otherwise.
var ErrUnread = errors.New("a file cannot be read")

// attached are the files of a reply, as parts of its mail; none where one of them is gone,
// so that all are links. blobs nil leaves their contents out.
func attached(ctx context.Context, blobs Blobs, files []store.File) (all []Attachment, err error) {
	for _, f := range files {
		a := Attachment{File: f}
		if blobs != nil {
			a.Open = func() (io.ReadCloser, error) {
				content, _, err := blobs.Open(ctx, f.Hash)
				return content, err
			}
			content, err := a.Open()
			if errors.Is(err, store.ErrNotFound) {
				return nil, nil
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnread, err)
			}
			content.Close()
		}
		all = append(all, a)
	}
	return all, nil
}

// partRoom is more than the fields of a part and the lines around it take, and signRoom
// than two signatures (sign): a mail of files is made in one piece of memory.
const (
	partRoom = 2 << 10
	signRoom = 4 << 10
)

// mixed ends the header and writes the two alternatives and the files behind them as
// multipart/mixed (RFC 2046 section 5.1.3).
func mixed(h *header, messageID string, l letter, picture *logo) ([]byte, error) {
	outer := boundary(messageID + " mixed")
	h.raw("Content-Type", `multipart/mixed; boundary="`+outer+`"`)
	var inner header
	first := alternatives(&inner, messageID, l, picture)
	room := h.Len() + len(first) + partRoom + signRoom
	for _, a := range l.attached {
		room += partRoom + encodedSize(a.Size)
	}
	var b bytes.Buffer
	b.Grow(room)
	b.WriteString(h.String())
	b.WriteString("\r\n--" + outer + "\r\n")
	b.Write(first)
	for _, a := range l.attached {
		b.WriteString("--" + outer + "\r\n")
		if err := writeAttachment(&b, a); err != nil {
			return nil, err
		}
	}
	b.WriteString("--" + outer + "--\r\n")
	return b.Bytes(), nil
}

// encodedSize is how long a content is in base64, with the ends of its lines.
func encodedSize(size int64) int {
	n := int(size)
	return (n+2)/3*4 + (n+perLine-1)/perLine*len("\r\n")
}

// writeAttachment writes a file as one part. Its type is told only where it cannot run in
// a mail program.
func writeAttachment(b *bytes.Buffer, a Attachment) error {
	mediaType, _, err := mime.ParseMediaType(a.Type)
	if err != nil || !shownByMailPrograms(mediaType) {
		mediaType = "application/octet-stream"
	}
	b.WriteString("Content-Type: " + mediaType + "\r\n")
	b.WriteString("Content-Disposition: attachment" + filename(clean(a.Name, maxName)) + "\r\n")
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	if a.Open == nil {
		return nil
	}
	content, err := a.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnread, err)
	}
	defer content.Close()
	n, err := encode(b, content)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnread, err)
	case n != a.Size:
		return fmt.Errorf("%w: it has %d bytes, not %d", ErrUnread, n, a.Size)
	}
	return nil
}

// encode writes a content in base64, piece by piece, and tells how many bytes it has.
func encode(b *bytes.Buffer, content io.Reader) (n int64, err error) {
	piece := make([]byte, perLine<<10) // whole lines
	for {
		got, err := io.ReadFull(content, piece)
		writeBase64(b, piece[:got])
		n += int64(got)
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// filename is the parameter of that name: quoted, or beyond ASCII percent-encoded and parted
// into lines (RFC 2231 sections 3 and 4).
func filename(name string) string {
	if isASCII(name) {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
		return ";\r\n filename=\"" + quoted + `"`
	}
	var pieces []string
	piece := "utf-8''"
	for _, r := range name {
		encoded := percent(string(r))
		if len(piece)+len(encoded) > foldAt-len(" filename*99*=;") {
			pieces, piece = append(pieces, piece), ""
		}
		piece += encoded
	}
	if len(pieces) == 0 {
		return ";\r\n filename*=" + piece
	}
	var b strings.Builder
	for i, p := range append(pieces, piece) {
		fmt.Fprintf(&b, ";\r\n filename*%d*=%s", i, p)
	}
	return b.String()
}

// percent is the encoding of RFC 2231 section 7, of more than it must.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func shownByMailPrograms(mediaType string) bool {
	switch mediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/csv", "text/plain":
		return true
	}
	return false
}
