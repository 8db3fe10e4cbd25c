package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
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
	// listedMost bounds one listing; the rest is listed after it.
	listedMost = 100_000
)

// listed is one mail of the folder before it is fetched.
type listed struct {
	uid  uint32
	size int64 // as the server tells it: on some an estimate
}

// mail is one mail as it was fetched.
type mail struct {
	listed
	date      time.Time // INTERNALDATE
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
	if len(found) > listedMost {
		return found[:listedMost], true, nil
	}
	return found, false, nil
}

func (s *session) listSizes(ctx context.Context, set imap.UIDSet) (found []listed, err error) {
	err = s.within(ctx, listLimit, func(context.Context) error {
		s.conn.allow(listBytes)
		return s.fetchEach(set, &imap.FetchOptions{UID: true, RFC822Size: true}, func(msg *imapclient.FetchMessageData) error {
			l, err := readListed(msg)
			found = append(found, l)
			return err
		})
	})
	return found, err
}

func readListed(msg *imapclient.FetchMessageData) (l listed, err error) {
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			l.uid = uint32(item.UID)
		case imapclient.FetchItemDataRFC822Size:
			l.size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal != nil { // not asked for
				return l, errors.New("the server sends bodies nobody asked for")
			}
		}
	}
	return l, nil
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

// fetchEach sends one UID FETCH and gives every answer to each. When each fails,
// the connection is closed first, since the client would read a hostile literal to
// its end.
func (s *session) fetchEach(set imap.UIDSet, opts *imap.FetchOptions, each func(*imapclient.FetchMessageData) error) error {
	cmd := s.client.Fetch(set, opts)
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		if err := each(msg); err != nil {
			s.hangUp()
			cmd.Close()
			return err
		}
	}
	return cmd.Close()
}

// fetch returns the mails of one chunk in the order given, without those that
// the server no longer has or did not send.
func (s *session) fetch(ctx context.Context, chunk []listed, limit time.Duration) (mails []mail, err error) {
	set := imap.UIDSet{}
	size := map[uint32]int64{}
	for _, l := range chunk {
		set.AddNum(imap.UID(l.uid))
		size[l.uid] = l.size
	}
	err = s.within(ctx, limit, func(context.Context) error {
		opts := &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true, BodySection: section(0, store.RawInline+1)}
		bytes := 0
		return s.fetchEach(set, opts, func(msg *imapclient.FetchMessageData) error {
			m, ok, err := readMail(msg)
			if bytes += len(m.head); bytes > 2*chunkBytes {
				return errors.New("the server sends far more than it announced")
			}
			if _, asked := size[m.uid]; ok && asked {
				mails = append(mails, m)
			}
			return err
		})
	})
	// A refusal at the end is no error: what arrived, arrived; the rest is missed.
	if err != nil && !isRefusal(err) {
		return nil, faulty{fmt.Errorf("fetch: %w", err)}
	}
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

func section(offset, size int64) []*imap.FetchItemBodySection {
	return []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Offset: offset, Size: size}}}
}

// readMail reads one answer to a fetch; false when it holds no mail: an
// announcement of changed flags, or an answer cut short.
func readMail(msg *imapclient.FetchMessageData) (m mail, ok bool, err error) {
	for item := msg.Next(); item != nil; item = msg.Next() {
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
			if m.head, err = readLiteral(item.Literal, store.RawInline+1); err != nil {
				return m, false, err
			}
			ok = true
		}
	}
	m.whole = len(m.head) <= store.RawInline
	m.head = m.head[:min(len(m.head), store.RawInline)]
	return m, ok && m.uid != 0, nil
}

// readLiteral refuses a literal larger than was asked for before reading it.
func readLiteral(l imap.LiteralReader, most int64) ([]byte, error) {
	if l.Size() > most {
		return nil, fmt.Errorf("the server announces %d bytes where %d were asked for", l.Size(), most)
	}
	b := make([]byte, l.Size())
	_, err := io.ReadFull(l, b)
	if err == nil {
		_, err = l.Read(make([]byte, 1)) // its end must be seen for the client to go on
		if err == io.EOF {
			err = nil
		}
	}
	return b, err
}

// complete counts and hashes a mail, fetching the rest of a large one into the
// blob store.
func (s *session) complete(ctx context.Context, m *mail) error {
	if !m.whole {
		if err := s.spool(ctx, m); err != nil {
			return err
		}
	}
	if m.blob == "" {
		m.hash, m.truncated = sha256.Sum256(m.head), !m.whole
		m.length = int64(len(m.head))
		if m.truncated {
			m.length = max(m.size, m.length)
		}
	}
	if m.date.IsZero() { // not sent: as old as can be, so never answered
		m.date = time.Unix(0, 0)
	}
	return nil
}

var errTooLarge = errors.New("mail larger than is kept")

// spool streams a large mail to the blob store, a range at a time. One that is
// too large is left truncated.
func (s *session) spool(ctx context.Context, m *mail) error {
	if s.w.deps.Blobs == nil || s.dry || m.size > MaxMail {
		return nil
	}
	sum := sha256.New()
	r := &ranges{s: s, ctx: ctx, uid: m.uid, offset: int64(len(m.head))}
	hash, length, err := s.w.deps.Blobs.Put(ctx, io.TeeReader(io.MultiReader(bytes.NewReader(m.head), r), sum), 2*MaxMail)
	switch {
	case errors.Is(r.err, errTooLarge):
		return nil
	case r.err != nil:
		return faulty{fmt.Errorf("fetch: %w", r.err)}
	case err != nil:
		return fmt.Errorf("keep mail of %d bytes: %w", m.size, err)
	}
	m.blob, m.length = hash, length
	sum.Sum(m.hash[:0])
	return nil
}

// ranges reads the rest of one mail.
type ranges struct {
	s      *session
	ctx    context.Context
	uid    uint32
	offset int64
	part   []byte
	last   bool
	err    error
}

func (r *ranges) Read(p []byte) (int, error) {
	if len(r.part) == 0 && r.err == nil {
		r.next()
	}
	if len(r.part) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		return 0, io.EOF
	}
	n := copy(p, r.part)
	r.part = r.part[n:]
	return n, nil
}

func (r *ranges) next() {
	if r.last {
		return
	}
	r.part, r.err = r.s.fetchRange(r.ctx, r.uid, r.offset)
	r.offset += int64(len(r.part))
	r.last = len(r.part) < rangeBytes
	if r.offset > MaxMail {
		r.part, r.err = nil, errTooLarge
	}
}

func (s *session) fetchRange(ctx context.Context, uid uint32, offset int64) (part []byte, err error) {
	opts := &imap.FetchOptions{UID: true, BodySection: section(offset, rangeBytes)}
	err = s.within(ctx, mailLimit, func(context.Context) error {
		return s.fetchEach(imap.UIDSetNum(imap.UID(uid)), opts, func(msg *imapclient.FetchMessageData) error {
			for item := msg.Next(); item != nil; item = msg.Next() {
				body, ok := item.(imapclient.FetchItemDataBodySection)
				if !ok || body.Literal == nil {
					continue
				}
				if part, err = readLiteral(body.Literal, rangeBytes); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return part, err
}

// chunks cuts a listing into what one FETCH asks for.
func chunks(found []listed) (cut [][]listed) {
	for len(found) > 0 {
		n, bytes := 0, int64(0)
		for n < len(found) && n < chunkMails && (n == 0 || bytes < chunkBytes) {
			bytes += min(found[n].size, store.RawInline)
			n++
		}
		cut = append(cut, found[:n])
		found = found[n:]
	}
	return cut
}
