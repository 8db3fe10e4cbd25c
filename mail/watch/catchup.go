package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"signpost/store"
)

const (
	// fetchTries is how often one mail alone may end the connection, or not come
	// although it is there, before it is set aside.
	fetchTries = 3
	// reconcileEvery is how often the folder is compared with the ledger.
	reconcileEvery = time.Hour
	// reconcileBack is how far back. SEARCH SINCE counts in days.
	reconcileBack = 3 * 24 * time.Hour
)

// catchUp reads everything above the cursor. noticed is when we learned of it.
func (s *session) catchUp(ctx context.Context, noticed time.Time) error {
	for more := true; more; {
		var found []listed
		err := s.noteFault(ctx, func() (err error) {
			found, more, err = s.list(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("list mails: %w", err)
		}
		if len(found) > 0 {
			s.settled = false
		}
		if err := s.read(ctx, found, noticed, true); err != nil {
			return err
		}
		s.w.careful = false
	}
	s.reportFirst()
	return nil
}

// noteFault remembers when reading mails ended the connection, so that the next
// one goes about it carefully: one by one.
func (s *session) noteFault(ctx context.Context, step func() error) error {
	err := step()
	if err != nil && ctx.Err() == nil {
		s.w.careful = true
	}
	return err
}

// read takes the mails listed through fetch, ledger, verdict and mark. While the
// ledger works on one chunk the next is fetched. advance moves the cursor along.
func (s *session) read(ctx context.Context, found []listed, noticed time.Time, advance bool) error {
	if s.w.careful {
		return s.readAlone(ctx, found, noticed, advance)
	}
	var running []*work
	defer func() { // nothing may outlive the connection's end
		for _, k := range running {
			<-k.done
		}
	}()
	for _, chunk := range chunks(found) {
		var mails []mail
		err := s.noteFault(ctx, func() (err error) {
			mails, err = s.fetch(ctx, chunk, chunkLimit)
			return err
		})
		if err == nil && len(mails) < len(chunk) {
			mails, err = s.refetch(ctx, chunk, mails)
		}
		for len(running) > 0 && (err != nil || len(running) == chunksAtOnce) {
			if e := s.finish(ctx, running[0]); err == nil {
				err = e
			}
			running = running[1:]
		}
		if err != nil {
			return err
		}
		running = append(running, s.start(ctx, mails, noticed, last(chunk), advance, newest(running)))
	}
	for ; len(running) > 0; running = running[1:] {
		if err := s.finish(ctx, running[0]); err != nil {
			return err
		}
	}
	return nil
}

func newest(running []*work) *work {
	if len(running) == 0 {
		return nil
	}
	return running[len(running)-1]
}

func last(chunk []listed) uint32 { return chunk[len(chunk)-1].uid }

// work is a chunk in the ledger's hands.
type work struct {
	before *work // whose verdicts must be written first: the cursor passes over them
	done   chan struct{}
	rows   []store.Inbound
	retry  bool
	err    error
	upTo   uint32 // the cursor after it; 0: leave it
}

func (s *session) start(ctx context.Context, mails []mail, noticed time.Time, upTo uint32, advance bool, before *work) *work {
	k := &work{before: before, done: make(chan struct{})}
	if advance {
		k.upTo = upTo
	}
	folder := s.folder
	go func() {
		defer close(k.done)
		k.rows, k.retry, k.err = s.w.enterLedger(ctx, mails, folder, noticed, k.turn)
		if k.err == nil && k.upTo != 0 && !k.retry {
			k.err = s.w.skipTo(ctx, k.rows, folder.validity, k.upTo)
		}
		k.before = nil
	}()
	return k
}

// turn waits until the chunk before has its verdicts.
func (k *work) turn() error {
	if k.before == nil {
		return nil
	}
	<-k.before.done
	return k.before.err
}

// finish waits for a chunk and marks its mails on the server.
func (s *session) finish(ctx context.Context, k *work) error {
	if k == nil {
		return nil
	}
	<-k.done
	if k.err != nil {
		return k.err
	}
	if k.upTo > s.folder.cursor {
		s.folder.cursor = k.upTo
	}
	if k.retry {
		s.retrySoon()
	}
	return s.mark(ctx, k.rows)
}

// skipTo moves the stored cursor over UIDs that DecideInbound did not: mails
// that are gone, and such as the ledger knew already.
func (w *Watcher) skipTo(ctx context.Context, rows []store.Inbound, validity, upTo uint32) error {
	for _, row := range rows {
		if row.UID == upTo && row.UIDValidity == validity && row.State == store.InboundDecided {
			return nil
		}
	}
	return w.deps.Ledger.SkipTo(context.WithoutCancel(ctx), w.box.ID, validity, upTo)
}

// refetch looks after mails that were listed but not sent. Those the folder
// still holds are fetched alone.
func (s *session) refetch(ctx context.Context, chunk []listed, got []mail) ([]mail, error) {
	have := map[uint32]bool{}
	for _, m := range got {
		have[m.uid] = true
	}
	var missing imap.UIDSet
	for _, l := range chunk {
		if !have[l.uid] {
			missing.AddNum(imap.UID(l.uid))
		}
	}
	still, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{missing}})
	if err != nil {
		return nil, err
	}
	if len(still) > 0 {
		s.w.careful = true
		return nil, fmt.Errorf("the server did not send %d of %d mails it holds", len(still), len(chunk))
	}
	return got, nil
}

// readAlone fetches one by one, so that a mail that ends the connection is found
// out, and after some tries set aside: the watch goes on without it.
func (s *session) readAlone(ctx context.Context, found []listed, noticed time.Time, advance bool) error {
	for _, l := range found {
		mails, err := s.fetch(ctx, []listed{l}, mailLimit)
		if err == nil && len(mails) == 0 {
			err = s.gone(ctx, l)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.w.tries[l.uid]++
			if s.w.tries[l.uid] < fetchTries {
				return err
			}
			if err := s.w.setAside(ctx, s.folder, l, err); err != nil {
				return err
			}
			delete(s.w.tries, l.uid)
			if advance {
				s.folder.cursor = max(s.folder.cursor, l.uid)
			}
			return err // the connection is of no more use
		}
		delete(s.w.tries, l.uid)
		if err := s.finish(ctx, s.start(ctx, mails, noticed, l.uid, advance, nil)); err != nil {
			return err
		}
	}
	return nil
}

// gone confirms that a mail which was not sent is no longer there.
func (s *session) gone(ctx context.Context, l listed) error {
	still, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(imap.UID(l.uid))}})
	if err == nil && len(still) > 0 {
		return errors.New("the server holds the mail but does not send it")
	}
	return err
}

// setAside puts a mail that cannot be fetched into quarantine: a row without
// text, so that it is counted and seen.
func (w *Watcher) setAside(ctx context.Context, f folder, l listed, fault error) error {
	ctx = context.WithoutCancel(ctx)
	name := fmt.Sprintf("unfetched %s %d %d", w.box.ID, f.validity, l.uid)
	rows, err := w.deps.Ledger.RecordInbound(ctx, time.Now(), []store.NewInbound{{
		Mailbox: w.box.ID, UIDValidity: f.validity, UID: l.uid, InternalDate: time.Unix(0, 0), Size: l.size,
		// Not the hash of nothing, which all such rows would share.
		Hash: sha256.Sum256([]byte(name)), Truncated: true,
	}})
	if err != nil {
		return err
	}
	for row := rows[0]; row.State == store.InboundStored; {
		if row, err = w.quarantine(ctx, row.ID, "cannot be fetched: "+fault.Error()); err != nil {
			return err
		}
	}
	return nil
}

// reconcile compares the last days of the folder with the ledger, and reads
// what the cursor missed: some servers hand out UIDs out of order.
func (s *session) reconcile(ctx context.Context) error {
	found, err := s.search(ctx, &imap.SearchCriteria{Since: time.Now().Add(-reconcileBack)})
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	var missed []listed
	for _, l := range found[max(0, len(found)-listedMost):] {
		if l.uid > s.folder.cursor {
			continue
		}
		_, err := s.w.deps.Ledger.InboundByUID(ctx, s.w.box.ID, s.folder.validity, l.uid)
		if errors.Is(err, store.ErrNotFound) {
			missed = append(missed, l)
		} else if err != nil {
			return err
		}
	}
	if len(missed) > 0 {
		s.w.log.Warn("mails below the cursor were not in the ledger", "mails", len(missed))
	}
	if err := s.read(ctx, missed, time.Now(), false); err != nil {
		return err
	}
	s.w.reconciledAt = time.Now()
	return nil
}
