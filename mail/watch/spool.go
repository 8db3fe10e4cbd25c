package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"signpost/store"
)

// ownFault is an error of this side while a mail came.
type ownFault struct{ error }

func (f ownFault) Unwrap() error { return f.error }

var (
	errTooLarge  = errors.New("mail larger than is kept")
	errRangeless = errors.New("the server sends a mail from its beginning whatever part of it is asked for")
)

// readText reads the beginning of a mail, and the rest where the server sends all of
// it at once. kept tells whether m holds a mail after it, also with an error.
func (s *session) readText(
	ctx context.Context, l imap.LiteralReader, m *mail, a ask, alone bool,
) (kept bool, err error) {
	const most = store.RawInline + 1
	head := make([]byte, min(l.Size(), most))
	n, err := io.ReadFull(l, head)
	m.head, m.whole = head[:min(n, store.RawInline)], l.Size() <= store.RawInline
	if err != nil {
		return a == askRemains && s.salvage(m, err), err
	}
	if m.whole || a.ranged() && l.Size() == most {
		return true, atEnd(l)
	}
	if a.ranged() { // more than was asked for
		s.w.rangeless = true
	}
	switch {
	case l.Size() > MaxMail:
		s.spent = fmt.Errorf("of a mail of %d bytes only the beginning was read", l.Size())
		m.size, m.truncated = l.Size(), true
		return true, s.spent
	case alone:
		return true, s.keep(ctx, m, io.MultiReader(bytes.NewReader(head), l))
	}
	_, err = io.Copy(io.Discard, l)
	return true, err
}

// atEnd sees the end of a literal, without which the client does not go on.
func atEnd(l io.Reader) error {
	if _, err := l.Read(make([]byte, 1)); err != io.EOF {
		return err
	}
	return nil
}

// readLiteral refuses a literal larger than was asked for before reading it.
func readLiteral(l imap.LiteralReader, most int64) ([]byte, error) {
	if l.Size() > most {
		return nil, fmt.Errorf("the server announces %d bytes where %d were asked for", l.Size(), most)
	}
	b := make([]byte, l.Size())
	if _, err := io.ReadFull(l, b); err != nil {
		return nil, err
	}
	return b, atEnd(l)
}

// complete counts and hashes a mail, fetching the rest of a large one into the
// blob store, and gives it a date.
func (s *session) complete(ctx context.Context, m *mail) error {
	if !m.whole && !m.truncated && m.blob == "" {
		if err := s.spool(ctx, m); err != nil {
			return err
		}
	}
	if m.blob == "" {
		m.hash, m.truncated = sha256.Sum256(m.head), m.truncated || !m.whole
		m.length = int64(len(m.head))
		if m.truncated {
			m.length = max(m.size, m.length)
		}
	}
	if m.date.IsZero() {
		m.date = s.arrival(m.head)
	}
	return nil
}

// spool brings a large mail into the blob store. One that is too large is left
// truncated.
func (s *session) spool(ctx context.Context, m *mail) error {
	if s.w.deps.Blobs == nil || s.dry || m.size > MaxMail {
		return nil
	}
	if s.w.rangeless {
		return s.spoolWhole(ctx, m)
	}
	r := &ranges{s: s, ctx: ctx, listed: m.listed, offset: int64(len(m.head))}
	err := s.keep(ctx, m, io.MultiReader(bytes.NewReader(m.head), r))
	switch {
	case errors.Is(r.err, errRangeless):
		s.w.rangeless = true
		return s.spoolWhole(ctx, m)
	case errors.Is(r.err, errTooLarge):
		return nil
	case r.err != nil:
		return faulty{fmt.Errorf("fetch: %w", r.err)}
	case err != nil:
		return err
	}
	m.truncated = r.gone
	return nil
}

// spoolWhole fetches a mail anew, in one piece.
func (s *session) spoolWhole(ctx context.Context, m *mail) error {
	again, err := s.fetchAs(ctx, []listed{m.listed}, askWhole, chunkLimit)
	if err == nil && len(again) == 0 { // its beginning is all there is, if it is gone
		m.truncated = true
		return s.missing(ctx, []listed{m.listed}, nil)
	}
	if err != nil {
		return err
	}
	again[0].date = m.date
	*m = again[0]
	return nil
}

// keep puts a mail into the blob store, and its hash and length into m. An error is
// an ownFault unless r has failed.
func (s *session) keep(ctx context.Context, m *mail, r io.Reader) error {
	if s.w.deps.Blobs == nil || s.dry {
		m.truncated = true
		_, err := io.Copy(io.Discard, r)
		return err
	}
	sum, source := sha256.New(), &source{Reader: r}
	hash, length, err := s.w.deps.Blobs.Put(ctx, io.TeeReader(source, sum), 2*MaxMail)
	if source.err != nil {
		return source.err
	}
	if err != nil {
		return ownFault{fmt.Errorf("keep mail of %d bytes: %w", m.size, err)}
	}
	m.blob, m.length = hash, length
	sum.Sum(m.hash[:0])
	return nil
}

// source remembers why it failed.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// ranges reads the rest of one mail.
type ranges struct {
	listed
	s      *session
	ctx    context.Context
	offset int64
	part   []byte
	short  bool // the last part was smaller than was asked for
	last   bool
	gone   bool // the mail was expunged meanwhile
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

// next fetches a part. A mail ends with an empty one, or with one that is short if
// that makes it as long as the server told: there are servers that send less than
// is asked for, and such whose sizes are estimates. Behind the end some send NIL,
// some nothing, and some refuse.
func (r *ranges) next() {
	if r.last {
		return
	}
	ends := r.short || r.size > 0 && r.offset >= r.size
	sent := false
	r.part, sent, r.err = r.s.fetchRange(r.ctx, r.uid, r.offset)
	switch {
	case ends && answered(r.err):
		r.err = nil
	case r.err == nil && !sent && !ends:
		if r.err = r.s.missing(r.ctx, []listed{r.listed}, nil); r.err == nil {
			r.gone = true
		}
	}
	r.offset += int64(len(r.part))
	r.short = len(r.part) < rangeBytes
	r.last = len(r.part) == 0 || r.short && r.offset >= r.size
	if r.offset > MaxMail {
		r.part, r.err = nil, errTooLarge
	}
}

// fetchRange fetches one part; sent is false when the server answered without it.
func (s *session) fetchRange(ctx context.Context, uid uint32, offset int64) (part []byte, sent bool, err error) {
	opts := &imap.FetchOptions{UID: true, BodySection: section(offset, rangeBytes)}
	err = s.within(ctx, mailLimit, func(context.Context) error {
		return s.fetchEach(imap.UIDSetNum(imap.UID(uid)), opts, func(msg *imapclient.FetchMessageData) error {
			for item := msg.Next(); item != nil; item = s.next(msg) {
				body, ok := item.(imapclient.FetchItemDataBodySection)
				if !ok || body.Literal == nil {
					continue
				}
				if body.Section.Partial == nil || body.Section.Partial.Offset != offset {
					return errRangeless
				}
				if part, err = readLiteral(literal{body.Literal, s}, rangeBytes); err != nil {
					return err
				}
				sent = true
			}
			return nil
		})
	})
	return part, sent, err
}

func section(offset, size int64) []*imap.FetchItemBodySection {
	return []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Offset: offset, Size: size}}}
}
