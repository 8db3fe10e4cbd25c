package watch

import (
	"strings"
	"time"

	"signpost/mail/header"
)

// arrival is when a mail came of which the server tells no INTERNALDATE. On it hang
// whether the mail is older than the connection or than three days, and so whether
// it may be answered:
//
//   - the date of the topmost Received that has one: the host that put the mail into
//     the mailbox wrote it last;
//   - else the Date, which the sender wrote; but not one in the future;
//   - else, for what waited when the mailbox was first connected, as old as can be:
//     of that nothing is answered;
//   - else now: we have just found it, and who writes is answered though no clock
//     was near. How often one address is answered is bounded all the same.
func (s *session) arrival(head []byte) time.Time {
	now := time.Now().Truncate(time.Second)
	written := time.Time{}
	for _, f := range fields(head) {
		switch f.name {
		case "received":
			if at, ok := dateOf(f.value[strings.LastIndexByte(f.value, ';')+1:]); ok {
				return earlier(at, now)
			}
		case "date":
			if at, ok := dateOf(f.value); ok && written.IsZero() && !at.After(now) {
				written = at
			}
		}
	}
	switch {
	case !written.IsZero():
		return written
	case s.folder.first != nil:
		return time.Unix(0, 0)
	}
	return now
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func dateOf(text string) (time.Time, bool) {
	at, ok := header.Date(text)
	return at.UTC(), ok && at.Year() >= 1980
}
