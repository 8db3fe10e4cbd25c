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
// support address, puts its marks on everybody's mail. No automatic answer may go to
// a list (RFC 5230 section 4.6), so no person is ever answered, and no mail looks wrong.

const (
	frontWatched = 50 // persons' mails of a mailbox that are looked at, the last ones
	frontLeast   = 10 // of them before it is said
	frontRecall  = 500
)

// lists counts the last mails of persons that came behind a list of ours, by mailbox.
// It is safe for concurrent use.
type lists struct {
	mu   sync.Mutex
	last map[string][]bool
}

func (f *lists) add(row store.Inbound) {
	person, behind := triage.FromPerson(row.Verdict)
	if !person {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = map[string][]bool{}
	}
	last := append(f.last[row.Mailbox], behind)
	f.last[row.Mailbox] = last[max(0, len(last)-frontWatched):]
}

// most tells whether most persons' mail of a mailbox came behind a list: n of all.
func (f *lists) most(mailbox string) (n, all int, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, behind := range f.last[mailbox] {
		if behind {
			n++
		}
	}
	all = len(f.last[mailbox])
	return n, all, all >= frontLeast && 2*n > all
}

// listTroubles tells of mailboxes behind a list.
func (s *Subject) listTroubles() (list []store.Trouble) {
	for _, w := range s.Watchers {
		id := w.Health().Mailbox
		if n, all, yes := s.lists.most(id); yes {
			list = append(list, store.Trouble{
				Key: "front/" + id, Level: 1, Do: triage.OwnListHint,
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
	rows, err := s.Store.ListInbound(ctx, 0, frontRecall)
	for _, row := range slices.Backward(rows) {
		s.lists.add(row)
	}
	return err
}
