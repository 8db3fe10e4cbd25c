package verbs

import (
	"context"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// Stats implements store.Upkeep.
func (s *Store) Stats(ctx context.Context) (stats store.Stats, err error) {
	stats = store.Stats{
		Tickets: map[string]uint64{}, Outbounds: map[store.OutboundState]uint64{},
		Inbounds: map[store.InboundState]uint64{}, Verdicts: map[store.Kind]uint64{}, Rules: map[string]uint64{},
		Fates: map[store.Fate]uint64{}, Throttled: map[string]uint64{},
	}
	err = s.read(ctx, func(t *txn) error {
		if key, _ := t.first(bOutbox, []byte{outWaiting}); key != nil {
			stats.OldestQueued = readInstant(key[1:])
		}
		return t.walk(bCounts, nil, nil, func(key, value []byte) (bool, error) {
			if n := readU64(value); n > 0 {
				addStat(&stats, key[0], string(key[1:]), n)
			}
			return true, nil
		})
	})
	return stats, wrap("stats", "of the store", err)
}

func addStat(s *store.Stats, kind byte, name string, n uint64) {
	switch kind {
	case countTicket:
		s.Tickets[name] = n
	case countOutbound:
		s.Outbounds[store.OutboundState(name)] = n
	case countInbound:
		s.Inbounds[store.InboundState(name)] = n
	case countKind:
		s.Verdicts[store.Kind(name)] = n
	case countFate:
		s.Fates[store.Fate(name)] = n
	case countThrottled:
		s.Throttled[name] = n
	case countRule:
		s.Rules[name] = n
	case countRaw:
		s.RawBytes = n
	}
}

// BlobsReferenced implements store.Upkeep.
func (s *Store) BlobsReferenced(ctx context.Context, hashes []store.BlobHash) ([]bool, error) {
	referenced := make([]bool, len(hashes))
	err := s.read(ctx, func(t *txn) error {
		for i, hash := range hashes {
			key, ok := blobKey(hash)
			referenced[i] = ok && t.has(bBlobs, key)
		}
		return nil
	})
	if err != nil {
		return nil, wrap("blobs referenced, of", len(hashes), err)
	}
	return referenced, nil
}

// ListBlobs implements store.Upkeep.
func (s *Store) ListBlobs(ctx context.Context, p store.Page) (store.List[store.BlobHash], error) {
	return readList(ctx, s, "list blobs, at most", p.Limit, p, listing[store.BlobHash]{
		name: "blobs", bucket: bBlobs,
		read: func(_ *txn, key, _ []byte) (store.BlobHash, error) { return blobHash(key), nil },
	})
}

// Housekeep implements store.Upkeep.
func (s *Store) Housekeep(ctx context.Context, now time.Time, limit int) (dropped int, err error) {
	now = store.Instant(now)
	err = s.write(ctx, 0, func(t *txn) (err error) {
		dropped = 0
		for _, drop := range []func(time.Time, int) (int, error){
			t.sweep, t.sweepBudgets, t.pruneHours, t.pruneDeadlines, t.pruneChanges, t.resumeHandBacks,
		} {
			n, err := drop(now, limit-dropped)
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	if err != nil {
		return 0, wrap("housekeep, at most", limit, err)
	}
	return dropped, nil
}

// MarkRestored implements store.Upkeep.
func (s *Store) MarkRestored(ctx context.Context, now time.Time) error {
	now = store.Instant(now)
	err := s.write(ctx, engine.GroupBytes, func(t *txn) error {
		for _, step := range []func() error{
			func() error { return t.reconnect(now) }, func() error { return t.giveUpAnswers(now) },
			t.endSessions, t.endAgentLinks, t.breakChanges,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("mark restored at", now, err)
}

func (t *txn) reconnect(now time.Time) error {
	var names []string
	err := t.walk(bMailboxes, nil, nil, func(key, _ []byte) (bool, error) {
		names = append(names, string(key))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		box, err := t.mailbox(name)
		if err != nil {
			return err
		}
		box.Connected = micros(store.ConnectionInstant(now))
		if err := t.putMailbox(name, box); err != nil {
			return err
		}
	}
	return nil
}

// giveUpAnswers ends every waiting auto-response: it may have gone out between
// the backup and the loss of the store.
func (t *txn) giveUpAnswers(now time.Time) error {
	var waiting []store.OutboundID
	err := t.walk(bOutbox, []byte{outWaiting}, nil, func(key, _ []byte) (bool, error) {
		waiting = append(waiting, outboxID(key))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, id := range waiting {
		row, err := t.outbound(id)
		if err != nil {
			return wrap("outbound", id, err)
		}
		if !row.Kind.AtMostOnce() {
			continue
		}
		if err := t.unschedule(row); err != nil {
			return err
		}
		if err := t.giveUp(row, now); err != nil {
			return err
		}
	}
	return nil
}
