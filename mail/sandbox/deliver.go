package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"signpost/store"
	"signpost/store/text"
)

// maxHops is how many Received fields a mail may carry before it is taken to be
// going round in circles (RFC 5321 section 6.3: at least 100).
const maxHops = 100

// envelope is what SMTP says about a mail, and the DSN wishes of RFC 3461.
type envelope struct {
	from  string // "" for the null sender
	rcpts []rcpt
	helo  string
	peer  string // network address of the client, "" inside the process
	utf8  bool   // RFC 6531
	envID string
	ret   smtp.DSNReturn
}

type rcpt struct {
	address string
	notify  []smtp.DSNNotify
	orcpt   string // with its type: "rfc822;ann@example.com"; "" when not given
}

// wants tells whether a report of that kind is asked for; without NOTIFY a
// failure is to be reported and a delay may be (RFC 3461 section 4.1).
func (r rcpt) wants(kind smtp.DSNNotify) bool {
	if len(r.notify) == 0 {
		return kind != smtp.DSNNotifySuccess
	}
	for _, n := range r.notify {
		if n == kind {
			return true
		}
	}
	return false
}

var (
	errLoop = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 4, 6},
		Message: "Too many hops: this mail is going round in circles"}
	errFull = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1},
		Message: "The sandbox holds as many mailboxes as it may"}
	errSize = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4},
		Message: "Message larger than this host takes"}
)

// Deliver hands a mail in as a sending host would: from is the envelope sender
// ("" for the null sender), raw the whole mail; bare line feeds become CRLF
// when it holds no CRLF at all. Recipients that refuse or put off are named in
// the error, as *smtp.SMTPError; the others have the mail.
func (s *Server) Deliver(from string, to []string, raw []byte) error {
	if int64(len(raw)) > s.cfg.MaxMessage {
		return errSize
	}
	if !bytes.Contains(raw, []byte("\r\n")) {
		raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
	}
	env := envelope{from: strings.TrimSpace(from), helo: "localhost", utf8: !isASCII(from)}
	var refused []error
	for _, address := range to {
		address = strings.TrimSpace(address)
		if err := s.accept(env.from, address); err != nil {
			refused = append(refused, fmt.Errorf("deliver to %s: %w", address, err))
			continue
		}
		env.rcpts = append(env.rcpts, rcpt{address: address})
	}
	if len(env.rcpts) > 0 {
		if err := s.deliver(env, raw); err != nil {
			refused = append(refused, err)
		}
	}
	return errors.Join(refused...)
}

// accept answers RCPT for one recipient: nil, or the reply of a recipient that
// refuses or puts off.
func (s *Server) accept(from, to string) error {
	if len(to) > 320 || strings.ContainsAny(to, "\r\n\x00<> ") || to == "" {
		return &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "That is not an address"}
	}
	switch s.BehaviourOf(to) {
	case Refuse:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1},
			Message: "<" + to + ">: Recipient address rejected: user unknown"}
	case Greylist:
		return s.greylist(from, to)
	case Bounce:
		return nil // it never reaches a mailbox
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.openAccount(to); err != nil {
		return errFull
	}
	return nil
}

const maxGreylisted = 10_000

func (s *Server) greylist(from, to string) error {
	now := time.Now()
	key := store.AddressKey(from) + " " + store.AddressKey(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	first, known := s.greylisted[key]
	if known && now.Sub(first) >= s.cfg.Greylist {
		return nil
	}
	if !known {
		if len(s.greylisted) >= maxGreylisted {
			clear(s.greylisted) // they all try again; none is lost
		}
		s.greylisted[key], first = now, now
	}
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1},
		Message: fmt.Sprintf("Greylisted, please try again in %d seconds",
			int(first.Add(s.cfg.Greylist).Sub(now).Seconds())+1)}
}

// deliver takes a mail for recipients that were accepted: stamps it, files a
// copy for each, and queues what they do in return.
func (s *Server) deliver(env envelope, raw []byte) error {
	head, rest := splitHeader(dropMboxLine(raw))
	if head.count("received") > maxHops {
		return errLoop
	}
	now := time.Now()
	trace, body := s.stamp(env, head, rest, raw)
	mail := delivered{env: env, header: head, raw: raw, at: now}
	var failed, arrived []rcpt
	for _, r := range env.rcpts {
		if s.BehaviourOf(r.address) == Bounce {
			failed = append(failed, r)
			continue
		}
		if err := s.put(env, r, trace, body, mail); err != nil {
			return err
		}
		arrived = append(arrived, r)
	}
	s.react(mail, failed, arrived)
	return nil
}

// delivered is a mail on its way to what it sets off.
type delivered struct {
	env    envelope
	header fields
	raw    []byte
	at     time.Time
}

// put files one recipient's copy.
func (s *Server) put(env envelope, r rcpt, trace string, body []byte, mail delivered) error {
	head := "Return-Path: <" + env.from + ">\r\nDelivered-To: " + r.address + "\r\n" +
		s.received(env, r, mail.at) + trace
	l := &letter{
		from: env.from, to: r.address, at: mail.at,
		author: mail.header.text("from"), subject: mail.header.text("subject"),
		head: []byte(head), body: body,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.openAccount(r.address)
	if err != nil {
		return errFull
	}
	f := a.folders[inbox]
	if f == nil {
		f = s.addFolder(a, inbox)
	}
	s.file(a, f, l)
	return nil
}

// received is the trace field of RFC 5321 section 4.4.
func (s *Server) received(env envelope, r rcpt, now time.Time) string {
	with := "ESMTP"
	if env.utf8 {
		with = "UTF8SMTP" // RFC 6531 section 4.3
	}
	peer := "in process"
	if env.peer != "" {
		peer = "[" + env.peer + "]"
	}
	return fmt.Sprintf("Received: from %s (%s)\r\n\tby %s with %s\r\n\tfor <%s>; %s\r\n",
		plainName(env.helo), peer, s.cfg.Host, with, r.address, now.Format(time.RFC1123Z))
}

// plainName is a host's name as it may stand in a header field.
func plainName(name string) string {
	clean := strings.Map(func(c rune) rune {
		if c > ' ' && c <= '~' && !strings.ContainsRune(`();<>"\`, c) {
			return c
		}
		return '?'
	}, text.Cut(name, 255))
	if clean == "" {
		return "unknown"
	}
	return clean
}

// dropMboxLine takes off the "From " line of an mbox file, which is no header.
func dropMboxLine(raw []byte) []byte {
	if bytes.HasPrefix(raw, []byte("From ")) || bytes.HasPrefix(raw, []byte(">From ")) {
		return raw[lineLen(raw):]
	}
	return raw
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
