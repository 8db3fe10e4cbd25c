package alarm

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"signpost/mail/triage"
	"signpost/store"
)

// A list or a group in front of a mailbox, such as a Google group that bears the
// support address, puts its marks on all mail. No automatic answer may go to
// a list (RFC 5230 section 4.6), so no person is ever answered, and no mail looks wrong.

const (
	listWatched = 50  // persons' mails of a mailbox that are looked at, the last ones
	minListed   = 10  // of them before it is said
	maxRecalled = 500 // rows of the ledger read at the start
)

// lists counts the last mails of persons that came behind a list of ours, by mailbox.
// It is safe for concurrent use.
type lists struct {
	mu   sync.Mutex
	last map[string][]bool
}

func (l *lists) add(row store.Inbound) {
	person, behind := triage.FromPerson(row.Verdict)
	if !person {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string][]bool{}
	}
	last := append(l.last[row.Mailbox], behind)
	l.last[row.Mailbox] = last[max(0, len(last)-listWatched):]
}

// most tells whether most persons' mail of a mailbox came behind a list: n of all.
func (l *lists) most(mailbox string) (n, all int, yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, behind := range l.last[mailbox] {
		if behind {
			n++
		}
	}
	all = len(l.last[mailbox])
	return n, all, all >= minListed && 2*n > all
}

// listTroubles tells of mailboxes behind a list.
func (s *Subject) listTroubles() (list []store.Trouble) {
	for _, w := range s.Watchers {
		id := w.Health().Mailbox
		if n, all, yes := s.lists.most(id); yes {
			list = append(list, store.Trouble{
				Key:   "front/" + id, // a key that was told once stays
				Level: 1, Do: triage.OwnListHint,
				What: fmt.Sprintf("mailbox %s: %d of the last %d mails that people wrote "+
					"came through a list or group of our own address, and what comes through one is never answered",
					id, n, all),
			})
		}
	}
	return list
}

// recallLists counts what came before this process began.
func (s *Subject) recallLists(ctx context.Context) error {
	rows, err := store.Items(s.Store.ListInbound(ctx, store.Page{Limit: maxRecalled}))
	for _, row := range slices.Backward(rows) {
		s.lists.add(row)
	}
	return err
}
