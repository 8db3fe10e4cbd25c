package post

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"signpost/store/charset"
)

// charsetError is a name of a character encoding that says nothing to us: the
// texts in it cannot be read.
type charsetError struct{ label string }

func (e *charsetError) Error() string { return fmt.Sprintf("texts are in %.40q", e.label) }

// decodeText reads a text in the encoding of this name: one of the WHATWG's
// Encoding standard, of IANA's list or of those in use (charset.Name), "" is UTF-8.
func decodeText(text, label string) (string, error) {
	label = strings.ToLower(strings.TrimSpace(label))
	switch {
	case label == "", label == "utf-8", label == "utf8":
		return text, nil
	case (label == "us-ascii" || label == "ascii") && utf8.ValidString(text):
		return text, nil // what is more than ASCII in it is no other 8-bit encoding by chance
	}
	e := encodingOf(label)
	if e == nil {
		return text, &charsetError{label}
	}
	read, _, err := transform.String(unicode.BOMOverride(e.NewDecoder()), text)
	if err != nil {
		return text, fmt.Errorf("decode %s: %w", label, err)
	}
	return read, nil
}

// encodingOf finds an encoding by its label, also by one that neither list has but
// that is known to be used for it; nil for none that can be read.
func encodingOf(label string) encoding.Encoding {
	for _, name := range []string{label, charset.Name(label)} {
		e, err := htmlindex.Get(name)
		if err != nil {
			e, err = ianaindex.IANA.Encoding(name)
		}
		if err == nil && e != nil && e != encoding.Replacement {
			return e
		}
	}
	return nil
}

// decode turns the texts that named no encoding of their own into UTF-8: those of
// a form are in the one that its field _charset_ names (RFC 7578 section 4.6, HTML
// "multipart form data"), else in that of the whole body's type.
func (d *Draft) decode(ofBody string) error {
	label := cmp.Or(strings.TrimSpace(d.charset), ofBody)
	if label == "" {
		return d.undecoded
	}
	for f := range d.texts {
		if d.decoded[f.Into] {
			continue
		}
		text, err := decodeText(*f.Into, label)
		if err != nil {
			return cmp.Or(d.undecoded, err)
		}
		*f.Into = text
	}
	return d.undecoded
}

// setPart keeps a text of a part, in the encoding that the part names.
func (d *Draft) setPart(part *multipart.Part, name, value string) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err == nil && params["charset"] != "" {
		text, err := decodeText(value, params["charset"])
		if d.undecoded == nil {
			d.undecoded = err
		}
		if d.decoded == nil {
			d.decoded = make(map[*string]bool)
		}
		f, _ := d.field(name)
		value, d.decoded[f.Into] = text, true
	}
	d.set(name, value)
}

// content is what a part holds, without the encoding for its transfer that some
// mail libraries give it (RFC 7578 section 4.7).
func content(part *multipart.Part) io.Reader {
	switch strings.ToLower(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding"))) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, part)
	case "quoted-printable":
		return quotedprintable.NewReader(part)
	}
	return part
}

// sentName is a part's file name as the client has it. Browsers write a quotation
// mark and the ends of lines as escapes, and a percent sign as itself (HTML,
// "multipart/form-data encoding algorithm").
func sentName(part *multipart.Part) string {
	name := part.FileName()
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%22", `"`, "%0D", "\r", "%0d", "\r", "%0A", "\n", "%0a", "\n").Replace(name)
}
