package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"signpost/store"
)

// Bounds. Whatever a server announces or sends, at most three chunks are in
// memory: one being fetched, and chunksAtOnce in the ledger's hands.
const (
	// chunkMails is how many mails one FETCH asks for: servers limit the length
	// of a command, and the store commits a chunk at a time.
	chunkMails = 100
	// chunkBytes bounds a chunk by what its mails bring into memory; a server
	// that then sends twice of it is hung up on.
	chunkBytes = 8 << 20
	// chunksAtOnce lets one chunk be judged while another is committed.
	chunksAtOnce = 2
	// MaxMail is the size in bytes above which only the first part of a mail is
	// kept.
	MaxMail = 25 << 20
	// rangeBytes is how much of a large mail is fetched at a time.
	rangeBytes = 1 << 20
	// maxListed bounds one listing; the rest is listed after it.
	maxListed = 100_000
)

// listed is one mail of the folder before it is fetched.
type listed struct {
	uid  uint32
	size int64 // as the server tells it: on some an estimate
}

// mail is one mail as it was fetched.
type mail struct {
	listed
	date      time.Time // INTERNALDATE, or what stands for it
	head      []byte    // its first store.RawInline bytes
	whole     bool      // head is all of it
	truncated bool      // too large to keep whole
	blob      store.BlobHash
	length    int64 // bytes counted
	hash      [32]byte
}

// list returns the mails above the cursor but the suspects, lowest UID first,
// and whether there may be more.
func (s *session) list(ctx context.Context) (found []listed, more bool, err error) {
	above := imap.UIDSet{{Start: imap.UID(s.folder.cursor) + 1}}
	if !s.w.careful {
		found, err = s.listSizes(ctx, above)
	}
	if s.w.careful || isRefusal(err) { // a folder that is not shown is not empty
		found, err = s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{above}})
	}
	// "n:*" always holds the last mail, also when its UID is below n.
	found = slices.DeleteFunc(found, func(l listed) bool {
		_, suspected := s.w.suspects[l.uid]
		return suspected || l.uid <= s.folder.cursor
	})
	slices.SortFunc(found, func(a, b listed) int { return int(int64(a.uid) - int64(b.uid)) })
	found = slices.CompactFunc(found, func(a, b listed) bool { return a.uid == b.uid })
	if err != nil {
		return nil, false, faulty{err}
	}
	s.w.count(func(h *Health) { h.Waiting = len(found) })
	if len(found) > maxListed {
		return found[:maxListed], true, nil
	}
	return found, false, nil
}

func (s *session) listSizes(ctx context.Context, set imap.UIDSet) (found []listed, err error) {
	err = s.within(ctx, listLimit, func(context.Context) error {
		s.conn.allow(listBytes)
		return s.fetchEach(set, &imap.FetchOptions{UID: true, RFC822Size: true},
			func(msg *imapclient.FetchMessageData) error {
				found = append(found, readListed(msg))
				return nil
			})
	})
	return found, err
}

func readListed(msg *imapclient.FetchMessageData) (l listed) {
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			l.uid = uint32(item.UID)
		case imapclient.FetchItemDataRFC822Size:
			l.size = item.Size
		}
	}
	return l
}

// search asks for UIDs alone: an answer that no broken mail can break. The
// extended SEARCH is not used, since some servers answer it in the old form.
func (s *session) search(ctx context.Context, criteria *imap.SearchCriteria) (found []listed, err error) {
	err = s.within(ctx, listLimit, func(context.Context) error {
		s.conn.allow(listBytes)
		data, err := s.client.UIDSearch(criteria, nil).Wait()
		if err != nil {
			return err
		}
		for _, uid := range data.AllUIDs() {
			found = append(found, listed{uid: uint32(uid)})
		}
		return nil
	})
	return found, err
}

// fetchEach sends one FETCH and gives every answer to each. When each fails, the
// connection is closed first, since the client would read a hostile literal to its
// end.
func (s *session) fetchEach(
	set imap.NumSet, opts *imap.FetchOptions, each func(*imapclient.FetchMessageData) error,
) error {
	cmd := s.client.Fetch(set, opts)
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		if err := each(msg); err != nil {
			s.hangUp()
			if !s.cut {
				cmd.Close()
			}
			return err
		}
	}
	return cmd.Close()
}

// fetch returns the mails of one chunk in the order given, without those that
// the server no longer has or did not send.
func (s *session) fetch(ctx context.Context, chunk []listed, limit time.Duration) (mails []mail, err error) {
	if len(chunk) == 1 && s.w.rangeless && chunk[0].size > store.RawInline {
		return s.fetchAs(ctx, chunk, askWhole, limit)
	}
	return s.fetchAs(ctx, chunk, askAll, limit)
}

// fetchAs asks for mails in one of the ways there are.
func (s *session) fetchAs(ctx context.Context, chunk []listed, a ask, limit time.Duration) (mails []mail, err error) {
	set, err := s.setOf(ctx, chunk, a)
	if err != nil {
		return nil, err
	}
	err = s.within(ctx, limit, func(context.Context) error {
		bytes := 0
		return s.fetchEach(set, a.options(), func(msg *imapclient.FetchMessageData) error {
			m, ok, err := s.readMail(ctx, msg, a, len(chunk) == 1)
			if a.bySequence() {
				m.uid = chunk[0].uid
			}
			if bytes += len(m.head); bytes > 2*chunkBytes {
				return errors.New("the server sends far more than it announced")
			}
			if i := slices.IndexFunc(chunk, func(l listed) bool { return l.uid == m.uid }); ok && i >= 0 {
				m.size = max(m.size, chunk[i].size)
				mails = append(mails, m)
			}
			return err
		})
	})
	var own ownFault
	switch {
	case errors.As(err, &own):
		return nil, own.error
	// A refusal at the end is no error: what arrived, arrived; the rest is missed.
	case err != nil && s.spent == nil && !isRefusal(err):
		return nil, faulty{fmt.Errorf("fetch: %w", err)}
	}
	if a.bySequence() {
		if mails, err = s.confirm(ctx, mails, set); err != nil {
			return nil, err
		}
	}
	return s.completeAll(ctx, mails)
}

func (s *session) completeAll(ctx context.Context, mails []mail) ([]mail, error) {
	if len(mails) > 0 && !s.dry {
		s.w.fetchedAt = time.Now()
	}
	slices.SortFunc(mails, func(a, b mail) int { return int(int64(a.uid) - int64(b.uid)) })
	for i := range mails {
		if err := s.complete(ctx, &mails[i]); err != nil {
			return nil, err
		}
	}
	return mails, nil
}

// readMail reads one answer to a fetch; false when it holds no mail. A mail may come
// with an error too: then it is the last that the connection brings. alone tells
// that nothing else was asked for.
func (s *session) readMail(
	ctx context.Context, msg *imapclient.FetchMessageData, a ask, alone bool,
) (m mail, ok bool, err error) {
	for item := msg.Next(); item != nil && err == nil; item = s.next(msg) {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			m.uid = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			m.date = item.Time
		case imapclient.FetchItemDataRFC822Size:
			m.size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil { // NIL: the server cannot read it itself
				continue
			}
			ok, err = s.readText(ctx, literal{item.Literal, s}, &m, a, alone)
		}
	}
	// Some servers send nothing for a text that they cannot read now.
	empty := ok && err == nil && m.whole && len(m.head) == 0
	return m, ok && (!empty || a.bySequence() || a == askAll && m.size == 0), err
}

// literal is one that the client hands over. When a read of it fails, the client goes
// on with the line by itself: a second read, by which the client skips what its caller
// left, would be a second reader.
type literal struct {
	imap.LiteralReader
	session *session
}

func (l literal) Read(b []byte) (int, error) {
	if l.session.cut {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := l.LiteralReader.Read(b)
	l.session.cut = err != nil && err != io.EOF
	return n, err
}

// next is msg.Next as long as nothing was cut.
func (s *session) next(msg *imapclient.FetchMessageData) imapclient.FetchItemData {
	if s.cut {
		return nil
	}
	return msg.Next()
}

// chunks cuts a listing into what one FETCH asks for. A server that sends mails
// whole whatever is asked for is asked for large ones by themselves.
func (s *session) chunks(found []listed) (cut [][]listed) {
	for len(found) > 0 {
		n, bytes := 0, int64(0)
		for n < len(found) && n < chunkMails && (n == 0 || bytes < chunkBytes) {
			size := found[n].size
			if s.w.rangeless && size > store.RawInline {
				n = max(n, 1)
				break
			}
			bytes += min(size, store.RawInline)
			n++
		}
		cut = append(cut, found[:n])
		found = found[n:]
	}
	return cut
}
