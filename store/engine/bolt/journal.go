package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"signpost/store/engine"
)

// journals are the buckets of what was written and is not in its place, for generations
// with odd and with even numbers. Their values, in the order of their keys, big-endian
// numbers that ascend over both, are one text of steps:
//
//	bucket(1) kind(1) length of key, key, length of value, value
//
// The lengths are varints. What a bucket's number means is said before its first step in
// a journal, since another version may number them otherwise. The text is cut into pieces
// of which eight fill a page, so that a commit writes the pages it fills and no other
// again.
var journals = [2][]byte{[]byte("journal 0"), []byte("journal 1")}

func journalOf(generation uint64) []byte { return journals[generation%2] }

func isJournal(name []byte) bool {
	return bytes.Equal(name, journals[0]) || bytes.Equal(name, journals[1])
}

const pieceBytes = 484

// Kinds of steps.
const (
	stepPut    = 'p'
	stepDelete = 'd'
	stepForget = 'f' // the row in its place counts
	stepLast   = 'n' // value: the number that the bucket gave out last, u64
	stepName   = 'b' // key: the name of the bucket that the number stands for from here on
)

// step is one step.
type step struct {
	bucket     byte
	kind       byte
	key, value []byte
}

func (s step) append(b []byte) []byte {
	b = append(b, s.bucket, s.kind)
	b = append(binary.AppendUvarint(b, uint64(len(s.key))), s.key...)
	return append(binary.AppendUvarint(b, uint64(len(s.value))), s.value...)
}

var errJournal = fmt.Errorf("%w: its journal does not read", engine.ErrDamaged)

// cutStep takes the first step from a text.
func cutStep(text []byte) (s step, rest []byte, err error) {
	if len(text) < 2 {
		return s, nil, errJournal
	}
	s.bucket, s.kind = text[0], text[1]
	key, rest, err1 := cutField(text[2:])
	value, rest, err2 := cutField(rest)
	s.key, s.value = key, value
	return s, rest, errors.Join(err1, err2)
}

// cutField takes a field with its length before it from a text. An empty one is not nil.
func cutField(text []byte) (field, rest []byte, err error) {
	n, size := binary.Uvarint(text)
	if size <= 0 || n > uint64(len(text)-size) {
		return nil, nil, errJournal
	}
	text = text[size:]
	return text[:n:n], text[n:], nil
}

// readJournals is what the file's journals say. Their rows are of one generation, whose
// steps to come go behind those of the younger journal.
func (e *Engine) readJournals(tx *bbolt.Tx) (*gathering, error) {
	g := newGathering(e.layouts)
	for _, name := range journalsOf(tx) {
		if !bytes.Equal(name, journalOf(g.generation)) {
			g.generation++
		}
		var text bytes.Buffer
		err := tx.Bucket(name).ForEach(func(key, piece []byte) error {
			if len(key) != 8 || g.bytes > 0 && binary.BigEndian.Uint64(key) != g.pieces {
				return errJournal
			}
			g.pieces = binary.BigEndian.Uint64(key) + 1
			g.bytes += len(piece)
			text.Write(piece)
			return nil
		})
		if err == nil {
			err = e.readSteps(text.Bytes(), g)
		}
		if err != nil {
			return nil, err
		}
	}
	g.whole = !g.empty()
	return g, nil
}

// journalsOf are those that there are, the older first.
func journalsOf(tx *bbolt.Tx) (names [][]byte) {
	for _, name := range journals {
		if tx.Bucket(name) != nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b []byte) int {
		first, _ := tx.Bucket(a).Cursor().First()
		second, _ := tx.Bucket(b).Cursor().First()
		return bytes.Compare(first, second)
	})
	return names
}

// readSteps does what the steps say.
func (e *Engine) readSteps(text []byte, g *gathering) error {
	buckets := map[byte]engine.Bucket{} // by the numbers that the journal gives them
	for len(text) > 0 {
		s, rest, err := cutStep(text)
		if err != nil {
			return err
		}
		if text = rest; s.kind == stepName {
			i := slices.IndexFunc(e.layouts, func(l engine.Layout) bool { return l.Name == string(s.key) })
			if i < 0 {
				return fmt.Errorf("its journal has rows of %q, which this version does not know: "+
					"start the version that wrote them, and stop it as usual", s.key)
			}
			buckets[s.bucket] = engine.Bucket(i)
			continue
		}
		b, known := buckets[s.bucket]
		if !known {
			return errJournal
		}
		if err := g.do(b, s); err != nil {
			return err
		}
	}
	return nil
}

// do does what a step says.
func (g *gathering) do(b engine.Bucket, s step) error {
	rows := g.written(b)
	switch {
	case s.kind == stepPut:
		rows.Set(gathered{s.key, s.value, g.generation})
	case s.kind == stepDelete:
		rows.Set(gathered{s.key, nil, g.generation})
	case s.kind == stepForget:
		rows.Delete(gathered{key: s.key})
	case s.kind == stepLast && len(s.value) == 8:
		g.last[b] = binary.BigEndian.Uint64(s.value)
	default:
		return errJournal
	}
	return nil
}

// step adds a step to what goes into the journal.
func (t *tx) step(b engine.Bucket, kind byte, key, value []byte) {
	if !t.rows.named[b] {
		t.rows.named[b] = true
		t.steps = step{byte(b), stepName, []byte(t.layouts[b].Name), nil}.append(t.steps)
	}
	t.steps = step{byte(b), kind, key, value}.append(t.steps)
}

// addToJournal writes the steps of the transaction behind those that are there.
func (t *tx) addToJournal() error {
	if len(t.steps) == 0 {
		return nil
	}
	b, err := t.bolt.CreateBucketIfNotExists(journalOf(t.rows.generation))
	if err != nil {
		return fmt.Errorf("make a journal: %w", err)
	}
	b.FillPercent = 1
	t.rows.bytes += len(t.steps)
	for piece := range slices.Chunk(t.steps, pieceBytes) {
		if err := b.Put(binary.BigEndian.AppendUint64(nil, t.rows.pieces), piece); err != nil {
			return fmt.Errorf("put in a journal: %w", err)
		}
		t.rows.pieces++
	}
	return nil
}

// dropJournal drops the journal of a generation whose rows are in their places.
func (t *tx) dropJournal(generation uint64) error {
	name := journalOf(generation)
	if t.bolt.Bucket(name) == nil {
		return nil
	}
	return t.bolt.DeleteBucket(name)
}
