package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"signpost/mail/header"
	"signpost/mail/triage"
)

// A canary's mailbox is not watched: it is visited during a run of the canary.

// Letter is a mail in a mailbox that is visited.
type Letter struct {
	UID     uint32
	Arrived time.Time // INTERNALDATE, whole seconds
	// Ref is X-Signpost-Ref without its angle brackets, "" without one: the
	// Message-ID of one of our mails, if it is one.
	Ref string
	raw []byte
}

// Stated is what hosts that are trusted state of the mail.
func (l Letter) Stated(by Trust) triage.Auth { return Stated(l.raw, by) }

// Stated is what hosts that are trusted state of a mail in its header.
func Stated(raw []byte, by Trust) triage.Auth { return by.stated(fields(raw)) }

// maxVisit is how many letters a visit reads.
const maxVisit = 50

// Visit shows the letters that came on the day of since or later, at most the 50
// newest, and deletes those that visit returns, for good, where the server can
// delete single mails (UIDPLUS, RFC 4315); else they stay. It has a connection of
// its own.
func (w *Watcher) Visit(ctx context.Context, since time.Time, visit func([]Letter) (remove []uint32)) error {
	s, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	s.dry = true
	if _, err := s.selectFolder(ctx, &imap.SelectOptions{}); err != nil {
		return err
	}
	// The day before: SINCE knows neither hours nor our time zone.
	found, err := s.search(ctx, &imap.SearchCriteria{Since: since.UTC().AddDate(0, 0, -1)})
	if err != nil {
		return fmt.Errorf("list mails: %w", err)
	}
	var letters []Letter
	if len(found) > 0 {
		mails, err := s.fetch(ctx, found[max(0, len(found)-maxVisit):], chunkLimit)
		if err != nil {
			return err
		}
		for _, m := range mails {
			letters = append(letters, letterOf(m))
		}
	}
	if remove := visit(letters); len(remove) > 0 && (s.has(imap.CapUIDPlus) || s.has(imap.CapIMAP4rev2)) {
		if err := s.remove(ctx, remove); err != nil {
			return fmt.Errorf("delete letters: %w", err)
		}
	}
	s.logout(ctx)
	return nil
}

func letterOf(m mail) Letter {
	l := Letter{UID: m.uid, Arrived: m.date, raw: m.head}
	for _, f := range fields(m.head) {
		if f.name == "x-signpost-ref" && l.Ref == "" {
			l.Ref = header.UsableID(f.value)
		}
	}
	return l
}

// remove deletes mails by UID alone: an EXPUNGE without them would take what
// another client has marked.
func (s *session) remove(ctx context.Context, uids []uint32) error {
	set := imap.UIDSet{}
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return s.within(ctx, commandLimit, func(context.Context) error {
		flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
		if err := s.client.Store(set, flags, nil).Close(); err != nil {
			return err
		}
		return s.client.UIDExpunge(set).Close()
	})
}
