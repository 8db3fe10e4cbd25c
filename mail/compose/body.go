package compose

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime/quotedprintable"
)

// lineBytes is the length of an encoded line (RFC 2045 section 6.8).
const lineBytes = 76

// boundary is made from the Message-ID, so that every try has the same. "=_"
// stands in neither base64 nor quoted-printable, so no part can hold it (RFC
// 2045 section 6.7).
func boundary(messageID string) string {
	sum := sha256.Sum256([]byte(messageID))
	return "=_" + hex.EncodeToString(sum[:12])
}

// alternatives ends the header and writes the text and the HTML as
// multipart/alternative (RFC 2046 section 5.1.4): the last is preferred. A logo that the
// HTML shows stands beside it.
func alternatives(h *header, messageID string, l letter, picture *logo) []byte {
	outer := boundary(messageID)
	h.raw("Content-Type", `multipart/alternative; boundary="`+outer+`"`)
	var b bytes.Buffer
	b.Grow(h.Len() + 2*(len(l.text)+len(l.html)))
	b.WriteString(h.String())
	b.WriteString("\r\n")
	writePart(&b, outer, "text/plain", l.text)
	if picture.shownIn(l.html) {
		b.WriteString("--" + outer + "\r\n")
		writeRelated(&b, boundary(messageID+" related"), l.html, picture)
	} else {
		writePart(&b, outer, "text/html", l.html)
	}
	b.WriteString("--" + outer + "--\r\n")
	return b.Bytes()
}

// writeRelated writes the HTML and the picture that it shows as multipart/related (RFC 2387):
// the first part is its root.
func writeRelated(b *bytes.Buffer, boundary string, html []byte, picture *logo) {
	b.WriteString(`Content-Type: multipart/related; type="text/html";` + "\r\n")
	b.WriteString(` boundary="` + boundary + `"` + "\r\n\r\n")
	writePart(b, boundary, "text/html", html)
	b.WriteString("--" + boundary + "\r\n")
	b.Write(picture.part)
	b.WriteString("--" + boundary + "--\r\n")
}

// plain ends the header and writes a text that stands alone.
func plain(h *header, text []byte) []byte {
	var b bytes.Buffer
	b.WriteString(h.String())
	writeContent(&b, "text/plain", text)
	return b.Bytes()
}

// writePart writes one part of a multipart.
func writePart(b *bytes.Buffer, boundary, mediaType string, content []byte) {
	b.WriteString("--" + boundary + "\r\n")
	writeContent(b, mediaType, content)
}

// writeContent writes one part's fields and content under the encoding that is shorter for it: readable
// quoted-printable where most is ASCII, base64 for other scripts. Neither
// leaves a line or a byte that a relay could want to change.
func writeContent(b *bytes.Buffer, mediaType string, content []byte) {
	b.WriteString("Content-Type: " + mediaType + "; charset=utf-8\r\n")
	if beyond := beyondASCII(content); 6*beyond < len(content) {
		b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
		w := quotedprintable.NewWriter(b)
		w.Write(content) // a bytes.Buffer does not fail
		w.Close()
	} else {
		b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
		writeBase64(b, bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n")))
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
		b.WriteString("\r\n")
	}
}

// perLine is how many bytes an encoded line holds.
const perLine = lineBytes / 4 * 3

func writeBase64(b *bytes.Buffer, content []byte) {
	for len(content) > 0 {
		n := min(perLine, len(content))
		b.Write(base64.StdEncoding.AppendEncode(b.AvailableBuffer(), content[:n]))
		b.WriteString("\r\n")
		content = content[n:]
	}
}

func beyondASCII(content []byte) int {
	n := 0
	for _, c := range content {
		if c >= 0x80 {
			n++
		}
	}
	return n
}
