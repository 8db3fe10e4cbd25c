package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// BounceReason is a failure that a bouncing host reports.
type BounceReason struct {
	Local      string // the local part that asks for it; "" for every other one
	Status     string // RFC 3463
	Diagnostic string // the remote host's answer
	Delayed    bool   // the report says "not yet" instead of "never"
}

// BounceReasons lists what the local part of a bouncing address may ask for:
// full@bounce.example.net bounces because its mailbox is full.
func BounceReasons() []BounceReason {
	return []BounceReason{
		{Status: "5.1.1", Diagnostic: "550 5.1.1 User unknown in virtual mailbox table"},
		{Local: "full", Status: "5.2.2", Diagnostic: "552 5.2.2 Mailbox full, quota exceeded"},
		{Local: "disabled", Status: "5.2.1", Diagnostic: "550 5.2.1 The account is disabled"},
		{Local: "spam", Status: "5.7.1", Diagnostic: "554 5.7.1 Message rejected as spam by content filtering"},
		{Local: "large", Status: "5.3.4", Diagnostic: "552 5.3.4 Message size exceeds fixed limit"},
		{Local: "moved", Status: "5.1.6", Diagnostic: "551 5.1.6 Recipient has moved, no forwarding address"},
		{Local: "delay", Status: "4.4.1", Diagnostic: "connect to the destination host timed out", Delayed: true},
	}
}

func reasonOf(address string) BounceReason {
	all := BounceReasons()
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	for _, r := range all[1:] {
		if local == r.Local {
			return r
		}
	}
	return all[0]
}

// returnWhole is the size up to which a report quotes the whole mail when its
// sender did not say RET.
const returnWhole = 64 << 10

// report writes a delivery status notification (RFC 3464, in the wrapping of
// RFC 6522; RFC 6533 for envelopes beyond ASCII) for recipients of one mail.
func (s *Server) report(mail delivered, rcpts []rcpt, kind smtp.DSNNotify) []byte {
	host := "mx." + s.domainOf(rcpts[0].address)
	boundary := fmt.Sprintf("=_report_%d", time.Now().UnixNano())
	subject := "Undelivered Mail Returned to Sender"
	said := "could not be delivered to one or more recipients. Nothing more will be tried."
	switch kind {
	case smtp.DSNNotifySuccess:
		subject, said = "Successful Mail Delivery Report", "was delivered to the mailboxes below."
	case smtp.DSNNotifyDelayed:
		subject = "Delayed Mail (still being retried)"
		said = "could not be delivered yet. Delivery will be tried again for 5 days."
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\n"+
		"Message-ID: %s\r\n",
		host, oneLine(mail.env.from), subject, time.Now().Format(time.RFC1123Z), s.messageID(host))
	fmt.Fprintf(&b, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n\r\n", boundary)
	fmt.Fprintf(&b, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", boundary)
	fmt.Fprintf(&b, "This is the mail system at host %s.\r\n\r\nYour message %s\r\n", host, said)
	for _, r := range rcpts {
		fmt.Fprintf(&b, "\r\n<%s>: %s\r\n", r.address, humanReason(r, kind))
	}
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: message/%sdelivery-status\r\n\r\n", boundary, global(mail.env))
	s.writeStatus(&b, host, mail, rcpts, kind)
	s.writeReturned(&b, boundary, mail, kind)
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return b.Bytes()
}

func (s *Server) domainOf(address string) string {
	_, domain, _ := strings.Cut(s.addressOf(address), "@")
	return domain
}

func global(env envelope) string {
	if env.utf8 {
		return "global-"
	}
	return ""
}

func humanReason(r rcpt, kind smtp.DSNNotify) string {
	if kind == smtp.DSNNotifySuccess {
		return "delivered to mailbox"
	}
	domain := r.address[strings.LastIndexByte(r.address, '@')+1:]
	return "host mail." + plainName(domain) + " said: " + reasonOf(r.address).Diagnostic
}

// writeStatus writes the machine's part: RFC 3464 section 2.2 for the mail, 2.3
// for each recipient.
func (s *Server) writeStatus(b *bytes.Buffer, host string, mail delivered, rcpts []rcpt, kind smtp.DSNNotify) {
	if mail.env.envID != "" {
		fmt.Fprintf(b, "Original-Envelope-Id: %s\r\n", oneLine(mail.env.envID))
	}
	fmt.Fprintf(b, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", host, mail.at.Format(time.RFC1123Z))
	addressType := "rfc822"
	if mail.env.utf8 {
		addressType = "utf-8"
	}
	for _, r := range rcpts {
		b.WriteString("\r\n")
		if r.orcpt != "" {
			fmt.Fprintf(b, "Original-Recipient: %s\r\n", oneLine(r.orcpt))
		}
		reason := reasonOf(r.address)
		action, status := "failed", reason.Status
		switch kind {
		case smtp.DSNNotifySuccess:
			action, status = "delivered", "2.1.5"
		case smtp.DSNNotifyDelayed:
			action = "delayed"
		}
		fmt.Fprintf(b, "Final-Recipient: %s; %s\r\nAction: %s\r\nStatus: %s\r\n", addressType, r.address, action, status)
		if kind != smtp.DSNNotifySuccess {
			fmt.Fprintf(b, "Remote-MTA: dns; mail.%s\r\nDiagnostic-Code: smtp; %s\r\n",
				plainName(s.domainOf(r.address)), reason.Diagnostic)
		}
	}
}

// writeReturned quotes the mail: whole when RET=FULL or when it is small and RET
// was not given, else its header (RFC 3461 section 4.3). A report of success
// quotes the header alone (RFC 3464 section 3).
func (s *Server) writeReturned(b *bytes.Buffer, boundary string, mail delivered, kind smtp.DSNNotify) {
	whole := mail.env.ret == smtp.DSNReturnFull || mail.env.ret == "" && len(mail.raw) <= returnWhole
	if kind == smtp.DSNNotifyFailure && whole {
		kind := "rfc822"
		if mail.env.utf8 {
			kind = "global"
		}
		fmt.Fprintf(b, "\r\n--%s\r\nContent-Type: message/%s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", boundary, kind)
		b.Write(mail.raw)
		return
	}
	headers := "text/rfc822-headers"
	if mail.env.utf8 {
		headers = "message/global-headers"
	}
	fmt.Fprintf(b, "\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", boundary, headers)
	for _, f := range mail.header {
		b.Write(f.raw)
	}
}
