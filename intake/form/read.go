package form

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"signpost/intake/web"
	"signpost/store"
)

const (
	// maxTexts is how many bytes of a post are not files: texts, kept references
	// and the borders between parts.
	maxTexts = 1 << 20
	// maxLine and maxLong bound one text in memory. Above the limits by which a
	// text is refused, so that what is refused can be shown again.
	maxLine = 16 << 10
	maxLong = 256 << 10
	// maxParts bounds what a post is made of; a form sends some 30.
	maxParts = 200
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

	Files  []store.File // taken into the blob store, the kept ones first
	faults faults       // found while reading
}

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
	case "description":
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
	}
	return nil, 0
}

// trapField lures programs that fill in whatever they find; people neither see
// nor reach it.
const trapField = "website"

// set keeps the first value of each field.
func (d *draft) set(name, value string) {
	if name == "kept" {
		if len(d.Kept) < maxKept {
			d.Kept = append(d.Kept, value)
		}
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
	mediaType, params, err := mime.ParseMediaType(x.Request.Header.Get("Content-Type"))
	switch {
	case err == nil && mediaType == "multipart/form-data" && params["boundary"] != "":
		err = f.readParts(x, d, takeFiles)
	case err == nil && mediaType == "application/x-www-form-urlencoded":
		err = readPairs(x.Request.Body, d)
		f.takeKept(x.Request.Context(), d)
	default:
		err = &web.Fault{Status: http.StatusUnsupportedMediaType, Err: fmt.Errorf("content type %.80q", x.Request.Header.Get("Content-Type"))}
	}
	d.clean()
	return d, err
}

// readPairs reads an urlencoded body; a pair that does not decode is kept as it
// stands, cleaned later.
func readPairs(body io.Reader, d *draft) error {
	text, err := io.ReadAll(io.LimitReader(body, maxTexts))
	for pair := range strings.SplitSeq(string(text), "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		d.set(name, value)
	}
	if err != nil || len(text) < maxTexts {
		return err
	}
	return &http.MaxBytesError{Limit: maxTexts}
}

// readParts walks a multipart body once. Browsers send the fields in the order
// of the form, files last, so the texts are safe before a file can fail.
func (f *Form) readParts(x *web.Exchange, d *draft, takeFiles bool) error {
	parts, err := x.Request.MultipartReader()
	if err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	defer f.takeKept(x.Request.Context(), d)
	texts := int64(maxTexts)
	for range maxParts {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			texts, err = f.readPart(x, d, part, texts, takeFiles)
		}
		if err != nil {
			return badBody(err)
		}
	}
	return &web.Fault{Status: http.StatusBadRequest, Err: errors.New("too many parts")}
}

// readPart reads one part and returns how many bytes of text may still come.
// Whatever has a file name is a file, also under another field's name: nothing
// that was sent is dropped in silence.
func (f *Form) readPart(x *web.Exchange, d *draft, part *multipart.Part, texts int64, takeFiles bool) (int64, error) {
	if part.FormName() != "files" && part.FileName() == "" {
		return readText(part, d, texts)
	}
	f.takeKept(x.Request.Context(), d) // the ones kept from before count first
	if !takeFiles {
		return texts, nil
	}
	return texts, f.takeFile(x, d, part)
}

// badBody tells a body that is no form from one that is too large, too slow or
// meets a fault of ours.
func badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, web.ErrSlow) || errors.Is(err, store.ErrFull) {
		return err
	}
	if fault := (*web.Fault)(nil); errors.As(err, &fault) {
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
	}
	value, err := io.ReadAll(io.LimitReader(part, min(limit, left)))
	d.set(part.FormName(), string(value))
	return left - int64(len(value)), err // NextRawPart passes over the rest
}
