package post

import (
	"slices"
	"strings"

	"signpost/store"
)

// Field is one text that a door takes.
type Field struct {
	Name  string // in the form
	Alias string // under which programs may send it too, "" for none
	Label string // key of the catalogue: what the field is called where a sentence does not say it
	Kind  Kind
	Into  *string // where the text goes
}

// Kind is what a text may hold.
type Kind uint8

const (
	Line   Kind = iota // one line, cleaned
	Text               // several lines, cleaned
	Opaque             // as it was sent: for tokens that are verified, never stored, never decoded
)

// Draft is what a post said. The door sets Fields, whose order is that of the page;
// Reader fills in the rest. One Draft serves one post.
type Draft struct {
	Fields []Field

	Lang   string       // tag of the language the form was in
	Key    string       // idempotency key: within store.MaxIdempotencyKey, "" where none that can be used came
	Files  []store.File // taken into the blob store, the kept ones first
	Switch bool         // only another language or appearance was asked for
	Missed bool         // files that were sent are not among Files

	faults  faults
	kept    []string // references, not yet opened
	left    []string // names of files that were missed, maxNamed at most
	more    int      // files missed besides
	refused int      // files with a fault

	came      map[string]bool  // fields that the form had, also empty ones
	charset   string           // of the texts that named none of their own, "" for UTF-8
	decoded   map[*string]bool // fields that named an encoding of their own
	undecoded error            // the first of them in an encoding that is not known
}

// The fields that every form has, whatever its door.
const (
	fieldFiles   = "files"
	fieldKept    = "kept"            // references to files taken before
	fieldKey     = "idempotency_key" // folds repeated posts
	fieldLang    = "lang"
	fieldCharset = "_charset_" // filled in by browsers: RFC 7578 section 4.6
	// fieldSwitch is the name of the buttons that change the language or the
	// appearance without leaving what stands in the form.
	fieldSwitch = "switch"
	// fieldForm is where the faults of a post as a whole stand; no field has the name.
	fieldForm = "form"
)

// field returns where a form's text goes and how it is read; false for a name the
// form does not have.
func (d *Draft) field(name string) (Field, bool) {
	switch name {
	case "":
		return Field{}, false
	case fieldLang:
		return Field{Name: name, Into: &d.Lang}, true
	case fieldKey:
		return Field{Name: name, Into: &d.Key}, true
	case fieldCharset:
		return Field{Name: name, Into: &d.charset, Kind: Opaque}, true
	}
	for _, f := range d.Fields {
		if f.Name == name || f.Alias == name {
			return f, true
		}
	}
	return Field{}, false
}

// limit is how many bytes of a text are kept.
func (f Field) limit() int64 {
	if f.Kind == Text {
		return maxLong
	}
	return maxLine
}

// set keeps the first value of each field.
func (d *Draft) set(name, value string) {
	switch name {
	case fieldKept:
		if len(d.kept) < maxKept {
			d.kept = append(d.kept, value)
		}
		return
	case fieldSwitch:
		d.Switch = true
		return
	}
	f, ok := d.field(name)
	if !ok {
		return
	}
	if d.came == nil {
		d.came = make(map[string]bool)
	}
	if d.came[f.Name] = true; *f.Into == "" {
		*f.Into = value[:min(int64(len(value)), f.limit())]
	}
}

// Came tells whether the form had the field of that name, empty or not. A form without it
// was cut off or is another's, and clears nothing.
func (d *Draft) Came(name string) bool { return d.came[name] }

// texts are the fields whose texts people write.
func (d *Draft) texts(yield func(Field) bool) {
	for _, f := range d.Fields {
		if f.Kind != Opaque && !yield(f) {
			return
		}
	}
	_ = yield(Field{Name: fieldLang, Into: &d.Lang}) && yield(Field{Name: fieldKey, Into: &d.Key})
}

// clean makes every text one that can be stored and shown: valid UTF-8 without
// control characters, in one line where the field is one line. So nothing a field
// holds can begin a header line or move another text about.
func (d *Draft) clean() {
	for _, f := range d.Fields {
		switch f.Kind {
		case Line:
			*f.Into = CleanLine(*f.Into)
		case Text:
			*f.Into = CleanText(*f.Into)
		}
	}
	d.Lang = CleanLine(d.Lang)
	d.Key = strings.TrimSpace(d.Key) // checkKey refuses what else it holds: a key that was changed folds nothing
}

// miss notes a file that was sent and is not among Files, so that it can be named.
func (d *Draft) miss(name string) {
	d.Missed = true
	if len(d.left) < maxNamed {
		d.left = append(d.left, FileName(name))
	} else {
		d.more++
	}
}

// has tells whether the same file is there already.
func (d *Draft) has(file store.File) bool {
	return slices.ContainsFunc(d.Files, func(have store.File) bool {
		return have.Hash == file.Hash && have.Name == file.Name
	})
}

// size is how many bytes the files have together.
func (d *Draft) size() int64 {
	var total int64
	for _, f := range d.Files {
		total += f.Size
	}
	return total
}
