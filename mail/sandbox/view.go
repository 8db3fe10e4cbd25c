package sandbox

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"signpost/store"
)

// MailID names a mail in a mailbox: ascending in the order of arrival, never
// reused while the server runs.
type MailID uint64

// Mail is one mail in one mailbox.
type Mail struct {
	ID           MailID
	Mailbox      string // the address it lies under: lower case, without tag
	Folder       string // IMAP folder: "INBOX"
	EnvelopeFrom string // "" for the null sender
	To           string // recipient as it was addressed, tag included
	ReceivedAt   time.Time
	Size         int64  // bytes of Raw
	From         string // author and subject decoded for display, cut to 300 bytes
	Subject      string
	Raw          []byte // the whole mail; nil in lists
}

// MailboxInfo tells of one mailbox.
type MailboxInfo struct {
	Address   string
	Mails     int
	LastAt    time.Time // of the newest mail; zero before the first
	Behaviour Behaviour
}

// Mailboxes lists the mailboxes that hold or held mail or were logged in to, the
// one with the newest mail first.
func (s *Server) Mailboxes() []MailboxInfo {
	s.mu.Lock()
	all := make([]MailboxInfo, 0, len(s.accounts))
	for _, a := range s.accounts {
		all = append(all, MailboxInfo{Address: a.address, Mails: a.letters, LastAt: a.lastAt})
	}
	s.mu.Unlock()
	for i := range all {
		all[i].Behaviour = s.BehaviourOf(all[i].Address)
	}
	sort.Slice(all, func(i, j int) bool {
		if !all[i].LastAt.Equal(all[j].LastAt) {
			return all[i].LastAt.After(all[j].LastAt)
		}
		return all[i].Address < all[j].Address
	})
	return all
}

// Mails lists the mails of one address (compared without case and tag), or of
// all with "", newest first, those with an id below before (0: from the newest),
// at most limit of them, without their Raw.
func (s *Server) Mails(address string, before MailID, limit int) []Mail {
	var list []Mail
	s.mu.Lock()
	defer s.mu.Unlock()
	var only *account
	if address != "" {
		if only = s.accounts[s.addressOf(address)]; only == nil {
			return nil
		}
	}
	for e := s.order.Back(); e != nil && len(list) < limit; e = e.Prev() {
		l := e.Value.(*letter)
		if (only == nil || l.account == only) && (before == 0 || l.id < before) {
			list = append(list, l.info())
		}
	}
	return list
}

// Mail returns one mail with its Raw; store.ErrNotFound when it is unknown or
// forgotten.
func (s *Server) Mail(id MailID) (Mail, error) {
	s.mu.Lock()
	l := s.mails[id]
	if l == nil {
		s.mu.Unlock()
		return Mail{}, fmt.Errorf("mail %d: %w", id, store.ErrNotFound)
	}
	m := l.info()
	s.mu.Unlock()
	m.Raw = l.raw()
	return m, nil
}

func (l *letter) info() Mail {
	return Mail{
		ID: l.id, Mailbox: l.account.address, Folder: l.folder.name, EnvelopeFrom: l.from, To: l.to,
		ReceivedAt: l.at, Size: l.size(), From: l.author, Subject: l.subject,
	}
}

// Watch returns a channel that holds a signal whenever anything changed since it
// was last read: any number of changes is one signal. It ends with ctx.
func (s *Server) Watch(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[changed] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		delete(s.watchers, changed)
		s.mu.Unlock()
	})
	return changed
}

// Await returns the oldest mail, kept or still to come, that match picks out of
// a mailbox ("" for any); the mail's Raw is set. It waits until ctx ends.
func (s *Server) Await(ctx context.Context, address string, match func(Mail) bool) (Mail, error) {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := s.Watch(watching)
	var looked MailID
	for {
		for _, id := range s.mailsAfter(address, looked) {
			looked = id
			if m, err := s.Mail(id); err == nil && match(m) {
				return m, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("await mail for %s: %w", address, ctx.Err())
		}
	}
}

// mailsAfter lists the ids above after in one mailbox, or in all, oldest first.
func (s *Server) mailsAfter(address string, after MailID) []MailID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []MailID
	for e := s.order.Back(); e != nil; e = e.Prev() {
		l := e.Value.(*letter)
		if l.id <= after {
			break
		}
		if address == "" || l.account.address == s.addressOf(address) {
			ids = append(ids, l.id)
		}
	}
	slices.Reverse(ids)
	return ids
}
