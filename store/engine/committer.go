package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"signpost/store"
)

// Every write goes through one goroutine, the committer: all verbs that wait
// while one transaction is being committed go into the next. There is no timer,
// so a lone verb waits for no other, and a crowd shares one sync of the disk.

const (
	// GroupVerbs and GroupBytes bound one transaction, so that its waiters are
	// answered in milliseconds and its pages stay few.
	GroupVerbs = 256
	GroupBytes = 8 << 20
	// queueDepth is how many verbs may wait before their callers do.
	queueDepth = 4 * GroupVerbs
)

// Grouped is a transaction of an engine as the committer drives it.
type Grouped interface {
	Tx
	Writes() int
	Flush() error
}

// Prefetcher is a transaction that can fetch rows before the verbs ask for them.
type Prefetcher interface {
	// Prefetch is told of what the plans of a group name, before its first verb runs.
	Prefetch(rows []Row) error
}

// Transact runs body in one read-write transaction: what it wrote is durable when
// Transact returns nil, and gone when body or Transact returns an error.
type Transact func(body func(Grouped) error) error

// Committer forms the groups of an engine's Update. It is safe for concurrent use.
type Committer struct {
	transact Transact
	observe  func(groupSize int, d time.Duration)
	broken   func(panicked any) error

	jobs    chan *job
	asked   atomic.Int64  // verbs that wait or are being committed
	closing chan struct{} // closed by Close
	closed  chan struct{} // closed when the loop has ended
	once    sync.Once
	signal  Signal
}

// Where a job stands. Its caller may take it back only while it waits.
const (
	jobWaiting = iota
	jobPicked
	jobWithdrawn
)

type job struct {
	verb  func(Tx) error
	plan  Plan
	state atomic.Int32
	err   error
	done  chan struct{}
}

// NewCommitter starts a committer. observe, which may be nil, is told of every
// commit: how many verbs it took and how long; it must not call the engine. broken
// makes the error of a verb that panicked.
func NewCommitter(
	transact Transact, observe func(groupSize int, d time.Duration), broken func(panicked any) error,
) *Committer {
	c := &Committer{
		transact: transact, observe: observe, broken: broken,
		jobs:    make(chan *job, queueDepth),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	go c.loop()
	return c
}

// Update is Engine.Update.
func (c *Committer) Update(ctx context.Context, plan Plan, verb func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.asked.Add(1)
	defer c.asked.Add(-1)
	j := &job{verb: verb, plan: plan, done: make(chan struct{})}
	select {
	case c.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closing:
		return ErrClosed
	}
	var gone error
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		gone = ctx.Err()
	case <-c.closed:
		gone = ErrClosed
	}
	if j.state.CompareAndSwap(jobWaiting, jobWithdrawn) {
		return gone
	}
	<-j.done
	return j.err
}

// Work beside the writers, a backup above all, rests restShare times as long as it
// worked while verbs ask for a commit: it then takes a quarter of the disk, and ends
// in four times the time. maxRest bounds one rest.
const (
	restShare = 3
	maxRest   = 250 * time.Millisecond
)

// GiveWay is Engine.GiveWay.
func (c *Committer) GiveWay(ctx context.Context, worked time.Duration) {
	if c.asked.Load() == 0 {
		return
	}
	rest := time.NewTimer(min(restShare*worked, maxRest))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	case <-c.closing:
	}
}

// Committed is Engine.Committed, as far as this committer knows.
func (c *Committer) Committed() <-chan struct{} { return c.signal.Next() }

// Close ends the committer after the transaction under way; verbs that wait are
// refused. It may be called more than once.
func (c *Committer) Close() {
	c.once.Do(func() { close(c.closing) })
	<-c.closed
}

// loop ends when Close was called and no verb waits.
func (c *Committer) loop() {
	defer close(c.closed)
	for {
		select {
		case j := <-c.jobs:
			c.runGroup(c.gather(j))
		default:
			select {
			case j := <-c.jobs:
				c.runGroup(c.gather(j))
			case <-c.closing:
				return
			}
		}
	}
}

// gather takes first and all that wait behind it.
func (c *Committer) gather(first *job) []*job {
	// Those who were answered by the commit before get the chance to ask again.
	runtime.Gosched()
	var group []*job
	for j, size := first, 0; ; {
		if j.state.CompareAndSwap(jobWaiting, jobPicked) {
			group = append(group, j)
			size += j.plan.Size
		}
		if len(group) == GroupVerbs || size >= GroupBytes {
			return group
		}
		select {
		case j = <-c.jobs:
		default:
			return group
		}
	}
}

// runGroup commits what it can of the group and answers every job.
func (c *Committer) runGroup(group []*job) {
	for len(group) > 0 {
		bad, err := c.commit(group)
		if bad < 0 {
			c.answer(group, err)
			return
		}
		group[bad].err = err
		close(group[bad].done)
		group = append(group[:bad:bad], group[bad+1:]...)
	}
}

// answer tells each job of a transaction that ended how it ended. When there was
// no room for a group, or a damaged row in its way, each verb is tried alone: a
// small one may still fit, another need no damaged row.
func (c *Committer) answer(group []*job, err error) {
	if (errors.Is(err, store.ErrFull) || errors.Is(err, ErrDamaged)) && len(group) > 1 {
		for _, j := range group {
			c.runGroup([]*job{j})
		}
		return
	}
	for _, j := range group {
		if err != nil {
			j.err = err
		}
		close(j.done)
	}
}

// commit runs the group in one transaction. When a job failed after it had
// written, nothing is committed and its index is returned with its error; else
// the index is -1.
func (c *Committer) commit(group []*job) (bad int, err error) {
	start := time.Now()
	bad = -1
	wrote := false
	err = c.transact(func(tx Grouped) error {
		if err := prefetch(tx, group); err != nil {
			return err
		}
		for i, j := range group {
			before := tx.Writes()
			j.err = c.run(j.verb, tx)
			if j.err != nil && tx.Writes() > before {
				bad = i
				return j.err
			}
		}
		wrote = tx.Writes() > 0
		return tx.Flush()
	})
	if err == nil && wrote {
		c.signal.Raise()
	}
	if err == nil && c.observe != nil {
		c.observe(len(group), time.Since(start))
	}
	return bad, err
}

// prefetch fetches what the plans of a group name, where the engine does so.
func prefetch(tx Grouped, group []*job) error {
	p, ok := tx.(Prefetcher)
	if !ok {
		return nil
	}
	var rows []Row
	for _, j := range group {
		if j.plan.Reads != nil {
			rows = append(rows, j.plan.Reads()...)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return p.Prefetch(rows)
}

// run turns a panic into the error of the verb that panicked. It counts as a
// write, since there is no telling how far the verb came.
func (c *Committer) run(verb func(Tx) error, tx Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.Touch()
			err = c.broken(p)
		}
	}()
	return verb(tx)
}
