package verbs

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"signpost/store"
	"signpost/store/engine"
)

// A migration brings the file from one schema version to the next, inside the
// transaction that also records the new version.
type migration func(t *txn) error

// migrations are all of them in order: the last one's place, counted from 1, is
// the version this program writes. Old ones stay as they are for ever.
func migrations() []migration {
	return []migration{
		newBuckets, // 1
		newBuckets, // 2: agents and their sessions
		indexRecipients,
		indexBoard,
		beginCounting, // 5: what happened hour by hour, what raw mails take, alarms, the canary's runs
		orderBudgets,
		newBuckets, // 7: mail that is throttled
		newBuckets, // 8: mails held
	}
}

// newBuckets is a schema in which nothing but buckets came: they come to be when
// they are first written.
func newBuckets(*txn) error { return nil }

// indexRecipients makes schema 3: the buckets of what became of mails, and the
// index by recipient over the mails there are that need it. Sorted, they fill its pages one
// after the other.
func indexRecipients(t *txn) error {
	var keys [][]byte
	err := t.walk(bOutbounds, nil, nil, func(key, _ []byte) (bool, error) {
		row, err := t.outbound(store.OutboundID(readU64(key)))
		if err != nil {
			return false, err
		}
		elsewhere, err := t.isElsewhere(row)
		if elsewhere {
			keys = append(keys, recipientKey(row))
		}
		return true, err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(keys, bytes.Compare)
	for _, key := range keys {
		if err := t.put(bOutRecipients, key, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

const schemaKey = "schema"

// migrate brings the rows up to the newest of steps, one transaction a step, so
// that one cut off half-way goes on at the next start.
func migrate(e engine.Engine, codec *codec, steps []migration, log *slog.Logger) error {
	version, err := schemaVersion(e)
	if err != nil {
		return err
	}
	if int(version) > len(steps) {
		return fmt.Errorf("the data file has schema %d, this signpost knows schemas up to %d: "+
			"start the newer signpost that wrote it, or restore a backup made before it ran", version, len(steps))
	}
	for i := int(version); i < len(steps); i++ {
		if err := migrateTo(e, codec, steps[i], uint32(i+1)); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", i+1, err)
		}
		log.Info("store migrated", "schema", i+1)
	}
	return nil
}

func migrateTo(e engine.Engine, codec *codec, step migration, version uint32) error {
	return update(context.Background(), e, codec, 0, func(t *txn) error {
		if err := step(t); err != nil {
			return err
		}
		return t.put(bMeta, []byte(schemaKey), u32(version))
	})
}

// schemaVersion is that of the rows: 0 where there are none yet.
func schemaVersion(e engine.Engine) (version uint32, err error) {
	err = e.View(context.Background(), func(tx engine.Tx) error {
		version = readU32(tx.Get(bMeta, []byte(schemaKey)))
		return nil
	})
	return version, err
}
