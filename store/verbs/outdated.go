package verbs

import (
	"errors"
	"time"

	"signpost/store"
)

// outdated is why a mail is not for the one it was written to any more, "" where it is: a
// mail with a link whose ticket has been given another address since, or one to a colleague
// who was removed.
func (t *txn) outdated(row store.Outbound) (rule string, err error) {
	switch {
	case row.Ticket == 0:
		return "", nil
	case row.ToColleague():
		k, err := t.ticket(row.Ticket)
		if c, ok := k.Colleague(row.Colleague); err == nil && (!ok || c.State() == store.ColleagueRevoked) {
			rule = store.RuleRemoved
		}
		return rule, err
	case row.Kind.FollowsRequester():
		elsewhere, err := t.isElsewhere(row)
		if elsewhere {
			rule = store.RuleReplaced
		}
		return rule, err
	}
	return "", nil
}

// replace ends a mail that waits to be sent to one it is not for any more, and marks one
// that failed.
func (t *txn) replace(now time.Time, row store.Outbound, rule string) error {
	if row.State == store.StateFailed {
		row.Reason = rule
		return t.putOutbound(row)
	}
	return t.endWaiting(now, row, rule)
}

// endWaiting ends a mail that waits in the queue or for a budget, and says why; any other
// stays as it is.
func (t *txn) endWaiting(now time.Time, row store.Outbound, rule string) (err error) {
	switch row.State {
	case store.StateQueued, store.StateHeld:
		err = t.dequeue(row)
	case store.StateThrottled:
		err = t.leaveTurn(row.ID)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	row.Reason = rule
	return errors.Join(t.end(&row, store.StateSuppressed, now), t.putOutbound(row))
}
