package bolt

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"signpost/store/engine"
)

// A row that is put in its place costs its page, and each page on the way from the root
// to it, of 4 KiB each; a post has some twenty rows of 20 to 400 bytes, each in another
// part of the file. So a commit writes its rows one behind the other into a journal
// (journal.go), a bucket of the same file, and the engine holds them in memory, over the
// rows in their places, until there are so many that several share a page. Then a
// generation of rows ends: those that follow go into another journal, and each commit
// puts some rows of the ended generation in their places (place.go), in the order of
// their keys. When all are there, its journal is dropped.
//
// This is as safe as putting each row in its place. What the file says is: the rows in
// their places, changed by the steps of the journals, in their order.
//
//   - A commit that adds steps changes that by exactly these steps.
//   - A commit that puts a row in its place changes nothing of it: the row has what the
//     last step on its key says, and a row with a later step is left to the generation
//     of that step.
//   - A journal is dropped by the commit that puts its last such row in its place.
//
// Each of these is part of one transaction of the database, whole or not at all. Opening
// a file reads the journals, so what memory holds follows from the file alone; a snapshot
// copies them with everything else.
//
// Where a row cannot be put in its place, because a page is damaged or there is no room,
// the engine gathers no more until it is opened again: verbs then put their rows in
// their places themselves, and one that meets the damage fails alone.

// gatheredBytes is how long the journal of a generation gets: some 700 posts. A walk steps
// over the rows that are deleted and still in their places, so that one from the head of a
// queue takes as long as there are such; mostDeleted is how many a generation has at most,
// where nothing but deleting goes on: more than 700 posts have.
const (
	gatheredBytes = 1 << 20
	mostDeleted   = 4 << 10
)

// gathered is a row that is not in its place yet; value is nil where it was deleted.
type gathered struct {
	key, value []byte
	generation uint64
}

func lower(a, b gathered) bool { return bytes.Compare(a.key, b.key) < 0 }

// gathering is all that is not in its place after a commit; once that is under way it
// never changes. Versions share what did not change between them.
type gathering struct {
	rows []*btree.BTreeG[gathered] // nil for a bucket without any
	last []uint64                  // numbers given out; 0 where the bucket's own is right
	// whole: rows are all that the journals say, those among them that are in their places
	// already, too. Nothing is gathered before the journals are gone.
	whole bool

	generation uint64 // of the rows to come
	bytes      int    // length of its journal
	deleted    int    // rows that it deletes
	pieces     uint64 // of all journals so far
	named      []bool // buckets whose numbers its journal has explained

	ended uint64 // the generation that is being put in its places, 0 without one
	next  spot   // where that goes on
}

// spot is a row's bucket and key.
type spot struct {
	bucket engine.Bucket
	key    []byte
}

func newGathering(layouts []engine.Layout) *gathering {
	n := len(layouts)
	return &gathering{
		rows: make([]*btree.BTreeG[gathered], n), last: make([]uint64, n), named: make([]bool, n),
		generation: 1,
	}
}

// copy is a version that a writer may change, but for the rows of a bucket.
func (g *gathering) copy() *gathering {
	c := *g
	c.rows, c.last, c.named = slices.Clone(g.rows), slices.Clone(g.last), slices.Clone(g.named)
	return &c
}

// empty tells whether the file has no journal.
func (g *gathering) empty() bool { return g.bytes == 0 && g.ended == 0 }

// of is what is gathered of a bucket, nil where nothing is.
func (g *gathering) of(b engine.Bucket) *btree.BTreeG[gathered] {
	if rows := g.rows[b]; rows != nil && rows.Len() > 0 {
		return rows
	}
	return nil
}

// find returns the row under a key, if it is gathered.
func (g *gathering) find(b engine.Bucket, key []byte) (gathered, bool) {
	if rows := g.of(b); rows != nil {
		return rows.Get(gathered{key: key})
	}
	return gathered{}, false
}

// written is where the rows of a bucket are gathered, made where there is nothing yet.
func (g *gathering) written(b engine.Bucket) *btree.BTreeG[gathered] {
	if g.rows[b] == nil {
		g.rows[b] = btree.NewBTreeGOptions(lower, btree.Options{NoLocks: true})
	}
	return g.rows[b]
}

// end ends the generation: what comes belongs to the next.
func (g *gathering) end() {
	g.ended, g.next = g.generation, spot{}
	g.generation, g.bytes, g.deleted = g.generation+1, 0, 0
	clear(g.named)
}

// versionsKept are the one committed last and the one being committed. A reader between
// whose begin and asking another commit passes begins anew; each version kept costs what
// the commits since have changed.
const versionsKept = 2

// versions are the gatherings of the last two commits, by the numbers of their transactions:
// a reader needs the one that belongs to what it sees of the file.
type versions struct {
	mu  sync.Mutex
	all map[int]*gathering
}

// at is nil where that is too long ago.
func (v *versions) at(id int) *gathering {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all[id]
}

// add is called before the transaction commits, so that no reader sees it without.
func (v *versions) add(id int, g *gathering) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all[id] = g
	for old := range v.all {
		if old <= id-versionsKept {
			delete(v.all, old)
		}
	}
}
