package ops

import (
	"errors"
	"net/url"

	"signpost/intake/web"
	"signpost/store"
)

// pager leads from one page of a list to the next.
type pager struct {
	web.Pager
	// Lost tells that the address asked for a page that the list does not have, so that
	// this is the first one.
	Lost    bool
	Stopped bool // the list stopped looking before the page was full
}

// Whole tells that the page holds all there is.
func (p pager) Whole() bool { return p.First == "" && p.Next == "" }

// part reads the page of a list that an address asks for by its cursor. name is the
// list's among several in one page, "" for the only one; keep are the parameters that
// stay in the addresses of the other pages.
func part[T any](
	at *url.URL, name string, limit int, list func(store.Page) (store.List[T], error), keep ...string,
) (items []T, p pager, err error) {
	in := at.Query()
	after := store.Cursor(in.Get("after"))
	if in.Get("list") != name {
		after = ""
	}
	page, err := list(store.Page{After: after, Limit: limit})
	if after != "" && errors.Is(err, store.ErrInvalid) {
		p.Lost, after = true, ""
		page, err = list(store.Page{Limit: limit})
	}
	if err != nil {
		return nil, pager{}, err
	}
	to := func(cursor store.Cursor) string {
		in.Set("after", string(cursor))
		in.Set("list", name)
		address := at.Path + kept(in, append(keep, "list", "after")...)
		if name != "" {
			address += "#" + name
		}
		return address
	}
	if after != "" {
		p.First = to("")
	}
	if page.Next != "" {
		p.Next = to(page.Next)
	}
	p.Stopped = page.Stopped
	return page.Items, p, nil
}
