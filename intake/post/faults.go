package post

import (
	"net/http"
	"slices"
	"strings"

	"signpost/store/lang"
)

// Problem is one fault: a sentence of the catalogue.
type Problem struct {
	Key      string
	Pairs    []any  // of names and values, as lang.Lang.T takes them
	Fix      string // what to write instead, offered with the fault; "" for none
	tooLarge bool   // answered with 413
	later    bool   // answered with 503: it may be taken another time
}

// faults are the problems found, by field.
type faults map[string][]Problem

// AddFault notes a problem at a field; at "form", for the post as a whole, also where
// the form has no such field: what refuses a post is always shown.
func (d *Draft) AddFault(field string, p Problem) {
	if !d.shows(field) {
		field = fieldForm
	}
	if d.faults == nil {
		d.faults = make(faults)
	}
	d.faults[field] = append(d.faults[field], p)
}

// shows tells whether Sentences looks for faults there.
func (d *Draft) shows(field string) bool {
	return field == fieldFiles || field == fieldKey ||
		slices.ContainsFunc(d.Fields, func(f Field) bool { return f.Name == field })
}

// HasFaults tells a draft that is to be refused.
func (d *Draft) HasFaults() bool { return len(d.faults) > 0 }

func (f faults) any(is func(Problem) bool) bool {
	for _, problems := range f {
		if slices.ContainsFunc(problems, is) {
			return true
		}
	}
	return false
}

// Status is 503 when there is no room for files, 413 when something was too large,
// else 422.
func (d *Draft) Status() int {
	switch {
	case d.faults.any(func(p Problem) bool { return p.later }):
		return http.StatusServiceUnavailable
	case d.faults.any(func(p Problem) bool { return p.tooLarge }):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}

// Sentence is one fault as it stands at its field.
type Sentence struct {
	Field, Text string
	Fix         string // what to write instead, "" for none
	Label       string // of the field, where the text does not name it
}

// Sentences are the faults of a draft, for a page.
type Sentences []Sentence

// At is the sentences at one field.
func (s Sentences) At(field string) Sentences {
	var of Sentences
	for _, sentence := range s {
		if sentence.Field == field {
			of = append(of, sentence)
		}
	}
	return of
}

// Sentences words the draft's faults in a language, in the order of the page.
func (d *Draft) Sentences(l lang.Lang) Sentences {
	var list Sentences
	add := func(field, label string) {
		for _, p := range d.faults[field] {
			s := Sentence{Field: field, Text: l.T(p.Key, p.Pairs...), Fix: p.Fix}
			if p.Key == faultLong && label != "" {
				s.Label = l.T(label)
			}
			list = append(list, s)
		}
	}
	for _, f := range d.Fields {
		add(f.Name, f.Label)
	}
	for _, field := range []string{fieldFiles, fieldKey, fieldForm} {
		add(field, "")
	}
	return list
}

// errors is one sentence a field, for a client that asked for JSON.
func (d *Draft) errors(l lang.Lang) map[string]any {
	sentences := make(map[string]string)
	for _, s := range d.Sentences(l) {
		if s.Fix != "" {
			s.Text += " " + l.T("post.meant") + " " + s.Fix + l.T("post.meant_end")
		}
		sentences[s.Field] = strings.TrimSpace(sentences[s.Field] + " " + s.Text)
	}
	return map[string]any{"errors": sentences}
}
