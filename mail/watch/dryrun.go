package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"signpost/store"
)

// Line tells what the watcher would do with one mail, as far as the mail itself
// and its authentication decide; what the store would add (answered already,
// budgets, before the mailbox was connected) is left out.
type Line struct {
	UID      uint32
	Date     time.Time // INTERNALDATE
	From     string
	Subject  string
	Verdict  store.Verdict
	AnswerTo string   // "" when it would not be answered
	Region   string   // whose answer it would be
	Langs    []string // in which languages
	Fault    string   // why it could not be judged
}

// DryRun reads the newest mails of the mailbox, at most limit of them, and
// returns what would be done with each, oldest first. It uses a connection of
// its own and writes nothing, neither in the store nor on the server.
func (w *Watcher) DryRun(ctx context.Context, limit int) ([]Line, error) {
	if err := w.box.check(); err != nil {
		return nil, err
	}
	s, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.dry = true
	if _, err := s.selectFolder(ctx, &imap.SelectOptions{ReadOnly: true}); err != nil {
		return nil, err
	}
	found, err := s.search(ctx, &imap.SearchCriteria{})
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	var lines []Line
	for _, chunk := range s.chunks(found[max(0, len(found)-limit):]) {
		mails, err := s.fetch(ctx, chunk, chunkLimit)
		if err != nil {
			return lines, err
		}
		lines = append(lines, w.preview(ctx, mails)...)
	}
	s.logout(ctx)
	return lines, nil
}

func (w *Watcher) preview(ctx context.Context, mails []mail) []Line {
	opens := make([]open, len(mails))
	for i, m := range mails {
		opens[i] = open{row: store.Inbound{UID: m.uid, InternalDate: m.date}, head: m.head, whole: m.whole}
	}
	lines := make([]Line, len(mails))
	for i, j := range w.judgeAll(ctx, opens, folder{}) {
		lines[i] = Line{UID: mails[i].uid, Date: mails[i].date, Verdict: j.result.Verdict}
		_, lines[i].From, lines[i].Subject = describe(mails[i].head)
		if j.answer != nil {
			lines[i].AnswerTo, lines[i].Region, lines[i].Langs = j.answer.To, j.answer.Region, j.answer.Langs
		}
		if j.fault != nil {
			lines[i].Fault = j.fault.Error()
		}
	}
	return lines
}

// Findings is what Probe learned of a mailbox.
type Findings struct {
	TLS            string   // "TLS 1.3", "STARTTLS", "" without
	Capabilities   []string // after the login, sorted
	UIDValidity    uint32
	Messages       uint32
	PermanentFlags []string
	Idle           bool // new mail is announced; else the folder is polled each minute
	Move           bool // mail can be moved
	Keyword        bool // decided mail can be marked
}

// Probe connects, logs in and opens the folder without changing anything. An
// error names the step that failed.
func (w *Watcher) Probe(ctx context.Context) (Findings, error) {
	s, err := w.connect(ctx)
	if err != nil {
		return Findings{}, err
	}
	defer s.close()
	found := Findings{TLS: s.tlsVersion, Idle: s.has(imap.CapIdle), Move: s.has(imap.CapMove)}
	for c := range s.caps {
		found.Capabilities = append(found.Capabilities, string(c))
	}
	slices.Sort(found.Capabilities)
	// SELECT, not EXAMINE: the flags that can be kept are told only then.
	data, err := s.selectFolder(ctx, nil)
	if err != nil {
		return found, err
	}
	found.UIDValidity, found.Messages = data.UIDValidity, data.NumMessages
	found.Keyword = keepsKeyword(data.PermanentFlags)
	for _, f := range data.PermanentFlags {
		found.PermanentFlags = append(found.PermanentFlags, strings.TrimSpace(string(f)))
	}
	s.logout(ctx)
	return found, nil
}

// logout ends the session; a failure of it changes nothing, so it is not told.
func (s *session) logout(ctx context.Context) {
	_ = s.within(ctx, commandLimit, func(context.Context) error { return s.client.Logout().Wait() })
}
