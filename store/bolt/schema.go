package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/bbolt"

	"signpost/store"
)

// A migration brings the file from one schema version to the next, inside the
// transaction that also records the new version.
type migration func(t *txn) error

// migrations are all of them in order: the last one's place, counted from 1, is
// the version this program writes. Old ones stay as they are for ever.
func migrations() []migration {
	return []migration{
		createBuckets, // 1
		createBuckets, // 2: agents and their sessions
		indexRecipients,
		indexBoard,
		beginCounting, // 5: what happened hour by hour, what raw mails take, alarms, the canary's runs
		orderBudgets,
		createBuckets, // 7: mail that is throttled
		createBuckets, // 8: mails held
	}
}

// createBuckets makes the first schema and, as a later step, the buckets that
// came since.
func createBuckets(t *txn) error {
	for b := range bucketCount {
		if _, err := t.tx.CreateBucketIfNotExists([]byte(b.layout().name)); err != nil {
			return err
		}
	}
	return nil
}

// indexRecipients makes schema 3: the buckets of what became of mails, and the
// index by recipient over the mails there are that need it. Sorted, they fill its pages one
// after the other.
func indexRecipients(t *txn) error {
	if err := createBuckets(t); err != nil {
		return err
	}
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

// migrate brings the file up to the newest of steps, one transaction a step, so
// that one cut off half-way goes on at the next start.
func migrate(file *bbolt.DB, codec *codec, steps []migration, log *slog.Logger) error {
	version, err := schemaVersion(file)
	if err != nil {
		return err
	}
	if int(version) > len(steps) {
		return fmt.Errorf("the data file has schema %d, this signpost knows schemas up to %d: "+
			"start the newer signpost that wrote it, or restore a backup made before it ran", version, len(steps))
	}
	for i := int(version); i < len(steps); i++ {
		if err := migrateTo(file, codec, steps[i], uint32(i+1)); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", i+1, full(err))
		}
		log.Info("store migrated", "schema", i+1)
	}
	return nil
}

func migrateTo(file *bbolt.DB, codec *codec, step migration, version uint32) error {
	return file.Update(func(tx *bbolt.Tx) error {
		t := &txn{tx: tx, codec: codec}
		if err := step(t); err != nil {
			return err
		}
		if err := t.putCounts(); err != nil {
			return err
		}
		return tx.Bucket([]byte(bMeta.layout().name)).Put([]byte(schemaKey), u32(version))
	})
}

// schemaVersion is the file's version: 0 for a new file.
func schemaVersion(file *bbolt.DB) (version uint32, err error) {
	err = file.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(bMeta.layout().name))
		if meta == nil {
			if name, _ := tx.Cursor().First(); name != nil {
				return errors.New("the file is a bbolt database, but not one of signpost's")
			}
			return nil
		}
		version = readU32(meta.Get([]byte(schemaKey)))
		return nil
	})
	return version, err
}
