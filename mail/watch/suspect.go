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
	// suspectTries is how often one mail alone may end the connection, or not
	// come although it is there, before it is set aside: if other mails came in
	// the meantime. A server in trouble with all of them must not cost us good
	// mails; after maxSuspectTries the mail is set aside.
	suspectTries    = 3
	maxSuspectTries = 12
	// suspectPause is the time between the first try and the second; each next is
	// four times as long, up to maxSuspectPause.
	suspectPause    = 2 * time.Minute
	maxSuspectPause = time.Hour
)

// suspect is a mail that could not be fetched. The watch goes on without it and
// comes back to it.
type suspect struct {
	listed
	ask   ask       // what it is asked for next
	tries int       // to the last of what it can be asked for
	since time.Time // the first try
	next  time.Time
}

// lost tells whether to give the mail up. fetchedAt is when a mail last came.
func (x suspect) lost(fetchedAt time.Time) bool {
	return x.tries >= maxSuspectTries || x.tries >= suspectTries && fetchedAt.After(x.since)
}

// faulty is an error of the server's making in reading mails.
type faulty struct{ error }

func (f faulty) Unwrap() error { return f.error }

// suspicious notes that the server failed at reading mails: from now on, on the
// next connection, they are read one by one, so that the one at fault is found.
func (s *session) suspicious(err error) error {
	if errors.As(err, new(faulty)) && !isBusy(err) {
		s.w.careful = true
	}
	return err
}

// isBusy tells the answer of a server that says it is only unable for now (RFC
// 5530 section 3).
func isBusy(err error) bool {
	var answer *imap.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit,
		imap.ResponseCodeServerBug, "THROTTLED":
		return true
	}
	return false
}

// readAlone fetches one by one.
func (s *session) readAlone(ctx context.Context, found []listed, noticed time.Time, advance bool) error {
	for _, l := range found {
		if err := s.readOne(ctx, l, noticed, advance); err != nil {
			return err
		}
	}
	return nil
}

// readOne takes one mail through fetch, ledger, verdict and mark. A mail that
// cannot be fetched becomes a suspect.
func (s *session) readOne(ctx context.Context, l listed, noticed time.Time, advance bool) error {
	x := s.w.suspects[l.uid]
	mails, next, err := s.descend(ctx, l, x.ask, s.w.isLast(x))
	switch {
	case err == nil:
		delete(s.w.suspects, l.uid)
		if err := s.finish(ctx, s.start(ctx, mails, noticed, l.uid, advance, nil)); err != nil {
			return err
		}
		return s.spent
	case ctx.Err() != nil || isBusy(err) || !errors.As(err, new(faulty)):
		return err
	default:
		return errors.Join(err, s.w.suspect(ctx, s.folder, l, next, err))
	}
}

// isLast tells whether the next try at a suspect that fails would be the last.
func (w *Watcher) isLast(x suspect) bool {
	x.tries++
	return x.lost(w.fetchedAt)
}

// suspect counts a failed try at a mail, and after the last sets it aside. A try is
// to ask for less and less: while there is less to ask for, the next connection
// does so at once.
func (w *Watcher) suspect(ctx context.Context, f folder, l listed, next ask, fault error) error {
	now := time.Now()
	x, known := w.suspects[l.uid]
	if !known {
		x = suspect{listed: l, since: now}
	}
	if x.ask, x.next = next, now; next == askAll {
		x.next = now.Add(min(suspectPause<<(2*min(x.tries, 5)), maxSuspectPause))
		x.tries++
	}
	if !x.lost(w.fetchedAt) {
		w.suspects[l.uid] = x
		w.log.Warn("a mail cannot be fetched", "uid", l.uid, "tries", x.tries, "error", fault)
		return nil
	}
	delete(w.suspects, l.uid)
	return w.setAside(ctx, f, l, fault)
}

// retrySuspects tries those that are due. It tells the server's faults like any
// other: the connection may not outlive them.
func (s *session) retrySuspects(ctx context.Context) error {
	for _, x := range s.w.suspects {
		if time.Now().Before(x.next) {
			s.retryBy(x.next)
			continue
		}
		if err := s.readOne(ctx, x.listed, time.Now(), false); err != nil {
			return err
		}
	}
	return nil
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
