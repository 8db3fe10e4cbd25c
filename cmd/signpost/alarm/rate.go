package alarm

import (
	"context"
	"sync"
	"time"

	"signpost/store"
)

// answerRate counts the automatic answers of the last two hours by the minute.
// An exchange of mails between two machines shows in it long before any person
// notices: it doubles. It is safe for concurrent use.
type answerRate struct {
	mu      sync.Mutex
	minutes [120]struct {
		at int64 // minutes since the epoch
		n  int
	}
}

// add counts one answer at an instant of the last two hours.
func (r *answerRate) add(at time.Time) {
	minute := at.Unix() / 60
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := &r.minutes[minute%int64(len(r.minutes))]
	if slot.at > minute {
		return
	}
	if slot.at < minute {
		slot.at, slot.n = minute, 0
	}
	slot.n++
}

// hours are the answers of the hour that ends now, and of the one before it.
func (r *answerRate) hours(now time.Time) (last, before int) {
	minute := now.Unix() / 60
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, slot := range r.minutes {
		switch age := minute - slot.at; {
		case age < 0 || age >= 120:
		case age < 60:
			last += slot.n
		default:
			before += slot.n
		}
	}
	return last, before
}

// doubled tells that the answers of the last hour are at least twice those of
// the hour before, and too many for that to be chance.
func (r *answerRate) doubled(now time.Time, floor int) (last, before int, yes bool) {
	last, before = r.hours(now)
	return last, before, floor > 0 && last >= floor && last >= 2*before
}

const (
	maxRecall  = 5000 // rows of the ledger read at the start
	recallPage = 500
)

// recallAnswers counts what was answered before this process began, so that a
// restart neither forgets a loop nor takes a busy hour for one.
func (s *Subject) recallAnswers(ctx context.Context) error {
	since := time.Now().Add(-2 * time.Hour)
	list := func(p store.Page) (store.List[store.Inbound], error) { return s.Store.ListInbound(ctx, p) }
	seen := 0
	for row, err := range store.All(recallPage, list) {
		if err != nil {
			return err
		}
		if seen++; row.SeenAt.Before(since) || seen > maxRecall {
			break
		}
		if row.Answer != 0 && row.DecidedAt.After(since) {
			s.answers.add(row.DecidedAt)
		}
	}
	return nil
}
