package main

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

// alarmMail tells of alarms by mail: one mail for all there is to say.
type alarmMail struct {
	queue   func(ctx context.Context, now time.Time, n store.NewMail) (store.Outbound, error)
	earlier func(ctx context.Context, address string, before store.OutboundID, limit int) ([]store.Outbound, error)
	mint    func(now time.Time) string // of Message-IDs
	kick    func()

	from, name string
	to         []string
	page       string // where alarms are acknowledged
	hooked     bool   // there is a webhook too
	repeat     time.Duration

	// Of the alarms' goroutine alone.
	last     time.Time // when the last one was queued
	recalled bool      // last knows of those before this process began
}

func newAlarmMail(a *App) *alarmMail {
	from := a.cfg.Regions()[0]
	return &alarmMail{
		queue: a.db.QueueMail, earlier: a.db.OutboundsTo, kick: a.sender.Kick,
		mint: func(now time.Time) string {
			return a.ring.MessageID(now, store.MailAlarm, store.Domain(from.Address))
		},
		from: from.Address, name: a.cfg.Service.Product, to: a.cfg.Alarm.Mail,
		page: a.cfg.Service.BaseURL + "/ops/health", hooked: a.cfg.Alarm.Webhook != "", repeat: a.cfg.Alarm.Repeat,
	}
}

// may tells whether the pause since the last mail is over. What an earlier
// process sent counts too: one that crashes again and again sends no flood.
func (m *alarmMail) may(ctx context.Context, now time.Time) bool {
	if !m.recalled {
		rows, err := m.earlier(ctx, m.to[0], 0, 1)
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
// told that stands and that nobody acknowledged.
func (s *alarms) mailAll(ctx context.Context, now time.Time) {
	if s.mail == nil || !s.mail.may(ctx, now) {
		return
	}
	var worth bool
	var all []*alarm
	var items []mailItem
	for _, a := range s.byAge() {
		isDue := a.post.due(a, now, s.repeat)
		worth = worth || isDue
		if isDue || a.Over.IsZero() && !a.Quiet(now) {
			all, items = append(all, a), append(items, mailItem{a.Alarm, s.notice(a, a.post).State})
		}
	}
	if !worth {
		return
	}
	if err := s.mail.send(ctx, now, items); err != nil {
		s.log.Error("a mail about alarms could not be queued", "error", err, "alarms", len(items))
		return
	}
	for _, a := range all {
		if a.post.now(a, now); !a.Over.IsZero() {
			a.post = told{}
		}
	}
}

// mailItem is one alarm in a mail.
type mailItem struct {
	store.Alarm
	state string // as in notice
}

// send queues the mail to everybody; an error when nobody gets it.
func (m *alarmMail) send(ctx context.Context, now time.Time, items []mailItem) error {
	subject, text := m.words(items)
	var errs []error
	for _, to := range m.to {
		_, err := m.queue(ctx, now, store.NewMail{
			Kind: store.MailAlarm, From: m.from, FromName: m.name, To: to, MessageID: m.mint(now), Subject: subject, Text: text,
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == len(m.to) {
		return errors.Join(errs...)
	}
	m.last = now
	m.kick()
	return nil
}

const (
	subjectMost = 70   // characters of what is wrong in a subject
	itemsMost   = 10   // alarms told in full
	itemWords   = 1000 // bytes of one
)

// words are the subject and the text: first what is new, in short paragraphs
// without line breaks of their own, for a small screen.
func (m *alarmMail) words(items []mailItem) (subject, text string) {
	var b strings.Builder
	first := ""
	rest := 0
	for _, state := range []string{"raised", "worse", "standing", "over"} {
		for _, item := range items {
			if item.state != state {
				continue
			}
			if first == "" {
				first = stateWords(state) + ": " + shorten(sentence(item.What), subjectMost)
			}
			if rest++; rest <= itemsMost {
				writeItem(&b, item)
			}
		}
	}
	if rest > 1 {
		first += fmt.Sprintf(" (and %d more)", rest-1)
	}
	if rest > itemsMost {
		fmt.Fprintf(&b, "%d more are on the page.\n\n", rest-itemsMost)
	}
	fmt.Fprintf(&b, "Acknowledge them:\n%s\nAn acknowledged alarm is sent again when it gets worse, any other in %s.\n\n",
		m.page, spanWords(m.repeat))
	b.WriteString("This mail leaves by the relay that it may be about: when mail is broken it is late, or does " +
		"not arrive. ")
	if m.hooked {
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
	b.WriteString("\n" + shorten(sentence(item.What), itemWords) + "\n")
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

// shorten cuts after so many characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most])) + "…"
}

// spanWords is a length of time in its largest whole unit.
func spanWords(d time.Duration) string {
	switch {
	case d%time.Hour == 0 && d == time.Hour:
		return "an hour"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
