package verbs

import (
	"bytes"
	"slices"
	"strings"

	"signpost/store"
)

// Which tickets a list of the desk holds, asked of their rows.

// wanted is a filter made ready for one actor. It and the rows are passed by address, since
// a count asks nine times about each of many thousand rows.
type wanted struct {
	store.TicketFilter
	by          store.Actor
	words, tags [][]byte
}

func newWanted(by store.Actor, f store.TicketFilter) *wanted {
	w := &wanted{TicketFilter: f, by: by}
	for _, word := range strings.Fields(strings.ToLower(f.Query)) {
		w.words = append(w.words, []byte(word))
	}
	for _, tag := range f.Tags {
		w.tags = append(w.tags, []byte(tag))
	}
	return w
}

// in tells whether a row's field is among the values wanted, of which none wants all.
func in[T ~string](values []T, field []byte) bool {
	return len(values) == 0 || slices.ContainsFunc(values, func(v T) bool { return string(v) == string(field) })
}

// fitsRow tells whether the ticket of a row is wanted. Most rows lack a word or a tag that is
// asked for, and are not read for that.
func (w *wanted) fitsRow(row []byte) (bool, error) {
	holds := func(part []byte) bool { return bytes.Contains(row, part) }
	lacks := func(part []byte) bool { return !holds(part) }
	if slices.ContainsFunc(w.words, lacks) || len(w.tags) > 0 && !slices.ContainsFunc(w.tags, holds) {
		return false, nil
	}
	r, err := readDeskRow(row)
	return err == nil && w.fits(&r), err
}

// fits tells whether a row's ticket is wanted.
func (w *wanted) fits(r *deskRow) bool {
	return w.sees(r.region) && w.shows(w.View, r) && in(w.Regions, r.region) && w.hasStatus(r) &&
		in(w.Categories, r.category) && in(w.Channels, r.channel) && in(w.Priorities, r.priority) &&
		(len(w.Assignees) == 0 || slices.Contains(w.Assignees, r.assignee)) && (!w.Trouble || r.trouble) &&
		w.tagged(r.tags) && w.says(r.queried)
}

func (w *wanted) sees(region []byte) bool {
	return len(w.by.Regions) == 0 || w.by.Sees(string(region))
}

// shows tells whether a view shows a ticket, whatever the filter.
func (w *wanted) shows(v store.View, r *deskRow) bool {
	switch v {
	case store.ViewMine:
		return w.by.Agent != 0 && r.assignee == w.by.Agent && r.status.Waits()
	case store.ViewUnassigned:
		return r.assignee == 0 && r.status.Waits()
	case store.ViewWaitingUs:
		return r.status == store.StatusOpen
	case store.ViewWaitingPartner:
		return r.status == store.StatusPending
	case store.ViewTrouble:
		return r.trouble && r.status.Waits()
	case store.ViewUnopened:
		return !r.seen && r.status.Waits()
	case store.ViewSolved:
		return !r.status.Waits()
	case store.ViewAll:
		return true
	}
	return r.status.Waits()
}

// hasStatus takes a ticket that is shown as closed for a solved one, which it is.
func (w *wanted) hasStatus(r *deskRow) bool {
	return len(w.Statuses) == 0 || slices.Contains(w.Statuses, r.status) ||
		r.status == store.StatusSolved && slices.Contains(w.Statuses, store.StatusClosed)
}

// tagged tells whether the tags of a row hold one that is wanted.
func (w *wanted) tagged(tags []byte) bool {
	if len(w.Tags) == 0 {
		return true
	}
	for len(tags) > 0 {
		tag, rest, err := cutShort(tags)
		if err != nil {
			return false
		}
		if slices.Contains(w.Tags, string(tag)) {
			return true
		}
		tags = rest
	}
	return false
}

// says tells whether every word stands in one of the texts of a row.
func (w *wanted) says(queried []byte) bool {
	for _, word := range w.words {
		if !stands(word, queried) {
			return false
		}
	}
	return true
}

// stands looks for a word in the texts, each on its own. Most rows lack it, and are
// looked through once.
func stands(word, texts []byte) bool {
	if !bytes.Contains(texts, word) {
		return false
	}
	for len(texts) > 0 {
		text, rest, err := cutShort(texts)
		if err != nil {
			return false
		}
		if bytes.Contains(text, word) {
			return true
		}
		texts = rest
	}
	return false
}

// looksAtSolved and looksAtUnsolved tell which of the two lists a filter looks at.
func (w *wanted) looksAtSolved() bool {
	return w.View == store.ViewSolved || w.View == store.ViewAll
}

func (w *wanted) looksAtUnsolved() bool { return w.View != store.ViewSolved }
