package staff

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Bounds on those who wait for their password to be hashed. A hash takes some 40
// ms, so the last of all waits three seconds at the most.
const (
	hashesAtOnce = 2   // bounds their memory, too
	maxLine      = 16  // who wait in one line
	maxWaiting   = 128 // who wait in all lines
	hashWait     = 5 * time.Second
)

// Who cannot be given a turn is told so at once or after hashWait.
var (
	errLine = errors.New("too many sign-ins from this network wait for their password to be hashed")
	errBusy = errors.New("too many sign-ins wait for their password to be hashed")
)

// queue shares the hashing of passwords out. Those who wait stand in a line with
// the others of their network, and the lines are served in turn: a flood from one
// network makes its own line long and delays another's first by one turn. Known
// devices have lines of their own that are served first; none can make a flood,
// since each has few tries. It is safe for concurrent use.
type queue struct {
	mu    sync.Mutex
	idle  int     // turns that are free
	lanes [2]lane // of known devices, and of all others
}

// lane is the lines of known devices, or of all others.
type lane struct {
	order   []string // the lines in which a caller waits, the next first
	lines   map[string][]*waiter
	waiting int
}

// waiter stands in a line until its turn comes or it is sent away with an error.
type waiter struct {
	turn chan struct{}
	err  error // set before turn is closed
}

func newQueue(atOnce int) *queue {
	q := &queue{idle: atOnce}
	for i := range q.lanes {
		q.lanes[i].lines = map[string][]*waiter{}
	}
	return q
}

// do waits for a turn and hashes. errLine or errBusy without having done so.
func (q *queue) do(ctx context.Context, c client, hash func()) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hashWait, errBusy)
	defer cancel()
	if err := q.enter(ctx, c); err != nil {
		return err
	}
	defer q.leave()
	hash()
	return nil
}

func (q *queue) enter(ctx context.Context, c client) error {
	q.mu.Lock()
	if q.idle > 0 {
		q.idle--
		q.mu.Unlock()
		return nil
	}
	l, name := &q.lanes[1], c.network().String()
	if c.device != "" {
		l, name = &q.lanes[0], c.device
	}
	w, err := l.join(name)
	q.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-w.turn:
		return w.err
	case <-ctx.Done():
		if !q.giveUp(l, name, w) && w.err == nil {
			q.leave() // the turn came at the same moment
		}
		return context.Cause(ctx)
	}
}

// leave gives the turn to the next one.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.lanes {
		if w := q.lanes[i].next(); w != nil {
			close(w.turn)
			return
		}
	}
	q.idle++
}

// giveUp takes a waiter out of its line; false when it is in none any more.
func (q *queue) giveUp(l *lane, name string, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(l.lines[name], w)
	if at < 0 {
		return false
	}
	l.remove(name, at)
	return true
}

// join puts a waiter at the end of a line. Where all lines together are full, the
// last of the longest goes, unless the newcomer's is as long.
func (l *lane) join(name string) (*waiter, error) {
	if len(l.lines[name]) >= maxLine {
		return nil, errLine
	}
	if l.waiting >= maxWaiting {
		longest := slices.MaxFunc(l.order, func(a, b string) int { return len(l.lines[a]) - len(l.lines[b]) })
		if len(l.lines[longest]) <= len(l.lines[name])+1 {
			return nil, errBusy
		}
		last := l.remove(longest, len(l.lines[longest])-1)
		last.err = errLine
		close(last.turn)
	}
	if len(l.lines[name]) == 0 {
		l.order = append(l.order, name)
	}
	w := &waiter{turn: make(chan struct{})}
	l.lines[name] = append(l.lines[name], w)
	l.waiting++
	return w, nil
}

// next takes the first of the line whose turn it is, which then is the last in
// order; nil where no caller waits.
func (l *lane) next() *waiter {
	if len(l.order) == 0 {
		return nil
	}
	name := l.order[0]
	w := l.remove(name, 0)
	if len(l.lines[name]) > 0 {
		l.order = append(l.order[1:], name)
	}
	return w
}

// remove takes one out of a line, and the line out of the order when it is empty.
func (l *lane) remove(name string, at int) *waiter {
	w := l.lines[name][at]
	l.waiting--
	if l.lines[name] = slices.Delete(l.lines[name], at, at+1); len(l.lines[name]) == 0 {
		delete(l.lines, name)
		l.order = slices.DeleteFunc(l.order, func(n string) bool { return n == name })
	}
	return w
}
