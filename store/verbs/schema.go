package verbs

import (
	"context"
	"errors"
	"fmt"

	"signpost/store/engine"
)

// schema is the version of the rows that this program writes: keys.go says how they
// stand. A version that only adds buckets or fields needs nothing else; what becomes of
// the rows of the versions before stands in older.go. The versions so far:
//
//	1  tickets, mails and the ledger
//	2  agents and their sessions
//	3  mails by recipient, suppressions, refusals
//	4  the ledger by mark and address, failed mails
//	5  what happened hour by hour, alarms, the canary's runs
//	6  budgets under the instants at which they end
//	7  throttled mail
//	8  held mail
//	9  a ticket's rows in one bucket, the outbox's in one; the hours of the ledger;
//	   duties, tokens, the log of changes; every text valid UTF-8 without NUL
const schema = 9

const schemaKey = "schema"

// ErrOtherSchema: the rows are of another version of signpost.
var ErrOtherSchema = errors.New("another version of signpost wrote the file")

// ErrOlderSchema is ErrOtherSchema of a version whose rows Migrate copies.
var ErrOlderSchema = fmt.Errorf("%w, an older one", ErrOtherSchema)

// begin writes the schema's version where there are no rows yet, and refuses rows of
// another version.
func begin(e engine.Engine, codec *codec) error {
	version, err := schemaVersion(e)
	if err != nil || version == schema {
		return err
	}
	if version != 0 {
		return refuse(version)
	}
	return update(context.Background(), e, codec, engine.Plan{}, func(t *txn) error {
		return t.put(bMeta, []byte(schemaKey), u32(schema))
	})
}

// refuse is the error of rows of another version.
func refuse(version uint32) error {
	if version < schema {
		return fmt.Errorf("%w: schema %d, this one writes %d", ErrOlderSchema, version, schema)
	}
	return fmt.Errorf("%w: the data file has schema %d, this signpost knows schemas up to %d: "+
		"start the newer signpost that wrote it, or restore a backup made before it ran", ErrOtherSchema, version, schema)
}

// schemaVersion is that of the rows: 0 where there are none yet.
func schemaVersion(e engine.Engine) (version uint32, err error) {
	err = e.View(context.Background(), func(tx engine.Tx) error {
		version = readU32(tx.Get(bMeta, []byte(schemaKey)))
		return nil
	})
	return version, err
}
