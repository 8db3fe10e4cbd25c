package verbs

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"signpost/store"
)

// list names a list, so that its cursors are told from those of others.
type list struct {
	name string
	of   []byte // what it lists, such as a ticket's key
}

// A cursor is base64url of a check and of the place of the item before it. The check
// is over the list too. It is no secret: a cursor opens nothing that its list does not.
const (
	cursorCheck = 4
	maxCursor   = 600 // more than any place needs: a domain has at most 253 bytes
)

func (l list) check(place []byte) []byte {
	sum := digestOf(l.name, string(l.of), string(place))
	return sum[:cursorCheck]
}

func (l list) cursor(place []byte) store.Cursor {
	return store.Cursor(base64.RawURLEncoding.EncodeToString(append(l.check(place), place...)))
}

// place is what cursor was given, nil for the list's beginning.
func (l list) place(c store.Cursor) ([]byte, error) {
	if c == "" {
		return nil, nil
	}
	if len(c) <= maxCursor {
		data, err := base64.RawURLEncoding.DecodeString(string(c))
		if err == nil && len(data) > cursorCheck && l.cursor(data[cursorCheck:]) == c {
			return data[cursorCheck:], nil
		}
	}
	return nil, invalid("the cursor is damaged or another list's")
}

// begin checks a page and returns the place that it begins behind.
func (l list) begin(p store.Page) ([]byte, error) {
	if p.Limit < 1 || p.Limit > store.MaxPage {
		return nil, invalid(fmt.Sprintf("a page of %d items; from 1 to %d can be asked for", p.Limit, store.MaxPage))
	}
	return l.place(p.After)
}

// listing is a list whose items are the rows of a bucket under a prefix, in the order
// of their keys. An item's place is its key behind the prefix.
type listing[T any] struct {
	name   string
	filter string // what else makes it another list
	bucket bucket
	prefix []byte
	back   bool // in descending order
	// start is where the walk begins, as engine.Tx.Walk and WalkBack have it; nil: at
	// the first key, or behind the last.
	start []byte
	ends  func(key []byte) bool // tells a key behind the last item; nil: there is none
	// read makes an item of a row.
	read func(t *txn, key, value []byte) (T, error)
	// pick is read for a list that leaves rows out.
	pick func(t *txn, key, value []byte) (item T, wanted bool, err error)
}

func (l listing[T]) list() list {
	return list{l.name, slices.Concat(l.prefix, []byte(l.filter))}
}

// page reads a page. It looks at no more than store.SearchLooked rows, and where that
// did not fill the page it says so.
func (l listing[T]) page(t *txn, p store.Page) (found store.List[T], err error) {
	names := l.list()
	place, err := names.begin(p)
	if err != nil {
		return found, err
	}
	looked, last := 0, []byte(nil)
	err = l.walk(t, place, func(key, value []byte) (bool, error) {
		full := len(found.Items) == p.Limit
		if l.ends != nil && l.ends(key) {
			return false, nil
		}
		if stop := looked == store.SearchLooked; stop || full && l.pick == nil {
			found.Next, found.Stopped = names.cursor(last[len(l.prefix):]), !full
			return false, nil
		}
		looked++
		item, wanted, err := l.item(t, key, value)
		switch {
		case err != nil:
			return false, err
		case wanted && full:
			found.Next = names.cursor(last[len(l.prefix):])
			return false, nil
		case wanted:
			found.Items = append(found.Items, item)
		}
		if !full {
			last = key
		}
		return true, nil
	})
	return found, err
}

func (l listing[T]) item(t *txn, key, value []byte) (item T, wanted bool, err error) {
	if l.pick != nil {
		return l.pick(t, key, value)
	}
	item, err = l.read(t, key, value)
	return item, true, err
}

// walk visits the rows behind a place, nil for the first.
func (l listing[T]) walk(t *txn, place []byte, visit func(key, value []byte) (bool, error)) error {
	start := l.start
	if l.back {
		if start == nil {
			start = beforeKey(l.prefix, 0)
		}
		if before := slices.Concat(l.prefix, place); place != nil && bytes.Compare(before, start) < 0 {
			start = before
		}
		return t.walkBack(l.bucket, l.prefix, start, visit)
	}
	if start == nil {
		start = l.prefix
	}
	if behind := slices.Concat(l.prefix, place, []byte{0}); place != nil && bytes.Compare(behind, start) > 0 {
		start = behind
	}
	return t.walk(l.bucket, l.prefix, start, visit)
}

// readList reads a page of a list. what and id name it in an error.
func readList[T any](
	ctx context.Context, s *Store, what string, id any, p store.Page, l listing[T],
) (store.List[T], error) {
	return readPage(ctx, s, what, id, p, func(*txn) (listing[T], error) { return l, nil })
}

// readPage is readList of a list that is found in the same transaction.
func readPage[T any](
	ctx context.Context, s *Store, what string, id any, p store.Page, open func(*txn) (listing[T], error),
) (found store.List[T], err error) {
	err = s.read(ctx, func(t *txn) error {
		l, err := open(t)
		if err != nil {
			return err
		}
		found, err = l.page(t, p)
		return err
	})
	if err != nil {
		return store.List[T]{}, wrap(what, id, err)
	}
	return found, nil
}

// cut is the page of a list that is read as a whole, sorted by the places of its
// items.
func cut[T any](l list, sorted []T, placeOf func(T) []byte, p store.Page) (found store.List[T], err error) {
	place, err := l.begin(p)
	if err != nil {
		return found, err
	}
	for _, item := range sorted {
		if place != nil && bytes.Compare(placeOf(item), place) <= 0 {
			continue
		}
		if len(found.Items) == p.Limit {
			found.Next = l.cursor(placeOf(found.Items[p.Limit-1]))
			break
		}
		found.Items = append(found.Items, item)
	}
	return found, nil
}
