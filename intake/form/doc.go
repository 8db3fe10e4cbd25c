// Package form is the public side of Signpost: the help centre, the contact
// form, the received page and the ticket page behind a mailed link.
//
// # The life of a post
//
// contact.go takes POST /contact. Package post reads it into a draft (draft.go says
// which fields there are), streams its files into the blob store, and shows the form
// again where the post is refused. check.go finds the faults of the form's own fields,
// all at once. With none, one store verb writes the ticket; the sender is kicked after
// the commit; the answer is a redirect to the received page (received.go), or JSON.
//
// Before that the page's script asks about the address alone (ask.go), when its
// field is left.
//
// The ticket page (ticket.go, download.go) is opened by the token of a mailed
// link; thread.go shows it to scripts, save.go hands it over whole. It says where the
// ticket stands (standing.go) and what became of each mail (delivery.go). What is done
// there beside writing stands in acts.go: solved, reopen, rate, and the new ticket that
// goes on from a closed one. Reading it proves nothing, since mail
// scanners follow links, and shows nothing of the ticket but the question whether
// it is the reader's own (mine.go): a stranger may have typed the address. Saying so,
// or posting anything else there, proves the requester's address.
//
// An open page follows its ticket (live.go, feed.go): it hears that it has another version,
// and fetches itself.
//
// The requester names colleagues there (colleagues.go), each of whom has a link of their own
// that opens the page as a door of theirs: openDoor tells whose it is, openLink is for what is
// the requester's alone.
//
// Links are mailed anew on the ticket page and from the help centre (link.go).
// Where the confirmation does not arrive, another address is given on the received
// page by the browser that sent the request, on the ticket page by its reader
// (address.go).
//
// Nothing a partner writes is ever sent to an address before it is proven.
package form
