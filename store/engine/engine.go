// Package engine says what the verbs of the store need of a database: ordered rows
// in named buckets, read in snapshots and written in serialisable transactions that
// are durable when they return. The verbs are written once over it (store/verbs);
// engine/bolt keeps the rows in one file, engine/memory in memory, and
// engine/enginetest holds each engine to what is written here.
//
// To add an engine: implement Engine, hand its transactions to a Committer, which
// forms the groups, and pass the suite.
package engine

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrClosed is what a transaction begun during or after Close returns.
var ErrClosed = errors.New("the store is closed")

// ErrDamaged: the database's rows are not what was written to them. What does not
// touch the damaged ones goes on.
var ErrDamaged = errors.New("the data file is damaged; restore the newest backup beside it")

// Bucket names an ordered map from keys to values by its place in the layouts that
// the engine was opened with.
type Bucket int

// Layout is a bucket's name and what an engine may know of its rows.
type Layout struct {
	Name string
	// Appends: keys come in ascending order, which lets an engine fill what it keeps
	// them in.
	Appends bool
	// Long: a row is long against a page, so that an engine which gathers short rows
	// before it puts them in their places would gain nothing by writing it twice.
	Long bool
}

// Tx is one transaction. Keys and values that it returns, or hands to a visit, live
// as long as it does and must not be changed; it keeps what it is given until the
// commit. It is used by one goroutine at a time. A bucket may not be written while a
// walk over it is under way.
type Tx interface {
	// Get returns the value under a key, nil when there is none. An empty value is
	// not nil.
	Get(b Bucket, key []byte) []byte
	// Put writes a row in the place of the one under its key. A key has 1 to 32,768
	// bytes.
	Put(b Bucket, key, value []byte) error
	// Delete removes the row under a key, if there is one.
	Delete(b Bucket, key []byte) error
	// Next gives out the bucket's next number, from 1, without gaps among the
	// transactions that were committed.
	Next(b Bucket) (uint64, error)
	// Last is the number that Next gave out last, 0 before the first.
	Last(b Bucket) uint64
	// Walk calls visit for the rows whose keys begin with prefix, in ascending order
	// from the first key that is at least from, until visit returns false.
	Walk(b Bucket, prefix, from []byte, visit Visit) error
	// WalkBack is Walk in descending order, over the keys below before; with a nil
	// before from the last key of the bucket.
	WalkBack(b Bucket, prefix, before []byte, visit Visit) error

	// Shared is what the verbs of one group change together, counters above all: made
	// by the first that asks, and written once by its Flush, before the commit.
	Shared(make func() Shared) Shared
	// Touch says that a verb changed something in what is shared: it counts as a
	// write, should the verb fail afterwards.
	Touch()
}

// Visit is told a row of a walk, and returns whether the walk goes on.
type Visit func(key, value []byte) (more bool, err error)

// Shared is what the verbs of one group keep beside the rows.
type Shared interface {
	// Flush writes it. After it the transaction is committed or dropped.
	Flush() error
}

// Row names a row.
type Row struct {
	Bucket Bucket
	Key    []byte
}

// Plan is what is known of a transaction before it begins. The zero value is fine.
type Plan struct {
	// Size is about how many bytes it writes, which bounds a group.
	Size int
	// Reads names rows that it will probably ask for, so that an engine at the other
	// end of a wire can fetch those of a whole group in one trip. It is a hint: a row
	// it leaves out, or names in vain, changes no result. An engine that holds its
	// rows at hand does not call it; another may, more than once. nil: not known.
	Reads func() []Row
}

// Engine keeps the rows. It is safe for concurrent use.
type Engine interface {
	// View runs read on a snapshot: what was committed before it began, and nothing
	// of what is committed meanwhile. It waits for no writer. Writes are refused.
	View(ctx context.Context, read func(Tx) error) error
	// Update runs verb in a transaction, in a group with the verbs that wait beside
	// it, and returns when that is durable or refused. Transactions have one order,
	// and each sees what those before it wrote. The verb may run more than once and
	// must then return what it did on the last run. A verb that returns an error
	// without having written leaves the others of its group alone; one that fails
	// after a write makes the group run again without it. Once the verb has begun, ctx
	// no longer matters.
	//
	// store.ErrFull when there is no room, and nothing was written.
	Update(ctx context.Context, plan Plan, verb func(Tx) error) error
	// Committed returns a channel that is closed once a transaction was committed after
	// the call, by this process or, where several share the rows, by another. It may be
	// closed in vain. Close leaves it open.
	Committed() <-chan struct{}
	// Snapshot writes the whole database as it is now, while reading and writing go
	// on, in a form that the engine opens. It returns the number of bytes written.
	// What is deleted meanwhile takes room until it ends, so w is to be fast.
	Snapshot(w io.Writer) (int64, error)
	// GiveWay returns at once while no verb waits for a commit, else after a rest in
	// proportion to how long its caller worked, on the disk the writers need. It is
	// called after each piece of long work that is in no hurry; a piece takes
	// milliseconds. The end of ctx ends the rest.
	GiveWay(ctx context.Context, worked time.Duration)
	// ReadAhead reads all that is kept once, in the order in which it lies, so that what
	// then reads every row finds it in memory, as far as it fits there. It gives way to
	// the writers.
	ReadAhead(ctx context.Context) error
	// Check finds what contradicts itself in how the rows are kept; what they say of
	// one another is the verbs' to check.
	Check(ctx context.Context) error
	// Close ends the transactions under way and refuses all that wait or come.
	Close() error
}
