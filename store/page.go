package store

// Cursor is a place in a list, given out by the list itself; "" is its beginning.
// It means nothing to the caller and stays good while the list changes.
type Cursor string

// Page is the part of a list that is wanted.
type Page struct {
	After Cursor
	Limit int // at most so many items; none for less than 1
}

// List is a part of a list.
type List[T any] struct {
	Items []T
	// Next is where the part behind this one begins, "" when there is none.
	Next Cursor
	// Stopped tells that the search ended before it had looked at all there is: it
	// may have found nothing although there is something, and goes on at Next.
	Stopped bool
}
