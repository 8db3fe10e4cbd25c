package bolt

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"signpost/store"
)

// Every write goes through one goroutine, the committer: all verbs that wait
// while one transaction is being committed go into the next. There is no timer,
// so a lone verb waits for nobody, and a crowd shares one sync of the disk.

const (
	// groupVerbs and groupBytes bound one transaction, so that its waiters are
	// answered in milliseconds and its pages stay few.
	groupVerbs = 256
	groupBytes = 8 << 20
)

// errClosed is what a verb called during or after Close returns.
var errClosed = errors.New("the store is closed")

// Where a job stands. Its caller may take it back only while it waits.
const (
	jobWaiting = iota
	jobPicked
	jobWithdrawn
)

type job struct {
	verb  func(*txn) error
	size  int
	state atomic.Int32
	err   error
	done  chan struct{}
}

// write runs verb in a transaction, together with whatever else waits, and
// returns when it is durable or refused. The verb may run more than once and
// must then return what it did on the last run. A verb that returns an error
// without having written leaves the others alone; one that fails after a write
// makes the group run again without it. Once picked, ctx no longer matters.
func (db *DB) write(ctx context.Context, size int, verb func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{verb: verb, size: size, done: make(chan struct{})}
	select {
	case db.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return errClosed
	}
	var gone error
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		gone = ctx.Err()
	case <-db.closed:
		gone = errClosed
	}
	if j.state.CompareAndSwap(jobWaiting, jobWithdrawn) {
		return gone
	}
	<-j.done
	return j.err
}

// commitLoop is the committer. It ends when Close was called and nobody waits.
func (db *DB) commitLoop() {
	defer close(db.closed)
	for {
		select {
		case j := <-db.jobs:
			db.runGroup(db.gather(j))
		default:
			select {
			case j := <-db.jobs:
				db.runGroup(db.gather(j))
			case <-db.closing:
				return
			}
		}
	}
}

// gather takes first and all that wait behind it.
func (db *DB) gather(first *job) []*job {
	// Those who were answered by the commit before get the chance to ask again.
	runtime.Gosched()
	var group []*job
	for j, size := first, 0; ; {
		if j.state.CompareAndSwap(jobWaiting, jobPicked) {
			group = append(group, j)
			size += j.size
		}
		if len(group) == groupVerbs || size >= groupBytes {
			return group
		}
		select {
		case j = <-db.jobs:
		default:
			return group
		}
	}
}

// runGroup commits what it can of the group and answers every job.
func (db *DB) runGroup(group []*job) {
	for len(group) > 0 {
		bad, err := db.commit(group)
		if bad < 0 {
			db.answer(group, err)
			return
		}
		group[bad].err = err
		close(group[bad].done)
		group = append(group[:bad:bad], group[bad+1:]...)
	}
}

// answer tells each job of a transaction that ended how it ended. When there was
// no room for a group, or a damaged page in its way, each verb is tried alone: a
// small one may still fit, another need no damaged page.
func (db *DB) answer(group []*job, err error) {
	if (errors.Is(err, store.ErrFull) || errors.Is(err, ErrDamaged)) && len(group) > 1 {
		for _, j := range group {
			db.runGroup([]*job{j})
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
func (db *DB) commit(group []*job) (bad int, err error) {
	start := time.Now()
	bad = -1
	err = guarded(func() error {
		return db.bolt.Update(func(tx *bbolt.Tx) error {
			t := &txn{tx: tx, codec: db.codec}
			for i, j := range group {
				before := t.writes
				j.err = runVerb(j.verb, t)
				if j.err != nil && t.writes > before {
					bad = i
					return j.err
				}
			}
			return errors.Join(t.putCounts(), t.putUsages(), t.putTallies())
		})
	})
	if err == nil && db.observe != nil {
		db.observe(len(group), time.Since(start))
	}
	return bad, full(err)
}

// runVerb turns a panic into the error of the verb that panicked. It counts as a
// write, since nobody knows how far the verb came.
func runVerb(verb func(*txn) error, t *txn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.writes++
			err = broken(p)
		}
	}()
	return verb(t)
}
