package sandbox

import (
	"fmt"
	"mime"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"signpost/store"
	"signpost/store/text"
)

const (
	maxJobs      = 1024 // replies waiting; more are dropped and counted
	budgetPeriod = time.Hour
	vacationKept = 7 * 24 * time.Hour // RFC 5230 section 4.1
	maxAnswered  = 1000               // senders one vacation remembers
)

// machine is what the host remembers of one machine it plays. Guarded by
// Server.mu.
type machine struct {
	since    time.Time // start of the current budget period
	sent     int
	serial   int
	answered map[string]time.Time
}

// job is one mail a machine or the host itself owes.
type job struct {
	machine string // whose budget it is charged to
	run     func() (envelope, []byte, bool)
}

// react queues what a mail sets off: a report of its failures, one of its
// deliveries where asked for, and the machines' replies.
func (s *Server) react(mail delivered, failed, arrived []rcpt) {
	for _, kind := range []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed, smtp.DSNNotifySuccess} {
		s.reactReport(mail, failed, arrived, kind)
	}
	for _, r := range arrived {
		key, b := s.machineOf(r.address)
		reply := replyOf(b)
		if reply == nil {
			continue
		}
		s.queue(job{key, func() (envelope, []byte, bool) { return reply(s, key, r.address, mail) }})
	}
}

// reactReport queues the one report of a kind that a mail calls for.
func (s *Server) reactReport(mail delivered, failed, arrived []rcpt, kind smtp.DSNNotify) {
	from := failed
	if kind == smtp.DSNNotifySuccess {
		from = arrived
	}
	var wanted []rcpt
	for _, r := range from {
		late := reasonOf(r.address).Delayed && kind != smtp.DSNNotifySuccess
		if r.wants(kind) && late == (kind == smtp.DSNNotifyDelayed) {
			wanted = append(wanted, r)
		}
	}
	if len(wanted) == 0 || mail.env.from == "" { // RFC 5321 section 6.1
		return
	}
	key, _ := s.machineOf(wanted[0].address)
	s.queue(job{key, func() (envelope, []byte, bool) {
		return envelope{helo: s.cfg.Host, utf8: mail.env.utf8, rcpts: []rcpt{{address: mail.env.from}}},
			s.report(mail, wanted, kind), true
	}})
}

func (s *Server) queue(j job) {
	select {
	case s.jobs <- j:
	default:
		s.cfg.Log.Warn("sandbox: too many replies wait, one was dropped", "machine", store.Domain(j.machine))
	}
}

// runMachines sends what the machines owe, one mail after another.
func (s *Server) runMachines() {
	for {
		select {
		case <-s.stop.Done():
			return
		case j := <-s.jobs:
			s.runJob(j)
		}
	}
}

func (s *Server) runJob(j job) {
	if !s.charge(j.machine) {
		s.cfg.Log.Info("sandbox: a machine has sent all it may in an hour",
			"machine", store.Domain(j.machine), "limit", s.cfg.MaxReplies)
		return
	}
	env, raw, ok := j.run()
	if !ok {
		s.refund(j.machine)
		return
	}
	for _, r := range env.rcpts {
		if err := s.accept(env.from, r.address); err != nil {
			s.cfg.Log.Debug("sandbox: a machine's mail was not taken", "err", err)
			return
		}
	}
	if err := s.deliver(env, raw); err != nil {
		s.cfg.Log.Debug("sandbox: a machine's mail was not delivered", "err", err)
	}
}

// charge counts one mail against a machine's budget; false when it is spent,
// which is how every loop ends.
func (s *Server) charge(key string) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[key]
	if m == nil {
		if len(s.machines) >= s.cfg.MaxMailboxes {
			clear(s.machines)
		}
		m = &machine{since: now, answered: map[string]time.Time{}}
		s.machines[key] = m
	}
	if now.Sub(m.since) >= budgetPeriod {
		m.since, m.sent = now, 0
	}
	if m.sent >= s.cfg.MaxReplies {
		return false
	}
	m.sent++
	m.serial++
	return true
}

func (s *Server) refund(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[key]; m != nil {
		m.sent--
	}
}

// serial numbers a machine's mails from 1.
func (s *Server) serial(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[key]; m != nil {
		return m.serial
	}
	return 0
}

// replyFunc writes what a machine answers to a mail that reached address, or
// reports false when it stays silent.
type replyFunc func(s *Server, machine, address string, mail delivered) (envelope, []byte, bool)

func replyOf(b Behaviour) replyFunc {
	switch b {
	case Vacation:
		return (*Server).vacationReply
	case Robot:
		return (*Server).robotReply
	case Helpdesk:
		return (*Server).helpdeskReply
	}
	return nil
}

// vacationReply keeps to RFC 5230: section 4.6 for whom it never answers, 4.5
// for mail not addressed to it, 4.2 for how often, 5 for what the answer says.
func (s *Server) vacationReply(machine, address string, mail delivered) (envelope, []byte, bool) {
	h := mail.header
	to := mail.env.from
	auto := h.value("auto-submitted")
	automatic := h.has("list-") || h.has("precedence") || auto != "" && !strings.EqualFold(auto, "no")
	named := strings.Contains(strings.ToLower(h.value("to")+" "+h.value("cc")), store.AnswerKey(address))
	if to == "" || automatic || isRobotName(to) || !named || !s.firstAnswer(machine, address, to) {
		return envelope{}, nil, false
	}
	raw := s.compose(letterText{
		from: address, to: to, subject: "Auto: " + h.text("subject"), answers: h,
		extra: []string{"Auto-Submitted: auto-replied (vacation)"},
		text: "Thank you for your mail. I am away and back on the first Monday of next month.\r\n" +
			"I do not read mail until then. For anything urgent please call the office.\r\n",
	})
	never := rcpt{address: to, notify: []smtp.DSNNotify{smtp.DSNNotifyNever}}
	return envelope{helo: store.Domain(address), rcpts: []rcpt{never}}, raw, true
}

func isRobotName(address string) bool {
	local, _, _ := strings.Cut(store.AddressKey(address), "@")
	return local == "mailer-daemon" || strings.HasPrefix(local, "owner-") || strings.HasSuffix(local, "-request") ||
		strings.HasPrefix(local, "no-reply") || strings.HasPrefix(local, "noreply")
}

func (s *Server) firstAnswer(key, address, to string) bool {
	now := time.Now()
	who := s.addressOf(address) + " " + store.AnswerKey(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[key]
	if m == nil {
		return false
	}
	if last, ok := m.answered[who]; ok && now.Sub(last) < vacationKept || len(m.answered) >= maxAnswered {
		return false
	}
	m.answered[who] = now
	return true
}

// robotReply answers every address the mail names as its sender, bounces included, and looks like a
// person's mail in every header: what a loop is made of.
func (s *Server) robotReply(machine, address string, mail delivered) (envelope, []byte, bool) {
	to := replyAddress(mail)
	if to == "" {
		return envelope{}, nil, false
	}
	local, domain, _ := strings.Cut(s.addressOf(address), "@")
	if local = strings.TrimRight(text.Cut(local, 40), "-0123456789"); local == "" {
		local = "robot"
	}
	from := fmt.Sprintf("%s-%d@%s", local, s.serial(machine), domain)
	raw := s.compose(letterText{
		from: from, to: to, subject: "Re: " + mail.header.text("subject"), answers: mail.header,
		text: "We have received your message and will come back to you as soon as possible.\r\n",
	})
	return envelope{from: from, helo: domain, rcpts: []rcpt{{address: to}}}, raw, true
}

// helpdeskMark is the field by which the other helpdesk knows its own mail.
const helpdeskMark = "x-loop"

// helpdeskReply acknowledges with a ticket, its number put before the subject,
// so that a ping-pong shows in subjects that grow.
func (s *Server) helpdeskReply(machine, address string, mail delivered) (envelope, []byte, bool) {
	to := replyAddress(mail)
	from := s.addressOf(address)
	if to == "" || strings.EqualFold(mail.header.value(helpdeskMark), from) {
		return envelope{}, nil, false
	}
	number := 117_900 + s.serial(machine)
	raw := s.compose(letterText{
		from: from, to: to, answers: mail.header,
		subject: fmt.Sprintf("Ticket received - [#%d] %s", number, mail.header.text("subject")),
		extra:   []string{"X-Loop: " + from, "X-Mailer: Another Helpdesk 4.2"},
		text: fmt.Sprintf("Your request has been received and is being reviewed by our support staff.\r\n"+
			"Your ticket is #%d. To add to it, reply to this mail.\r\n", number),
	})
	return envelope{from: from, helo: store.Domain(from), rcpts: []rcpt{{address: to}}}, raw, true
}

// replyAddress is whom a careless program answers: Reply-To, else From, else the
// envelope's sender.
func replyAddress(mail delivered) string {
	for _, to := range []string{mail.header.address("reply-to"), mail.header.address("from"), mail.env.from} {
		if to != "" && !strings.ContainsAny(to, " \r\n<>") {
			return to
		}
	}
	return ""
}

// letterText is a mail the host writes.
type letterText struct {
	from, to, subject string
	answers           fields   // the mail it answers
	extra             []string // further header lines
	text              string
}

// compose writes a plain-text mail that threads under the one it answers (RFC
// 5322 section 3.6.4).
func (s *Server) compose(l letterText) []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + ": " + oneLine(value) + "\r\n") }
	line("From", "<"+l.from+">")
	line("To", "<"+l.to+">")
	line("Subject", mime.QEncoding.Encode("utf-8", text.Cut(oneLine(l.subject), 300)))
	line("Date", time.Now().Format(time.RFC1123Z))
	line("Message-ID", s.messageID(store.Domain(l.from)))
	if id := l.answers.value("message-id"); id != "" {
		line("In-Reply-To", text.Cut(id, 900))
		line("References", lastReferences(l.answers.value("references")+" "+id))
	}
	for _, e := range l.extra {
		b.WriteString(oneLine(e) + "\r\n")
	}
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: 8bit\r\n\r\n")
	b.WriteString(l.text)
	return []byte(b.String())
}

// messageID makes an id no other mail of this process has.
func (s *Server) messageID(domain string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.minted++
	return fmt.Sprintf("<%d.%d@%s>", time.Now().UnixNano(), s.minted, plainName(domain))
}

// lastReferences keeps the newest ids that fit a line of 998 octets.
func lastReferences(refs string) string {
	ids := strings.Fields(refs)
	size := 0
	for i := len(ids) - 1; i >= 0; i-- {
		if size += len(ids[i]) + 1; size > 900 {
			return strings.Join(ids[i+1:], " ")
		}
	}
	return strings.Join(ids, " ")
}

// oneLine keeps a header's value from starting another header.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' || c == 0 {
			return ' '
		}
		return c
	}, s)
}
