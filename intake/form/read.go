package form

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
	"unicode/utf8"

	"signpost/intake/web"
	"signpost/store"
)

const (
	// maxTexts is how many bytes of a post are not files: texts, kept references
	// and the borders between parts.
	maxTexts = 1 << 20
	// maxLine and maxLong bound one text in memory, in bytes. Above the limits by
	// which a text is refused, so that what is refused can be shown again and
	// nothing is cut in silence.
	maxLine = 16 << 10
	maxLong = mostDescription * utf8.UTFMax
	// maxParts bounds what a post is made of; a form sends some 30.
	maxParts = 200
	// maxHead bounds the head of one part; mime/multipart alone would take 10 MB
	// of it into memory, for each post under way.
	maxHead = 16 << 10
	// maxBelieved bounds the memory taken for a body before any of it came.
	maxBelieved = 16 << 10
	// maxKept bounds the signed references a post carries.
	maxKept = 100
)

// draft is what a post said, as it was read: cleaned, not yet checked.
type draft struct {
	Name, Email, Company, Country string
	Category, Title, Description  string
	Lang, Key                     string
	Token                         string // of the form, "" when a script posts
	Trap                          string // the field no person sees
	Work                          string // the proof of work
	Sure                          string // the address that was asked about before
	Kept                          []string

	Charset string // of the texts that named none of their own, "" for UTF-8

	Switch bool         // only another language or appearance was asked for
	Missed bool         // files that were sent are not among Files
	Files  []store.File // taken into the blob store, the kept ones first
	faults faults       // found while reading

	left    []string // names of files that were missed, maxNamed at most
	more    int      // files missed besides
	refused int      // files with a fault

	decoded   map[*string]bool // fields that named an encoding of their own
	undecoded error            // the first of them in an encoding that is not known
}

// fields are the names of the texts that people write.
var fields = [...]string{"name", "email", "company", "country", "category", "title", "description", "lang",
	"idempotency_key", "sure"}

// field returns where a form's field goes and how many bytes of it are kept;
// nil for a name the form does not have.
func (d *draft) field(name string) (into *string, limit int64) {
	switch name {
	case "name":
		return &d.Name, maxLine
	case "email":
		return &d.Email, maxLine
	case "company":
		return &d.Company, maxLine
	case "country":
		return &d.Country, maxLine
	case "category":
		return &d.Category, maxLine
	case "title":
		return &d.Title, maxLine
	case "description", "body": // a message on the ticket's page is called body by programs
		return &d.Description, maxLong
	case "lang":
		return &d.Lang, maxLine
	case "idempotency_key":
		return &d.Key, maxLine
	case "form_token":
		return &d.Token, maxLine
	case trapField:
		return &d.Trap, maxLine
	case "work":
		return &d.Work, maxLine
	case "sure":
		return &d.Sure, maxLine
	case "_charset_":
		return &d.Charset, maxLine
	}
	return nil, 0
}

// trapField lures programs that fill in whatever they find; people neither see
// nor reach it.
const trapField = "website"

// switchField is the name of the buttons that change the language or the
// appearance without leaving what stands in the form.
const switchField = "switch"

// set keeps the first value of each field.
func (d *draft) set(name, value string) {
	if name == "kept" {
		if len(d.Kept) < maxKept {
			d.Kept = append(d.Kept, value)
		}
		return
	}
	if name == switchField {
		d.Switch = true
		return
	}
	into, limit := d.field(name)
	if into == nil || *into != "" {
		return
	}
	*into = value[:min(int64(len(value)), limit)]
}

// read reads the whole post. The draft is never nil: with an error it holds what
// was read before it, so that nothing typed is lost. takeFiles false reads the
// texts and passes over the files.
func (f *Form) read(x *web.Exchange, takeFiles bool) (*draft, error) {
	d := &draft{faults: make(faults)}
	contentType := x.Request.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(contentType)
	switch {
	case strings.EqualFold(strings.TrimSpace(before(contentType, ";")), "multipart/form-data"):
		if err != nil || params["boundary"] == "" {
			err = d.noBoundary("form.fault_boundary", contentType)
			break
		}
		err = f.readParts(x, d, takeFiles)
	case err == nil && mediaType == "application/x-www-form-urlencoded":
		err = readPairs(x.Request.Body, x.Request.ContentLength, d)
		f.takeKept(x.Request.Context(), d)
	default:
		err = &web.Fault{Status: http.StatusUnsupportedMediaType, Err: fmt.Errorf("content type %.80q", contentType)}
	}
	d.Missed = d.Missed || err != nil
	err = cmp.Or(err, d.decode(params["charset"]))
	d.clean()
	if d.refused > maxNamed {
		d.faults.add("files", problem{key: "form.files_more", pairs: []any{"count", d.refused - maxNamed}})
	}
	return d, badBody(err)
}

func before(s, sep string) string { s, _, _ = strings.Cut(s, sep); return s }

// noBoundary is the error for a multipart body whose parts cannot be told apart
// (RFC 2046 section 5.1.1).
func (d *draft) noBoundary(key, contentType string) error {
	d.faults.add("form", problem{key: key})
	return &web.Fault{Status: http.StatusBadRequest, Err: fmt.Errorf("no boundary: content type %.120q", contentType)}
}

// readPairs reads an urlencoded body, which is said to have length bytes.
func readPairs(body io.Reader, length int64, d *draft) error {
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
func (f *Form) readParts(x *web.Exchange, d *draft, takeFiles bool) error {
	body := &headed{ReadCloser: x.Request.Body}
	x.Request.Body = body
	parts, err := x.Request.MultipartReader()
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	defer f.takeKept(x.Request.Context(), d)
	texts := int64(maxTexts)
	for i := range maxParts {
		part, err := body.next(parts)
		switch {
		case i == 0 && err != io.EOF && errors.Is(err, io.EOF): // not even the last boundary came
			return d.noBoundary("form.fault_no_part", x.Request.Header.Get("Content-Type"))
		case errors.Is(err, io.EOF):
			return nil
		}
		if err == nil {
			texts, err = f.readPart(x, d, part, texts, takeFiles)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, part) // what was not wanted of it
		}
		if err != nil {
			return err
		}
	}
	d.faults.add("files", problem{key: "form.js_files_many", pairs: []any{"count", f.cfg.MaxFiles}})
	return errors.New("too many parts")
}

// readPart reads one part and returns how many bytes of text may still come.
// Whatever has a file name is a file, also under another field's name: nothing
// that was sent is dropped in silence.
func (f *Form) readPart(x *web.Exchange, d *draft, part *multipart.Part, texts int64, takeFiles bool) (int64, error) {
	if part.FormName() != "files" && part.FileName() == "" {
		return readText(part, d, texts)
	}
	f.takeKept(x.Request.Context(), d) // the ones kept from before count first
	name := sentName(part)
	if !takeFiles {
		if name != "" {
			d.miss(name)
		}
		return texts, nil
	}
	err := f.takeFile(x, d, name, content(part))
	if err != nil {
		d.miss(name)
	}
	return texts, err
}

// miss notes a file that was sent and is not among Files, so that it can be named.
func (d *draft) miss(name string) {
	d.Missed = true
	if len(d.left) < maxNamed {
		d.left = append(d.left, cleanFileName(name))
	} else {
		d.more++
	}
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

// badBody tells a body that is no form from one that is too large, too slow or
// meets a fault of ours.
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
func readText(part *multipart.Part, d *draft, left int64) (int64, error) {
	into, limit := d.field(part.FormName())
	if part.FormName() == "kept" {
		limit = maxLine
	} else if into == nil {
		limit = 0
		d.nameless(part)
	}
	value, err := io.ReadAll(io.LimitReader(content(part), min(limit, left)))
	d.setPart(part, part.FormName(), string(value))
	return left - int64(len(value)), err // NextRawPart passes over the rest
}

// nameless notes a part whose head does not say what it is, or not so that it can
// be read (RFC 7578 section 4.2): it may have been a file.
func (d *draft) nameless(part *multipart.Part) {
	if part.FormName() != "" || d.Missed {
		return
	}
	d.Missed = true
	d.faults.add("form", problem{key: "form.fault_cut"})
}
