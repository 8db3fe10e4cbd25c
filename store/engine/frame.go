package engine

import "errors"

// Frame is the part of a transaction that is the same in every engine: what its
// verbs share, and how often they wrote. An engine embeds one in its Tx.
type Frame struct {
	shared Shared
	writes int
}

// Shared implements Tx.
func (f *Frame) Shared(make func() Shared) Shared {
	if f.shared == nil {
		f.shared = make()
	}
	return f.shared
}

// Touch implements Tx. An engine calls it for every write.
func (f *Frame) Touch() { f.writes++ }

// Writes is how often the verbs have written so far.
func (f *Frame) Writes() int { return f.writes }

// Flush writes what the verbs share.
func (f *Frame) Flush() error {
	if f.shared == nil {
		return nil
	}
	return f.shared.Flush()
}

// The keys that every engine takes.
const maxKey = 32768

// ErrKey: a key is empty or longer than every engine takes.
var ErrKey = errors.New("a key must have 1 to 32768 bytes")

// CheckKey refuses a key that not every engine would take.
func CheckKey(key []byte) error {
	if len(key) == 0 || len(key) > maxKey {
		return ErrKey
	}
	return nil
}
