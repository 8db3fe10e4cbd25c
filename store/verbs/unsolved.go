package verbs

import (
	"sync"

	"signpost/store"
)

// The counts of the desk come from one walk over the rows of the tickets to be solved,
// which holds until something is changed: every page of the desk shows them.

// unsolved are how many tickets to be solved the views show, by region and assignee.
type unsolved struct {
	stopped bool // there are more than were looked at
	of      map[unsolvedOf][]uint64
}

type unsolvedOf struct {
	region   string
	assignee store.AgentID
}

// countedViews are the views of each list of numbers, in their order. What is an agent's own
// follows from the assignee.
func countedViews() []store.View { return append(store.Views(), "") }

// countedOnce keeps what was counted last. It is safe for concurrent use; nil keeps nothing,
// as within a transaction whose changes are not logged yet.
type countedOnce struct {
	mu   sync.Mutex
	at   uint64 // the last change when it was counted
	kept *unsolved
}

// unsolved is what the transaction sees, counted anew only after a change.
func (c *countedOnce) unsolved(t *txn) (*unsolved, error) {
	if c == nil {
		return t.countUnsolved()
	}
	last, err := t.lastChange()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil && c.at == last {
		return c.kept, nil
	}
	found, err := t.countUnsolved()
	if err == nil {
		c.at, c.kept = last, found
	}
	return found, err
}

func (t *txn) countUnsolved() (*unsolved, error) {
	anyone, views := newWanted(store.ByService(), store.TicketFilter{}), countedViews()
	found := &unsolved{of: map[unsolvedOf][]uint64{}}
	looked := 0
	err := t.walk(bDesk, nil, nil, func(_, value []byte) (bool, error) {
		if looked++; looked > store.DeskLooked {
			found.stopped = true
			return false, nil
		}
		r, err := readDeskRow(value)
		if err != nil {
			return false, err
		}
		sum := found.of[unsolvedOf{string(r.region), r.assignee}]
		if sum == nil {
			sum = make([]uint64, len(views))
			found.of[unsolvedOf{string(r.region), r.assignee}] = sum
		}
		for i, v := range views {
			if anyone.shows(v, &r) {
				sum[i]++
			}
		}
		return true, nil
	})
	return found, err
}

// add adds what an actor sees to their counts.
func (u *unsolved) add(by store.Actor, counts store.DeskCounts) {
	for of, sum := range u.of {
		if !by.Sees(of.region) {
			continue
		}
		for i, v := range countedViews() {
			n := sum[i]
			if v == store.ViewMine && by.Agent != 0 && by.Agent == of.assignee {
				n = sum[len(sum)-1] // all of them
			}
			if n > 0 {
				counts.Views[v][of.region] += n
			}
		}
	}
}
