package sandbox

import (
	"container/list"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"signpost/store"
)

const (
	inbox      = "INBOX"
	maxFolders = 50  // an account
	maxFolder  = 200 // bytes of a folder's name
)

// account is the mailbox of one address. All fields are guarded by Server.mu.
type account struct {
	address  string
	folders  map[string]*folder
	letters  int
	sessions int // IMAP connections logged in
	lastAt   time.Time
}

// folder is one IMAP mailbox of an account; its letters stand in UID order.
type folder struct {
	name     string
	validity uint32
	nextUID  imap.UID
	letters  []*letter
	tracker  *imapserver.MailboxTracker
}

// letter is one copy of a mail in one folder. What it says never changes; where
// it lies and its flags are guarded by Server.mu.
type letter struct {
	id      MailID
	from    string // envelope sender
	to      string // recipient as it was addressed, tag and all
	at      time.Time
	author  string // From and Subject for display
	subject string
	head    []byte // this copy's own trace fields
	body    []byte // the rest, shared by all copies

	account *account
	folder  *folder
	uid     imap.UID
	flags   map[imap.Flag]imap.Flag // as they were spelt, by canonicalFlag
	elem    *list.Element
}

func (l *letter) size() int64 { return int64(len(l.head) + len(l.body)) }

func (l *letter) raw() []byte {
	raw := make([]byte, 0, l.size())
	return append(append(raw, l.head...), l.body...)
}

func (l *letter) flagList() []imap.Flag {
	flags := make([]imap.Flag, 0, len(l.flags))
	for _, f := range l.flags {
		flags = append(flags, f)
	}
	sort.Slice(flags, func(i, j int) bool { return flags[i] < flags[j] })
	return flags
}

// canonicalFlag is the form under which flags are compared: without case (RFC
// 3501 section 2.3.2 for the system's own; keywords by common practice).
func canonicalFlag(f imap.Flag) imap.Flag { return imap.Flag(strings.ToLower(string(f))) }

// addressOf is the mailbox an address is delivered to: without case and "+tag",
// on this host when it names none.
func (s *Server) addressOf(address string) string {
	key := store.AnswerKey(address)
	if !strings.Contains(key, "@") {
		key += "@" + s.cfg.Host
	}
	return key
}

// openAccount returns the account of an address, creating it with its INBOX.
// When the house is full, an empty account without a session makes room.
// s.mu is held.
func (s *Server) openAccount(address string) (*account, error) {
	key := s.addressOf(address)
	if a := s.accounts[key]; a != nil {
		return a, nil
	}
	if len(s.accounts) >= s.cfg.MaxMailboxes && !s.dropEmptyAccount() {
		return nil, fmt.Errorf("sandbox: open a mailbox: %w", store.ErrFull)
	}
	a := &account{address: key, folders: map[string]*folder{}}
	s.accounts[key] = a
	s.addFolder(a, inbox)
	return a, nil
}

func (s *Server) dropEmptyAccount() bool {
	for key, a := range s.accounts {
		if a.letters == 0 && a.sessions == 0 {
			delete(s.accounts, key)
			s.validity++ // a folder of the same name must not repeat its UIDs
			return true
		}
	}
	return false
}

func (s *Server) addFolder(a *account, name string) *folder {
	f := &folder{name: name, validity: s.validity, nextUID: 1, tracker: imapserver.NewMailboxTracker(0)}
	a.folders[name] = f
	return f
}

// file puts a letter into a folder as its newest, forgets the oldest letters
// that no longer fit, and tells the sessions that watch. s.mu is held.
func (s *Server) file(a *account, f *folder, l *letter) {
	s.lastID++
	l.id, l.account = s.lastID, a
	l.elem = s.order.PushBack(l)
	s.mails[l.id] = l
	s.bytes += l.size()
	a.letters++
	a.lastAt = l.at
	s.link(f, l)
	for s.order.Len() > s.cfg.MaxMails || s.bytes > s.cfg.MaxBytes {
		s.forget(s.order.Front().Value.(*letter))
	}
	s.notify()
}

// link gives a letter its place and UID in a folder.
func (s *Server) link(f *folder, l *letter) {
	l.folder, l.uid = f, f.nextUID
	f.nextUID++
	f.letters = append(f.letters, l)
	f.tracker.QueueNumMessages(uint32(len(f.letters)))
}

// unlink takes a letter out of its folder.
func (s *Server) unlink(l *letter) {
	f := l.folder
	i := sort.Search(len(f.letters), func(i int) bool { return f.letters[i].uid >= l.uid })
	copy(f.letters[i:], f.letters[i+1:])
	f.letters[len(f.letters)-1] = nil
	f.letters = f.letters[:len(f.letters)-1]
	f.tracker.QueueExpunge(uint32(i) + 1)
}

// forget removes a letter for good. s.mu is held.
func (s *Server) forget(l *letter) {
	s.unlink(l)
	s.order.Remove(l.elem)
	delete(s.mails, l.id)
	s.bytes -= l.size()
	l.account.letters--
}

// notify wakes everybody who watches; one waiting signal stands for any number.
func (s *Server) notify() {
	for w := range s.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}
