package verbs

import (
	"context"
	"errors"
	"time"

	"signpost/store"
)

// How long raw mails are kept. Rows of the ledger are looked at in the order in
// which their mails were seen, each once.

const rawsKey = "raws"

// DropRaws implements store.Upkeep.
func (s *Store) DropRaws(ctx context.Context, before time.Time, most uint64, limit int) (dropped int, err error) {
	before = store.Instant(before)
	err = s.write(ctx, 0, func(t *txn) (err error) {
		dropped, err = t.dropRaws(before, most, limit)
		return err
	})
	if err != nil {
		return 0, wrap("drop raw mails seen before", before, err)
	}
	return dropped, nil
}

func (t *txn) dropRaws(before time.Time, most uint64, limit int) (dropped int, err error) {
	rows, err := t.oldestRaws(before, most, limit)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	for _, row := range rows {
		if row.State == store.InboundStored {
			continue
		}
		if err := t.dropRaw(row); err != nil {
			return 0, wrap("inbound", row.ID, err)
		}
		dropped++
	}
	return dropped, t.put(bMeta, []byte(rawsKey), u64(uint64(rows[len(rows)-1].ID)))
}

// oldestRaws lists the mails whose turn it is.
func (t *txn) oldestRaws(before time.Time, most uint64, limit int) (rows []store.Inbound, err error) {
	kept := int64(t.count(countRaw, ""))
	from := u64(readU64(t.value(bMeta, []byte(rawsKey))) + 1)
	err = t.walk(bInbounds, nil, from, func(key, _ []byte) (bool, error) {
		if len(rows) >= limit {
			return false, nil
		}
		row, err := t.inbound(store.InboundID(readU64(key)))
		if err != nil || !row.SeenAt.Before(before) && (most == 0 || kept <= int64(most)) {
			return false, err
		}
		if row.State != store.InboundStored {
			kept -= t.rawSize(row)
		}
		rows = append(rows, row)
		return true, nil
	})
	return rows, err
}

func (t *txn) dropRaw(row store.Inbound) error {
	t.addCount(countRaw, "", -int(t.rawSize(row)))
	var err error
	if row.Blob != "" {
		err = t.release(row.Blob)
	} else {
		err = t.delete(bRaws, u64(uint64(row.ID)))
	}
	row.Blob, row.RawDropped = "", true
	return errors.Join(err, t.putInbound(row))
}

// rawSize is what a mail's raw text takes: packed in the store, as it is in the
// blob store.
func (t *txn) rawSize(row store.Inbound) int64 {
	switch {
	case row.RawDropped:
		return 0
	case row.Blob != "":
		return row.Size
	}
	return int64(len(t.value(bRaws, u64(uint64(row.ID)))))
}
