package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"sort"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// maxFlags bounds the flags of one mail.
const maxFlags = 64

func flagSet(flags []imap.Flag) map[imap.Flag]imap.Flag {
	set := map[imap.Flag]imap.Flag{}
	addFlags(set, flags)
	return set
}

func addFlags(set map[imap.Flag]imap.Flag, flags []imap.Flag) {
	for _, f := range flags {
		if len(set) < maxFlags {
			set[canonicalFlag(f)] = f
		}
	}
}

// seen is one letter as a connection sees it: its number there (0 while the
// client was not told of it) and its flags at that moment. Work that writes to
// the client uses these, so that a stalled client holds no lock.
type seen struct {
	*letter
	seq   uint32
	flags []imap.Flag
}

// pick collects the letters a command names; Server.mu is held.
func (s *imapSession) pick(set imap.NumSet) []seen {
	var picked []seen
	switch set := s.static(set).(type) {
	case imap.SeqSet:
		for i, l := range s.folder.letters {
			if seq := s.tracker.EncodeSeqNum(uint32(i) + 1); seq != 0 && set.Contains(seq) {
				picked = append(picked, seen{l, seq, l.flagList()})
			}
		}
	case imap.UIDSet:
		letters := s.folder.letters
		low, high := bounds(set)
		from := sort.Search(len(letters), func(i int) bool { return letters[i].uid >= low })
		for i := from; i < len(letters) && letters[i].uid <= high; i++ {
			l := letters[i]
			if seq := s.tracker.EncodeSeqNum(uint32(i) + 1); seq != 0 && set.Contains(l.uid) {
				picked = append(picked, seen{l, seq, l.flagList()})
			}
		}
	}
	return picked
}

// bounds are the least and greatest UID a set without "*" may hold.
func bounds(set imap.UIDSet) (low, high imap.UID) {
	for i, r := range set {
		if i == 0 || r.Start < low {
			low = r.Start
		}
		high = max(high, r.Stop)
	}
	return low, high
}

// static replaces "*" by the greatest number in use (RFC 3501 section 9,
// seq-number). A saved search result ("$") is not offered, so it names nothing.
func (s *imapSession) static(set imap.NumSet) imap.NumSet {
	if imap.IsSearchRes(set) {
		return imap.UIDSet{}
	}
	switch set := set.(type) {
	case imap.SeqSet:
		fixed := make(imap.SeqSet, len(set))
		for i, r := range set {
			fixed[i].Start, fixed[i].Stop = fixRange(r.Start, r.Stop, uint32(len(s.folder.letters)))
		}
		return fixed
	case imap.UIDSet:
		var last uint32
		if n := len(s.folder.letters); n > 0 {
			last = uint32(s.folder.letters[n-1].uid)
		}
		fixed := make(imap.UIDSet, len(set))
		for i, r := range set {
			start, stop := fixRange(uint32(r.Start), uint32(r.Stop), last)
			fixed[i] = imap.UIDRange{Start: imap.UID(start), Stop: imap.UID(stop)}
		}
		return fixed
	}
	return set
}

func fixRange(start, stop, last uint32) (uint32, uint32) {
	if start == 0 {
		start = last
	}
	if stop == 0 {
		stop = last
	}
	return min(start, stop), max(start, stop)
}

func (s *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	s.server.mu.Lock()
	if marksSeen(options) && !s.readOnly {
		for _, p := range s.pick(set) {
			if _, ok := p.letter.flags[canonicalFlag(imap.FlagSeen)]; !ok {
				p.letter.setFlags(imap.StoreFlagsAdd, []imap.Flag{imap.FlagSeen})
				s.announce(p.letter, nil)
			}
		}
	}
	picked := s.pick(set)
	s.server.mu.Unlock()
	for _, p := range picked {
		if err := p.fetch(w.CreateMessage(p.seq), options); err != nil {
			return err
		}
	}
	return nil
}

func marksSeen(options *imap.FetchOptions) bool {
	for _, b := range options.BodySection {
		if !b.Peek {
			return true
		}
	}
	for _, b := range options.BinarySection {
		if !b.Peek {
			return true
		}
	}
	return false
}

// announce queues a letter's flags for every connection but except.
func (s *imapSession) announce(l *letter, except *imapserver.SessionTracker) {
	letters := l.folder.letters
	i := sort.Search(len(letters), func(i int) bool { return letters[i].uid >= l.uid })
	l.folder.tracker.QueueMessageFlags(uint32(i)+1, l.uid, l.flagList(), except)
}

func (l *letter) reader() io.Reader {
	return io.MultiReader(bytes.NewReader(l.head), bytes.NewReader(l.body))
}

// fetch writes one mail's response. The writer is closed on every way out: it
// holds the connection's lock, which the library's own answer needs next.
func (p seen) fetch(w *imapserver.FetchResponseWriter, options *imap.FetchOptions) (err error) {
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	w.WriteUID(p.uid)
	if options.Flags {
		w.WriteFlags(p.flags)
	}
	if options.InternalDate {
		w.WriteInternalDate(p.at)
	}
	if options.RFC822Size {
		w.WriteRFC822Size(p.size())
	}
	if options.Envelope {
		// A header that cannot be parsed gives an empty envelope.
		h, _ := textproto.ReadHeader(bufio.NewReader(p.reader()))
		w.WriteEnvelope(imapserver.ExtractEnvelope(h))
	}
	if options.BodyStructure != nil {
		w.WriteBodyStructure(imapserver.ExtractBodyStructure(p.reader()))
	}
	for _, section := range options.BodySection {
		if err := p.writeSection(w, section); err != nil {
			return err
		}
	}
	return nil
}

// writeSection writes one BODY[...]; the whole mail without a detour through the
// MIME parser, which would trip over broken mail.
func (p seen) writeSection(w *imapserver.FetchResponseWriter, section *imap.FetchItemBodySection) error {
	var data []byte
	if len(section.Part) == 0 && section.Specifier == imap.PartSpecifierNone {
		data = cutSection(p.raw(), section.Partial)
	} else {
		data = imapserver.ExtractBodySection(p.reader(), section)
	}
	body := w.WriteBodySection(section, int64(len(data)))
	_, err := body.Write(data)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	return err
}

func cutSection(data []byte, partial *imap.SectionPartial) []byte {
	if partial == nil {
		return data
	}
	from := min(partial.Offset, int64(len(data)))
	return data[from:min(from+partial.Size, int64(len(data)))]
}

func (l *letter) setFlags(op imap.StoreFlagsOp, flags []imap.Flag) {
	switch op {
	case imap.StoreFlagsSet:
		l.flags = flagSet(flags)
	case imap.StoreFlagsAdd:
		if l.flags == nil {
			l.flags = map[imap.Flag]imap.Flag{}
		}
		addFlags(l.flags, flags)
	case imap.StoreFlagsDel:
		for _, f := range flags {
			delete(l.flags, canonicalFlag(f))
		}
	}
}

func (s *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags,
	_ *imap.StoreOptions,
) error {
	if s.readOnly {
		return errReadOnly
	}
	s.server.mu.Lock()
	for _, p := range s.pick(set) {
		p.letter.setFlags(flags.Op, flags.Flags)
		s.announce(p.letter, s.tracker)
	}
	s.server.mu.Unlock()
	if flags.Silent {
		return nil
	}
	return s.Fetch(w, set, &imap.FetchOptions{Flags: true})
}

func (s *imapSession) Copy(set imap.NumSet, name string) (*imap.CopyData, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	dest := s.account.folders[folderName(name)]
	if dest == nil {
		return nil, errTryMake
	}
	data := &imap.CopyData{UIDValidity: dest.validity}
	for _, p := range s.pick(set) {
		l := *p.letter
		l.flags = maps.Clone(p.letter.flags)
		s.server.file(s.account, dest, &l)
		data.SourceUIDs.AddNum(p.uid)
		data.DestUIDs.AddNum(l.uid)
	}
	if len(data.SourceUIDs) == 0 {
		return nil, nil // nothing was named: OK without COPYUID
	}
	return data, nil
}

func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, name string) error {
	data, err := s.move(set, name)
	if err != nil || len(data.SourceUIDs) == 0 {
		return err
	}
	return w.WriteCopyData(data) // the EXPUNGEs follow with the poll after the command
}

func (s *imapSession) move(set imap.NumSet, name string) (*imap.CopyData, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	dest := s.account.folders[folderName(name)]
	switch {
	case s.readOnly:
		return nil, errReadOnly
	case dest == nil:
		return nil, errTryMake
	}
	data := &imap.CopyData{UIDValidity: dest.validity}
	for _, p := range s.pick(set) {
		data.SourceUIDs.AddNum(p.uid)
		s.server.unlink(p.letter)
		s.server.link(dest, p.letter)
		data.DestUIDs.AddNum(p.letter.uid)
	}
	s.server.notify()
	return data, nil
}

func (s *imapSession) Expunge(_ *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if s.readOnly {
		return nil // CLOSE of a read-only mailbox removes nothing (RFC 3501 section 6.4.2)
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	var only imap.UIDSet
	if uids != nil {
		only = s.static(*uids).(imap.UIDSet)
	}
	for i := len(s.folder.letters) - 1; i >= 0; i-- {
		l := s.folder.letters[i]
		_, deleted := l.flags[canonicalFlag(imap.FlagDeleted)]
		if deleted && (uids == nil || only.Contains(l.uid)) {
			s.server.forget(l)
		}
	}
	s.server.notify()
	return nil
}
