package verbs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"signpost/store"
)

type tokenRecord struct {
	Sealed []byte `cbor:"1,keyasint"`
	At     int64  `cbor:"2,keyasint"`
}

// SealedToken implements store.Tokens.
func (s *Store) SealedToken(ctx context.Context, name string) ([]byte, error) {
	var r tokenRecord
	err := s.read(ctx, func(t *txn) error {
		if name == "" || badName(name) {
			return store.ErrNotFound
		}
		return t.record(bTokens, []byte(name), &r)
	})
	if err != nil {
		return nil, wrap("token", strconv.Quote(name), err)
	}
	return r.Sealed, nil
}

// PutSealedToken implements store.Tokens.
func (s *Store) PutSealedToken(ctx context.Context, now time.Time, name string, sealed []byte) error {
	if name == "" || badName(name) || len(sealed) > store.MaxSealedToken {
		return wrap("put token", "in its place", invalid("a token has a name and "+
			strconv.Itoa(store.MaxSealedToken)+" bytes at most"))
	}
	err := s.write(ctx, len(sealed), func(t *txn) error {
		if len(sealed) == 0 {
			return t.delete(bTokens, []byte(name))
		}
		return t.putRecord(bTokens, []byte(name), &tokenRecord{sealed, micros(store.Instant(now))})
	})
	return wrap("put token", strconv.Quote(name), err)
}

// ResealToken implements store.Tokens.
func (s *Store) ResealToken(ctx context.Context, name string, from, to []byte) error {
	if len(from) == 0 || len(to) == 0 || len(to) > store.MaxSealedToken || name == "" || badName(name) {
		return wrap("reseal token", strconv.Quote(name), store.ErrConflict)
	}
	err := s.write(ctx, len(to), func(t *txn) error {
		var r tokenRecord
		err := t.record(bTokens, []byte(name), &r)
		if errors.Is(err, store.ErrNotFound) || err == nil && !bytes.Equal(r.Sealed, from) {
			return store.ErrConflict
		}
		if err != nil {
			return err
		}
		r.Sealed = slices.Clone(to)
		return t.putRecord(bTokens, []byte(name), &r)
	})
	return wrap("reseal token", strconv.Quote(name), err)
}

// tokens checks that each can be read.
func (c *checker) tokens() error {
	return c.each(bTokens, func(key, value []byte) error {
		var r tokenRecord
		return wrap("token", strconv.Quote(string(key)), c.codec.read(value, &r))
	})
}
