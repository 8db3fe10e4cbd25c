package sandbox

import (
	"io"
	"sort"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

const delimiter = '/'

var (
	errNoFolder = refusal(imap.ResponseCodeNonExistent, "No such mailbox")
	errTryMake  = refusal(imap.ResponseCodeTryCreate, "No such mailbox")
	errExists   = refusal(imap.ResponseCodeAlreadyExists, "Mailbox already exists")
	errLimit    = refusal(imap.ResponseCodeLimit, "Too many mailboxes, or too long a name")
	errInbox    = refusal(imap.ResponseCodeCannot, "INBOX stays")
	errReadOnly = refusal(imap.ResponseCodeCannot, "The mailbox was opened read-only")
)

// refusal is a tagged NO with a response code (RFC 9051 section 7.1).
func refusal(code imap.ResponseCode, text string) *imap.Error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

// imapSession is one IMAP connection.
type imapSession struct {
	server *Server

	account  *account // nil before the login
	folder   *folder  // nil when none is selected
	tracker  *imapserver.SessionTracker
	readOnly bool
}

var (
	_ imapserver.SessionMove        = (*imapSession)(nil)
	_ imapserver.SessionNamespace   = (*imapSession)(nil)
	_ imapserver.SessionAppendLimit = (*imapSession)(nil)
)

func (s *imapSession) Close() error {
	s.server.mu.Lock()
	s.leaveFolder()
	if s.account != nil {
		s.account.sessions--
	}
	s.server.mu.Unlock()
	s.server.running.Done()
	return nil
}

// leaveFolder unselects. Server.mu is held.
func (s *imapSession) leaveFolder() {
	if s.tracker != nil {
		s.tracker.Close()
	}
	s.folder, s.tracker = nil, nil
}

// Login opens the mailbox of any address; its INBOX exists from then on.
func (s *imapSession) Login(username, password string) error {
	if s.server.checkPassword(password) != nil || !strings.Contains(username, "@") || len(username) > 320 {
		return imapserver.ErrAuthFailed
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	a, err := s.server.openAccount(username)
	if err != nil {
		return errLimit
	}
	a.sessions++
	s.account = a
	return nil
}

func (s *imapSession) AppendLimit() uint32 { return uint32(min(s.server.cfg.MaxMessage, 1<<31)) }

func (s *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

// folderName is how a name is looked up: INBOX in any case (RFC 3501 section
// 5.1).
func folderName(name string) string {
	if strings.EqualFold(name, inbox) {
		return inbox
	}
	return strings.TrimRight(name, string(delimiter))
}

func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.leaveFolder()
	f := s.account.folders[folderName(name)]
	if f == nil {
		return nil, errNoFolder
	}
	s.folder, s.tracker, s.readOnly = f, f.tracker.NewSession(), options.ReadOnly
	flags := f.flags()
	data := &imap.SelectData{
		Flags: flags, PermanentFlags: append(flags[:len(flags):len(flags)], imap.FlagWildcard),
		NumMessages: uint32(len(f.letters)), UIDNext: f.nextUID, UIDValidity: f.validity,
	}
	for i, l := range f.letters {
		if _, seen := l.flags[canonicalFlag(imap.FlagSeen)]; !seen {
			data.FirstUnseenSeqNum = uint32(i) + 1
			break
		}
	}
	return data, nil
}

// flags lists the system flags and every keyword in use.
func (f *folder) flags() []imap.Flag {
	all := []imap.Flag{imap.FlagAnswered, imap.FlagDeleted, imap.FlagDraft, imap.FlagFlagged, imap.FlagSeen}
	known := map[imap.Flag]bool{}
	for _, flag := range all {
		known[canonicalFlag(flag)] = true
	}
	for _, l := range f.letters {
		for key, flag := range l.flags {
			if !known[key] {
				known[key] = true
				all = append(all, flag)
			}
		}
	}
	return all
}

func (s *imapSession) Unselect() error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.leaveFolder()
	return nil
}

func (s *imapSession) Create(name string, _ *imap.CreateOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	name = folderName(name)
	switch {
	case s.account.folders[name] != nil:
		return errExists
	case len(s.account.folders) >= maxFolders || len(name) > maxFolder || name == "":
		return errLimit
	}
	s.server.addFolder(s.account, name)
	return nil
}

func (s *imapSession) Delete(name string) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	name = folderName(name)
	f := s.account.folders[name]
	switch {
	case name == inbox:
		return errInbox
	case f == nil:
		return errNoFolder
	}
	for len(f.letters) > 0 {
		s.server.forget(f.letters[len(f.letters)-1])
	}
	delete(s.account.folders, name)
	s.server.validity++ // RFC 3501 section 6.3.4: its UIDs must not come again
	s.server.notify()
	return nil
}

func (s *imapSession) Rename(name, newName string, _ *imap.RenameOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	name, newName = folderName(name), folderName(newName)
	f := s.account.folders[name]
	switch {
	case name == inbox:
		return errInbox
	case f == nil:
		return errNoFolder
	case s.account.folders[newName] != nil:
		return errExists
	case len(newName) > maxFolder || newName == "":
		return errLimit
	}
	delete(s.account.folders, name)
	s.server.validity++
	f.name = newName
	s.account.folders[newName] = f
	return nil
}

// Subscribe and Unsubscribe do nothing: every folder is listed.
func (s *imapSession) Subscribe(string) error   { return nil }
func (s *imapSession) Unsubscribe(string) error { return nil }

func (s *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 { // the hierarchy delimiter is asked for (RFC 3501 section 6.3.8)
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	for _, data := range s.listed(ref, patterns, options) {
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

func (s *imapSession) listed(ref string, patterns []string, options *imap.ListOptions) []imap.ListData {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	var all []imap.ListData
	for name, f := range s.account.folders {
		for _, pattern := range patterns {
			if !imapserver.MatchList(name, delimiter, ref, pattern) {
				continue
			}
			data := imap.ListData{Mailbox: name, Delim: delimiter}
			if options.ReturnStatus != nil {
				data.Status = f.status(options.ReturnStatus)
			}
			all = append(all, data)
			break
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Mailbox < all[j].Mailbox })
	return all
}

func (s *imapSession) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	f := s.account.folders[folderName(name)]
	if f == nil {
		return nil, errNoFolder
	}
	return f.status(options), nil
}

func (f *folder) status(options *imap.StatusOptions) *imap.StatusData {
	data := &imap.StatusData{Mailbox: f.name}
	if options.NumMessages {
		data.NumMessages = number(len(f.letters))
	}
	if options.UIDNext {
		data.UIDNext = f.nextUID
	}
	if options.UIDValidity {
		data.UIDValidity = f.validity
	}
	if options.NumUnseen {
		data.NumUnseen = number(len(f.letters) - f.flagged(imap.FlagSeen))
	}
	if options.NumDeleted {
		data.NumDeleted = number(f.flagged(imap.FlagDeleted))
	}
	if options.NumRecent {
		data.NumRecent = number(0)
	}
	if options.Size {
		var size int64
		for _, l := range f.letters {
			size += l.size()
		}
		data.Size = &size
	}
	return data
}

func number(n int) *uint32 {
	u := uint32(n)
	return &u
}

func (f *folder) flagged(flag imap.Flag) (n int) {
	for _, l := range f.letters {
		if _, ok := l.flags[canonicalFlag(flag)]; ok {
			n++
		}
	}
	return n
}

// Append stores a mail as a client offers it, without trace fields.
func (s *imapSession) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	h, _ := splitHeader(raw)
	l := &letter{at: options.Time, author: h.text("from"), subject: h.text("subject"), body: raw,
		flags: flagSet(options.Flags)}
	if l.at.IsZero() {
		l.at = time.Now()
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	f := s.account.folders[folderName(name)]
	if f == nil {
		return nil, errTryMake
	}
	l.to = s.account.address
	s.server.file(s.account, f, l)
	return &imap.AppendData{UIDValidity: f.validity, UID: l.uid}, nil
}

func (s *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.tracker == nil {
		return nil
	}
	return s.tracker.Poll(w, allowExpunge)
}

func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	// The library does not wait for us when the client hangs up: Close may run
	// beside this.
	s.server.mu.Lock()
	tracker := s.tracker
	s.server.mu.Unlock()
	if tracker == nil {
		<-stop
		return nil
	}
	return tracker.Idle(w, stop)
}
