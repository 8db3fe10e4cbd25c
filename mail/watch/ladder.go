package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"signpost/store"
)

// ask is how a mail is asked for, each time for less.
type ask int

const (
	askAll   ask = iota // the date, the size, and the text in ranges
	askText             // the text in ranges: what stands beside it may be what fails
	askWhole            // the text in one piece: some servers fail at ranges
	askAlone            // nothing but the text, by sequence number
	// askRemains is askAlone for the last time: what comes of the text is kept.
	askRemains
)

func (a ask) ranged() bool     { return a <= askText }
func (a ask) bySequence() bool { return a >= askAlone }

func (a ask) options() *imap.FetchOptions {
	opts := &imap.FetchOptions{UID: !a.bySequence(), InternalDate: a == askAll, RFC822Size: a == askAll}
	opts.BodySection = []*imap.FetchItemBodySection{{Peek: true}}
	if a.ranged() {
		opts.BodySection = section(0, store.RawInline+1)
	}
	return opts
}

// descend asks for one mail, for less each time, until it comes; none when it is
// gone. Where a connection ends at it, from is what to ask the next one for.
func (s *session) descend(ctx context.Context, l listed, from ask, final bool) (mails []mail, next ask, err error) {
	for a := from; a <= askAlone; a++ {
		as := a
		if final && a == askAlone {
			as = askRemains
		}
		mails, err = s.fetchAs(ctx, []listed{l}, as, mailLimit)
		if err == nil && len(mails) == 0 {
			err = s.missing(ctx, []listed{l}, nil)
		}
		switch {
		case err == nil, ctx.Err() != nil, isBusy(err), !errors.As(err, new(faulty)):
			return mails, 0, err
		case !answered(err) && !errors.As(err, new(unsent)): // the connection is gone
			return nil, (a + 1) % (askAlone + 1), err
		}
		s.w.log.Info("a mail does not come; it is asked for in less", "uid", l.uid, "error", err)
	}
	return nil, 0, err
}

// setOf names the mails of a chunk to the server: by UID, or a single one by its
// sequence number. That is asked for twice, in two ways, since a mail recorded
// under the UID of another would be answered in its place; and from then on the
// connection serves this mail alone.
func (s *session) setOf(ctx context.Context, chunk []listed, a ask) (imap.NumSet, error) {
	set := imap.UIDSet{}
	for _, l := range chunk {
		set.AddNum(imap.UID(l.uid))
	}
	if !a.bySequence() {
		return set, nil
	}
	seq, err := s.sequenceOf(ctx, set)
	if err == nil {
		err = s.sameMail(ctx, seq, chunk[0].uid)
	}
	if err != nil {
		return nil, faulty{err}
	}
	s.wire.Forgive()
	return seq, nil
}

func (s *session) sequenceOf(ctx context.Context, set imap.UIDSet) (seq imap.SeqSet, err error) {
	err = s.within(ctx, commandLimit, func(context.Context) error {
		data, err := s.client.Search(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, nil).Wait()
		if err == nil {
			seq = imap.SeqSetNum(data.AllSeqNums()...)
		}
		return err
	})
	if nums, _ := seq.Nums(); err == nil && len(nums) != 1 {
		err = unsent{1, 1}
	}
	return seq, err
}

// sameMail tells that the mail of a sequence number has a UID.
func (s *session) sameMail(ctx context.Context, seq imap.SeqSet, uid uint32) error {
	var found uint32
	err := s.within(ctx, commandLimit, func(context.Context) error {
		return s.fetchEach(seq, &imap.FetchOptions{UID: true}, func(msg *imapclient.FetchMessageData) error {
			found = readListed(msg).uid
			return nil
		})
	})
	if err == nil && found != uid {
		err = fmt.Errorf("the server calls mail %d by the number of mail %d: %w", uid, found, unsent{1, 1})
	}
	return err
}

// confirm takes what came by sequence number: whole, and for certain of that mail,
// or cut where the server sent more than it said. The connection then ends.
func (s *session) confirm(ctx context.Context, mails []mail, set imap.NumSet) ([]mail, error) {
	switch {
	case s.spent != nil:
	case s.wire.Overran():
		for i := range mails {
			mails[i].truncated = true
		}
	case len(mails) > 0:
		if err := s.sameMail(ctx, set.(imap.SeqSet), mails[0].uid); err != nil {
			return nil, faulty{err}
		}
	}
	if len(mails) > 0 && s.spent == nil {
		s.spent = errors.New("a mail came by its sequence number; a new connection is made for the others")
	}
	return mails, nil
}

// tail is what a server says after a text, where it said that the text was longer.
var tail = regexp.MustCompile(`(?:\r?\n)?\)\r?\n(?:T[0-9]+ [^\r\n]*\r?\n)?$`)

// salvage keeps what came of a mail before the connection ended, if its header did:
// a text that can be read in part is better than none.
func (s *session) salvage(m *mail, why error) bool {
	m.head = m.head[:len(m.head)-len(tail.Find(m.head))]
	if !bytes.Contains(m.head, []byte("\n\r\n")) && !bytes.Contains(m.head, []byte("\n\n")) {
		return false
	}
	m.whole, m.truncated = false, true
	s.spent = fmt.Errorf("of a mail only a part came: %w", why)
	return true
}
