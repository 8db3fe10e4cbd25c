package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"signpost/store"
)

const (
	// reconcileEvery is how often the folder is compared with the ledger.
	reconcileEvery = time.Hour
	// reconcileBack is how far back. SEARCH SINCE counts in days.
	reconcileBack = 3 * 24 * time.Hour
)

// catchUp reads everything above the cursor. noticed is when we learned of it.
func (s *session) catchUp(ctx context.Context, noticed time.Time) error {
	for more := true; more; {
		found, rest, err := s.list(ctx)
		if err != nil {
			return s.suspicious(fmt.Errorf("list mails: %w", err))
		}
		more = rest
		if len(found) > 0 {
			s.settle, s.hollow = settleAfter, 0
		}
		if err := s.read(ctx, found, noticed, true); err != nil {
			return err
		}
		s.w.careful = false
	}
	s.w.count(func(h *Health) { h.Waiting = 0 })
	s.reportFirst()
	return nil
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
	for _, chunk := range s.chunks(found) {
		mails, err := s.fetch(ctx, chunk, chunkLimit)
		if err == nil && len(mails) < len(chunk) {
			err = s.missing(ctx, chunk, mails)
		}
		for len(running) > 0 && (err != nil || len(running) == chunksAtOnce) {
			if e := s.finish(ctx, running[0]); err == nil {
				err = e
			}
			running = running[1:]
		}
		if err != nil {
			return s.suspicious(err)
		}
		running = append(running, s.start(ctx, mails, noticed, last(chunk), advance, newest(running)))
		if s.spent != nil {
			break
		}
	}
	for ; len(running) > 0; running = running[1:] {
		if err := s.finish(ctx, running[0]); err != nil {
			return err
		}
	}
	return s.spent
}

func newest(running []*work) *work {
	if len(running) == 0 {
		return nil
	}
	return running[len(running)-1]
}

func last(chunk []listed) uint32 { return chunk[len(chunk)-1].uid }

// work is a chunk in the ledger's hands. Chunks are recorded in order and decided
// in order: the cursor passes over what came before, in this process or, after a
// crash, in the next.
type work struct {
	before   *work
	recorded chan struct{} // closed once the rows are written
	done     chan struct{}
	rows     []store.Inbound
	retry    bool
	err      error
	upTo     uint32 // the cursor after it; 0: leave it
}

func (s *session) start(ctx context.Context, mails []mail, noticed time.Time, upTo uint32, advance bool,
	before *work,
) *work {
	k := &work{before: before, recorded: make(chan struct{}), done: make(chan struct{})}
	if advance {
		k.upTo = upTo
	}
	folder := s.folder
	go func() {
		defer close(k.done)
		k.rows, k.retry, k.err = s.w.enterLedger(ctx, mails, folder, noticed, k)
		if k.err == nil && k.upTo != 0 && !k.retry {
			k.err = s.w.skipTo(ctx, k.rows, folder.validity, k.upTo)
		}
		k.before = nil
	}()
	return k
}

// mayRecord waits until the chunk before is recorded.
func (k *work) mayRecord() error {
	if k.before == nil {
		return nil
	}
	select {
	case <-k.before.recorded:
		return nil
	case <-k.before.done:
		return k.before.err
	}
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
		s.w.count(func(h *Health) { h.Waiting, h.Advanced = max(0, h.Waiting-len(k.rows)), time.Now() })
	}
	if k.retry {
		s.retryBy(time.Now().Add(putOff))
	}
	if err := s.mark(ctx, k.rows); s.spent == nil {
		return err
	}
	return nil // the ledger has the mails; marks that fail are not made up for
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

// missing looks after mails that were listed but not sent: when the folder still
// holds one, that is a fault of the server.
func (s *session) missing(ctx context.Context, chunk []listed, got []mail) error {
	gone := imap.UIDSet{}
	for _, l := range chunk {
		if !slices.ContainsFunc(got, func(m mail) bool { return m.uid == l.uid }) {
			gone.AddNum(imap.UID(l.uid))
		}
	}
	still, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{gone}})
	if err == nil && len(still) > 0 {
		err = unsent{len(still), len(chunk)}
	}
	if err != nil {
		return faulty{err}
	}
	return nil
}

// unsent is a server's silence over mails that it holds.
type unsent struct{ mails, asked int }

func (u unsent) Error() string {
	return fmt.Sprintf("the server did not send %d of %d mails it holds", u.mails, u.asked)
}

// reconcile compares the last days of the folder with the ledger, and reads
// what the cursor missed: some servers hand out UIDs out of order.
func (s *session) reconcile(ctx context.Context) error {
	found, err := s.search(ctx, &imap.SearchCriteria{Since: time.Now().Add(-reconcileBack)})
	if err = s.ignoreRefusal("search", err); err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	var missed []listed
	for _, l := range found[max(0, len(found)-maxListed):] {
		if known, err := s.knows(ctx, l.uid); err != nil {
			return err
		} else if !known {
			missed = append(missed, l)
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

// knows tells whether a mail is in the ledger, on its way there, or watched as a
// suspect.
func (s *session) knows(ctx context.Context, uid uint32) (bool, error) {
	if _, ok := s.w.suspects[uid]; ok || uid > s.folder.cursor {
		return true, nil
	}
	_, err := s.w.deps.Ledger.InboundByUID(ctx, s.w.box.ID, s.folder.validity, uid)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
