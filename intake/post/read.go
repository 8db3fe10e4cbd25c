package post

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"signpost/intake/web"
	"signpost/store"
)

// Read reads the whole post into the draft and answers from then on in the language
// that the form was in. With an error the draft holds what was read before it, so that
// nothing typed is lost: hand both to RefuseBody. Faults of files and of the key stand
// in the draft.
func (r *Reader) Read(x *web.Exchange, d *Draft) error { return r.read(x, d, true) }

// ReadTexts reads as Read does and passes over the files, for a door that takes none
// now: their names are noted, so that the page can ask for them again.
func (r *Reader) ReadTexts(x *web.Exchange, d *Draft) error { return r.read(x, d, false) }

// ReadBeginning is for a route's Crowded: too many large posts are under way, and one
// more has waited in vain. It reads the texts, which stand before the files, and passes
// over the rest, so that the browser comes to read the answer; the files have to come
// another time, which a fault says. That the body is cut there is no fault of it.
func (r *Reader) ReadBeginning(x *web.Exchange, d *Draft) {
	_ = r.read(x, d, false)
	r.drain(x)
	clear(d.faults)
	d.AddFault(fieldFiles, Problem{Key: "post.files_room", later: true})
}

func (r *Reader) read(x *web.Exchange, d *Draft, takeFiles bool) error {
	kind, params := bodyType(x)
	err := r.readBody(x, d, kind, params, takeFiles)
	d.Missed = d.Missed || err != nil
	err = cmp.Or(err, d.decode(params["charset"]))
	d.clean()
	d.checkKey(err == nil)
	if d.refused > maxNamed {
		d.AddFault(fieldFiles, Problem{Key: "post.files_more", Pairs: []any{"count", d.refused - maxNamed}})
	}
	if !d.Switch { // the address names the other language
		x.UseLang(d.Lang)
	}
	return badBody(err)
}

// readBody reads the parts or the pairs of a body of this kind.
func (r *Reader) readBody(x *web.Exchange, d *Draft, kind string, params map[string]string, takeFiles bool) error {
	switch {
	case kind == "multipart/form-data" && params["boundary"] == "":
		return d.noBoundary(x, "post.fault_boundary")
	case kind == "multipart/form-data":
		return r.readParts(x, d, takeFiles)
	case kind == "application/x-www-form-urlencoded" && params != nil:
		err := readPairs(x.Request.Body, x.Request.ContentLength, d)
		r.takeKept(x.Request.Context(), d)
		return err
	}
	return &web.Fault{Status: http.StatusUnsupportedMediaType, Err: fmt.Errorf("content type %.80q", contentType(x))}
}

func contentType(x *web.Exchange) string { return x.Request.Header.Get("Content-Type") }

// bodyType is the media type of the body, in lower case, and its parameters: nil where
// they cannot be read.
func bodyType(x *web.Exchange) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(contentType(x))
	if err == nil {
		return kind, params
	}
	kind, _, _ = strings.Cut(contentType(x), ";")
	return strings.ToLower(strings.TrimSpace(kind)), nil
}

// noBoundary is the error for a multipart body whose parts cannot be told apart
// (RFC 2046 section 5.1.1).
func (d *Draft) noBoundary(x *web.Exchange, key string) error {
	d.AddFault(fieldForm, Problem{Key: key})
	return &web.Fault{Status: http.StatusBadRequest, Err: fmt.Errorf("no boundary: content type %.120q", contentType(x))}
}

// readPairs reads an urlencoded body, which is said to have length bytes.
func readPairs(body io.Reader, length int64, d *Draft) error {
	var text bytes.Buffer
	text.Grow(int(min(max(length, 0), maxBelieved)) + bytes.MinRead)
	_, err := text.ReadFrom(io.LimitReader(body, maxTexts))
	for pair := range bytes.SplitSeq(text.Bytes(), []byte("&")) {
		name, value, _ := bytes.Cut(pair, []byte("="))
		d.set(unescape(name), unescape(value))
	}
	if err != nil || text.Len() < maxTexts {
		return err
	}
	return &http.MaxBytesError{Limit: maxTexts}
}

// unescape decodes a name or a value of an urlencoded body where it stands. A
// percent sign that begins no escape means itself (WHATWG URL, percent-decode);
// net/url gives up the whole text there, and takes three times as long.
func unescape(escaped []byte) string {
	n := 0
	for i := 0; i < len(escaped); i++ {
		escaped[n] = escaped[i]
		switch {
		case escaped[i] == '+':
			escaped[n] = ' '
		case escaped[i] == '%' && i+2 < len(escaped):
			if _, err := hex.Decode(escaped[n:], escaped[i+1:i+3]); err == nil {
				i += 2
			}
		}
		n++
	}
	return string(escaped[:n])
}

// readParts walks a multipart body once. Browsers send the fields in the order
// of the form, files last, so the texts are safe before a file can fail.
func (r *Reader) readParts(x *web.Exchange, d *Draft, takeFiles bool) error {
	body := &headed{ReadCloser: x.Request.Body}
	x.Request.Body = body
	parts, err := x.Request.MultipartReader()
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	defer r.takeKept(x.Request.Context(), d)
	texts := int64(maxTexts)
	for i := range maxParts {
		part, err := body.next(parts)
		switch {
		case i == 0 && err != io.EOF && errors.Is(err, io.EOF): // not even the last boundary came
			return d.noBoundary(x, "post.fault_no_part")
		case errors.Is(err, io.EOF):
			return nil
		}
		if err == nil {
			texts, err = r.readPart(x, d, part, texts, takeFiles)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, part) // what was not wanted of it
		}
		if err != nil {
			return err
		}
	}
	d.AddFault(fieldFiles, Problem{Key: "post.files_limit", Pairs: []any{"count", r.cfg.MaxFiles}})
	return errors.New("too many parts")
}

// readPart reads one part and returns how many bytes of text may still come.
// Whatever has a file name is a file, also under another field's name: nothing
// that was sent is dropped in silence.
func (r *Reader) readPart(x *web.Exchange, d *Draft, part *multipart.Part, texts int64, takeFiles bool) (int64, error) {
	if part.FormName() != fieldFiles && part.FileName() == "" {
		return readText(part, d, texts)
	}
	r.takeKept(x.Request.Context(), d) // the ones kept from before count first
	name := sentName(part)
	if !takeFiles {
		if name != "" {
			d.miss(name)
		}
		return texts, nil
	}
	err := r.takeFile(x, d, name, content(part))
	if err != nil {
		d.miss(name)
	}
	return texts, err
}

// headed is a multipart body whose parts have heads of a bounded size.
type headed struct {
	io.ReadCloser
	bounded bool
	left    int
}

// next is the next part; the one before was read to its end.
func (h *headed) next(parts *multipart.Reader) (*multipart.Part, error) {
	h.bounded, h.left = true, maxHead
	defer func() { h.bounded = false }()
	return parts.NextRawPart()
}

func (h *headed) Read(p []byte) (int, error) {
	if !h.bounded {
		return h.ReadCloser.Read(p)
	}
	if h.left <= 0 {
		return 0, errors.New("the head of a part is too long")
	}
	n, err := h.ReadCloser.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// badBody makes 400 of the errors that say that the body is no form; those of a body
// that is too large or too slow, and our own, stay.
func badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) || errors.Is(err, web.ErrSlow) || errors.Is(err, store.ErrFull) {
		return err
	}
	if fault := (*web.Fault)(nil); errors.As(err, &fault) {
		return err
	}
	if unknown := (*charsetError)(nil); errors.As(err, &unknown) {
		return err
	}
	return &web.Fault{Status: http.StatusBadRequest, Err: err}
}

// readText reads one text part within what is left for texts.
func readText(part *multipart.Part, d *Draft, left int64) (int64, error) {
	f, ok := d.field(part.FormName())
	limit := f.limit()
	if !ok && part.FormName() != fieldKept {
		limit = 0
		d.nameless(part)
	}
	value, err := io.ReadAll(io.LimitReader(content(part), min(limit, left)))
	d.setPart(part, part.FormName(), string(value))
	return left - int64(len(value)), err // NextRawPart passes over the rest
}

// nameless notes a part whose head does not say what it is, or not so that it can
// be read (RFC 7578 section 4.2): it may have been a file.
func (d *Draft) nameless(part *multipart.Part) {
	if part.FormName() != "" || d.Missed {
		return
	}
	d.Missed = true
	d.AddFault(fieldForm, Problem{Key: "post.fault_cut"})
}
