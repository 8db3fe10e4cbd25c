package alarm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"signpost/store"
)

// mailPause is the least time between two mails about alarms: what happens in
// between stands in the next one.
const mailPause = 10 * time.Minute

// Mail tells of alarms by mail: one mail for all there is to say.
type Mail struct {
	Queue   func(ctx context.Context, now time.Time, n store.NewMail) (store.Outbound, error)
	Earlier func(ctx context.Context, address string, p store.Page) (store.List[store.Outbound], error)
	Mint    func(now time.Time) string // of Message-IDs
	Kick    func()

	From, Name string
	To         []string
	Page       string // where alarms are acknowledged
	Hooked     bool   // there is a webhook too
	Repeat     time.Duration

	// Of the alarms' goroutine alone.
	last     time.Time // when the last one was queued
	recalled bool      // last knows of those before this process began
}

// may tells whether the pause since the last mail is over. What an earlier
// process sent counts too: one that crashes again and again sends no flood.
func (m *Mail) may(ctx context.Context, now time.Time) bool {
	if !m.recalled {
		rows, err := store.Items(m.Earlier(ctx, m.To[0], store.Page{Limit: 1}))
		if err != nil {
			return false
		}
		if len(rows) > 0 && rows[0].Kind == store.MailAlarm {
			m.last = rows[0].QueuedAt
		}
		m.recalled = true
	}
	return now.Sub(m.last) >= mailPause
}

// mailAll queues one mail when there is something to say; with it all else is
// told that stands and is not acknowledged.
func (s *Alarms) mailAll(ctx context.Context, now time.Time) {
	if s.Mail == nil || !s.Mail.may(ctx, now) {
		return
	}
	var worth bool
	var all []*alarm
	var items []mailItem
	for _, a := range s.byAge() {
		isDue := a.post.due(a, now, s.Repeat)
		worth = worth || isDue
		if isDue || a.Over.IsZero() && !a.Quiet(now) {
			all, items = append(all, a), append(items, mailItem{a.Alarm, s.notice(a, a.post).State})
		}
	}
	if !worth {
		return
	}
	if err := s.Mail.send(ctx, now, items); err != nil {
		s.Log.Error("a mail about alarms could not be queued", "error", err, "alarms", len(items))
		return
	}
	for _, a := range all {
		if a.post.markTold(a, now); !a.Over.IsZero() {
			a.post = told{}
		}
	}
}

// mailItem is one alarm in a mail.
type mailItem struct {
	store.Alarm
	state string // as in notice
}

// send queues the mail to every address; an error when none gets it.
func (m *Mail) send(ctx context.Context, now time.Time, items []mailItem) error {
	subject, text := m.words(items)
	var errs []error
	for _, to := range m.To {
		_, err := m.Queue(ctx, now, store.NewMail{
			Kind: store.MailAlarm, From: m.From, FromName: m.Name, To: to, MessageID: m.Mint(now), Subject: subject, Text: text,
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == len(m.To) {
		return errors.Join(errs...)
	}
	m.last = now
	m.Kick()
	return nil
}

const (
	maxSubject   = 70   // characters of what is wrong in a subject
	maxItems     = 10   // alarms told in full
	maxItemBytes = 1000 // bytes of one
)

// words are the subject and the text: first what is new, in short paragraphs
// without line breaks of their own, for a small screen.
func (m *Mail) words(items []mailItem) (subject, text string) {
	var b strings.Builder
	first := ""
	rest := 0
	for _, state := range []string{"raised", "worse", "standing", "over"} {
		for _, item := range items {
			if item.state != state {
				continue
			}
			if first == "" {
				first = stateWords(state) + ": " + shorten(sentence(item.What), maxSubject)
			}
			if rest++; rest <= maxItems {
				writeItem(&b, item)
			}
		}
	}
	if rest > 1 {
		first += fmt.Sprintf(" (and %d more)", rest-1)
	}
	if rest > maxItems {
		fmt.Fprintf(&b, "%d more are on the page.\n\n", rest-maxItems)
	}
	fmt.Fprintf(&b, "Acknowledge them:\n%s\nAn acknowledged alarm is sent again when it gets worse, any other in %s.\n\n",
		m.Page, spanWords(m.Repeat))
	b.WriteString("This mail leaves by the relay that it may be about: when mail is broken it is late, or does " +
		"not arrive. ")
	if m.Hooked {
		b.WriteString("The webhook was called first.\n")
	} else {
		b.WriteString("No webhook is set: alarm.webhook works also when mail does not.\n")
	}
	return "Alarm: " + first, b.String()
}

func writeItem(b *strings.Builder, item mailItem) {
	fmt.Fprintf(b, "%s, since %s", strings.ToUpper(stateWords(item.state)), item.Since.UTC().Format("Mon 2 Jan 15:04 UTC"))
	if !item.Over.IsZero() {
		fmt.Fprintf(b, " until %s", item.Over.UTC().Format("15:04 UTC"))
	}
	b.WriteString("\n" + shorten(sentence(item.What), maxItemBytes) + "\n")
	if item.Over.IsZero() && item.Do != "" {
		b.WriteString("What to do: " + item.Do + "\n")
	}
	b.WriteString("\n")
}

func stateWords(state string) string {
	if state == "raised" {
		return "new"
	}
	if state == "standing" {
		return "still"
	}
	return state
}

// sentence begins with a capital and, on one line, ends with a full stop.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	first, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return text
	}
	text = string(unicode.ToUpper(first)) + text[n:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}
