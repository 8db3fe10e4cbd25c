package store

import "iter"

// Cursor is a place in a list, given out by the list itself; "" is its beginning. It
// means nothing to the caller and can stand in a URL as it is. It stays good while the
// list changes: what lies behind it comes with the next page, what was listed does
// not come again unless it moved there.
type Cursor string

// Page is the part of a list that is wanted: the first Limit items behind After. Every
// list returns ErrInvalid for a cursor that is damaged or another list's, and for a
// Limit below 1 or above MaxPage. Two calls are of one list when all their arguments
// but the instants are the same.
type Page struct {
	After Cursor
	Limit int
}

// MaxPage is the largest Page.Limit: it bounds how long one snapshot is held.
const MaxPage = 1000

// List is a part of a list.
type List[T any] struct {
	Items []T
	// Next is where the part behind this one begins, "" when there is none.
	Next Cursor
	// Stopped tells that the search ended before it had looked at all there is: it
	// may have found nothing although there is something, and goes on at Next.
	Stopped bool
}

// SearchLooked is how many rows a list looks at for one page when not every row is
// wanted.
const SearchLooked = 10_000

// Items is what a page holds, for a caller that wants no more than that page.
func Items[T any](page List[T], err error) ([]T, error) { return page.Items, err }

// Pages lists a whole list as pages of at most size items, each read by a call of list
// when it is wanted. Where the list stopped looking it goes on, so a page may be empty.
// It ends after the last page or the first error.
func Pages[T any](size int, list func(Page) (List[T], error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for p := (Page{Limit: size}); ; {
			found, err := list(p)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(found.Items, nil) || found.Next == "" {
				return
			}
			p.After = found.Next
		}
	}
}

// All is Pages, item by item. An error comes with the zero item, as the last.
func All[T any](size int, list func(Page) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for items, err := range Pages(size, list) {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// Collect gathers at most the first most items, or none beside an error.
func Collect[T any](most int, items iter.Seq2[T, error]) (all []T, err error) {
	if most < 1 {
		return nil, nil
	}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if all = append(all, item); len(all) == most {
			break
		}
	}
	return all, nil
}
