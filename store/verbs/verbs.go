// Package verbs holds the verbs of store.Store, written over the ordered rows of an
// engine (store/engine): every verb durable when it returns.
//
// A verb that writes checks and encodes what it can in its caller's goroutine, then
// joins the group of verbs that the engine runs in its next transaction. A verb that
// reads runs in a snapshot of its own, beside the writers and never waiting for them.
// Rows are CBOR records in their own buckets; whatever is looked up otherwise has an
// index bucket, so no verb scans (keys.go). Rows that expire stand in one index by
// time (expiry.go); counts are kept beside the rows in the same transaction, which also
// logs what it changed, for those who follow (changes.go).
//
// What a verb is made of stands in three kinds of file: rows (encode a row, keep what is
// found by it), rules (a file named ...rules.go: what a change means, without rows), and
// verbs (check, load, apply the rules, save).
//
// A verb that people act through takes a store.Actor and asks it for the right to its act:
// Store.act asks whether they may do it at all, store.May whether to what belongs to a
// region (rights.go). It ends with the row of the audit log (audits.go): what was done, to
// what, and what changed. A new act stands in the tables of store/actor.go, a new event in
// store/audit.go and in the words of intake/ops.
package verbs

import (
	"context"
	"fmt"
	"io"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// Options of a store. The zero value is fine.
type Options struct {
	// Promising works out a ticket's promise whenever something happens that it depends
	// on. nil: promises stay as they are given.
	Promising store.Promising
	// AuditKeys make the MACs of the audit log. nil: its rows are chained by a plain hash,
	// which shows what was changed, but not what was changed and hashed anew.
	AuditKeys store.AuditKeys
}

// Store is a store.Store over an engine. It is safe for concurrent use.
type Store struct {
	engine engine.Engine
	codec  *codec
	rules  rules
	keys   store.AuditKeys
	// unsolved is nil for the store within a transaction (Together).
	unsolved *countedOnce
}

var _ store.Store = (*Store)(nil)

// Open makes a store of an engine opened with Layouts. ErrOtherSchema where its rows are of
// another version; those of an older one Migrate copies (ErrOlderSchema). Closing the store
// closes the engine.
func Open(e engine.Engine, opts Options) (s *Store, err error) {
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	if err := begin(e, codec); err != nil {
		return nil, err
	}
	s = &Store{engine: e, codec: codec, rules: rules{opts.Promising}, keys: opts.AuditKeys, unsolved: &countedOnce{}}
	if s.keys == nil {
		s.keys = plainKeys{}
	}
	return s, nil
}

// Layouts are what an engine is to be opened with.
func Layouts() []engine.Layout { return layouts() }

// Close ends the transactions under way, and closes the engine when the last reader
// has left.
func (s *Store) Close() error { return s.engine.Close() }

// Snapshot writes the whole store as it is now, a file that Open opens, while
// reading and writing go on. It returns the number of bytes written.
func (s *Store) Snapshot(w io.Writer) (int64, error) { return s.engine.Snapshot(w) }

// GiveWay rests after a piece of work beside the writers, as engine.Engine says.
func (s *Store) GiveWay(ctx context.Context, worked time.Duration) { s.engine.GiveWay(ctx, worked) }

func (s *Store) read(ctx context.Context, verb func(*txn) error) error {
	return s.engine.View(ctx, func(tx engine.Tx) error { return verb(s.newTxn(tx)) })
}

func (s *Store) newTxn(tx engine.Tx) *txn {
	return &txn{tx: tx, codec: s.codec, rules: s.rules, keys: s.keys}
}

func view(ctx context.Context, e engine.Engine, codec *codec, verb func(*txn) error) error {
	return e.View(ctx, func(tx engine.Tx) error { return verb(&txn{tx: tx, codec: codec, keys: plainKeys{}}) })
}

// write runs verb in a transaction, as engine.Engine.Update says, for the duty of ctx where
// it acts for one (store.UnderDuty).
func (s *Store) write(ctx context.Context, size int, verb func(*txn) error) error {
	return s.writePlanned(ctx, engine.Plan{Size: size}, verb)
}

// writePlanned is write for a verb that knows beforehand what it will read (plans.go).
func (s *Store) writePlanned(ctx context.Context, plan engine.Plan, verb func(*txn) error) error {
	if d, ok := store.DutyOf(ctx); ok {
		verb = fenced(d, verb)
	}
	return s.engine.Update(ctx, plan, func(tx engine.Tx) error {
		return verb(tx.Shared(func() engine.Shared { return s.newTxn(tx) }).(*txn))
	})
}

func update(ctx context.Context, e engine.Engine, codec *codec, plan engine.Plan, verb func(*txn) error) error {
	return e.Update(ctx, plan, func(tx engine.Tx) error {
		return verb(tx.Shared(func() engine.Shared {
			return &txn{tx: tx, codec: codec, keys: plainKeys{}}
		}).(*txn))
	})
}

// wrap wraps a verb's error with the verb, the noun and its id.
func wrap(verb string, id any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", verb, id, err)
}

func invalid(why string) error { return fmt.Errorf("%w: %s", store.ErrInvalid, why) }
