package sandbox

import (
	"bytes"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"signpost/mail/header"
)

func (s *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria,
	_ *imap.SearchOptions,
) (*imap.SearchData, error) {
	s.server.mu.Lock()
	s.fixCriteria(criteria)
	all := s.pick(imap.UIDSet{imap.UIDRange{Start: 1, Stop: 0}})
	s.server.mu.Unlock()
	data := &imap.SearchData{}
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, p := range all {
		if !p.matches(criteria) {
			continue
		}
		num := p.seq
		if kind == imapserver.NumKindUID {
			num = uint32(p.uid)
		}
		seqs.AddNum(p.seq)
		uids.AddNum(p.uid)
		if data.Min == 0 {
			data.Min = num
		}
		data.Max = num
		data.Count++
	}
	data.All = seqs
	if kind == imapserver.NumKindUID {
		data.All = uids
	}
	return data, nil
}

// fixCriteria replaces "*" all through the criteria; Server.mu is held.
func (s *imapSession) fixCriteria(c *imap.SearchCriteria) {
	for i, set := range c.SeqNum {
		if fixed, ok := s.static(set).(imap.SeqSet); ok {
			c.SeqNum[i] = fixed
		}
	}
	for i, set := range c.UID {
		if fixed, ok := s.static(set).(imap.UIDSet); ok {
			c.UID[i] = fixed
		}
	}
	for i := range c.Not {
		s.fixCriteria(&c.Not[i])
	}
	for i := range c.Or {
		s.fixCriteria(&c.Or[i][0])
		s.fixCriteria(&c.Or[i][1])
	}
}

// matches evaluates SEARCH (RFC 3501 section 6.4.4). TEXT and BODY look at the
// mail as it was sent, transfer encoding and all.
func (p seen) matches(c *imap.SearchCriteria) bool {
	return p.inSets(c) && p.hasFlags(c) &&
		onDays(p.at, c.Since, c.Before) &&
		(c.Larger == 0 || p.size() > c.Larger) && (c.Smaller == 0 || p.size() < c.Smaller) &&
		p.saysInHeader(c) && p.says(c) && p.inLogic(c)
}

func (p seen) inSets(c *imap.SearchCriteria) bool {
	for _, set := range c.SeqNum {
		if !set.Contains(p.seq) {
			return false
		}
	}
	for _, set := range c.UID {
		if !set.Contains(p.uid) {
			return false
		}
	}
	return true
}

func (p seen) hasFlags(c *imap.SearchCriteria) bool {
	has := func(want imap.Flag) bool {
		for _, f := range p.flags {
			if canonicalFlag(f) == canonicalFlag(want) {
				return true
			}
		}
		return false
	}
	for _, f := range c.Flag {
		if !has(f) {
			return false
		}
	}
	for _, f := range c.NotFlag {
		if has(f) {
			return false
		}
	}
	return true
}

// onDays compares days as they are written, whatever the zone, as RFC 3501 asks.
func onDays(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

func (p seen) saysInHeader(c *imap.SearchCriteria) bool {
	if len(c.Header) == 0 && c.SentSince.IsZero() && c.SentBefore.IsZero() {
		return true
	}
	head, _ := splitHeader(p.raw())
	for _, want := range c.Header {
		if !head.says(want.Key, want.Value) {
			return false
		}
	}
	if c.SentSince.IsZero() && c.SentBefore.IsZero() {
		return true
	}
	sent, ok := header.Date(head.value("date"))
	return ok && onDays(sent, c.SentSince, c.SentBefore)
}

func (h fields) says(name, part string) bool {
	for _, f := range h {
		one := fields{f}
		if f.name == strings.ToLower(name) && strings.Contains(strings.ToLower(one.text(f.name)), strings.ToLower(part)) {
			return true
		}
	}
	return false
}

func (p seen) says(c *imap.SearchCriteria) bool {
	if len(c.Text) == 0 && len(c.Body) == 0 {
		return true
	}
	raw := bytes.ToLower(p.raw())
	_, body := splitHeader(raw)
	for _, want := range c.Text {
		if !bytes.Contains(raw, bytes.ToLower([]byte(want))) {
			return false
		}
	}
	for _, want := range c.Body {
		if !bytes.Contains(body, bytes.ToLower([]byte(want))) {
			return false
		}
	}
	return true
}

func (p seen) inLogic(c *imap.SearchCriteria) bool {
	for i := range c.Not {
		if p.matches(&c.Not[i]) {
			return false
		}
	}
	for i := range c.Or {
		if !p.matches(&c.Or[i][0]) && !p.matches(&c.Or[i][1]) {
			return false
		}
	}
	return true
}
