package triage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/origin"
)

// checkBounds holds every result to what Result promises, whatever the mail.
func checkBounds(t *testing.T, r Result) {
	t.Helper()
	fit := func(what, s string, limit int) {
		if len(s) > limit || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s is not fit to be stored: %d bytes, %q", what, len(s), s[:min(len(s), 200)])
		}
	}
	fit("Message-ID", r.MessageID, 998)
	fit("subject", r.Subject, 200)
	fit("From", r.From, 320)
	fit("answer's address", r.AnswerTo, 320)
	fit("answer's name", r.AnswerName, 200)
	fit("In-Reply-To", r.InReplyTo, 998)
	if len(r.References) > 11 || len(r.To) > 20 || len(r.Reports) > maxReports {
		t.Errorf("%d references, %d own addresses, %d reports", len(r.References), len(r.To), len(r.Reports))
	}
	for _, id := range r.References {
		fit("reference", id, 998)
	}
	for _, rule := range r.Rules {
		fit("evidence of "+rule.ID, rule.Evidence, 200)
	}
	for _, p := range r.Reports {
		fit("recipient", p.Recipient, 324)
		fit("diagnostic", p.Diagnostic, maxDiagnostic)
		fit("original id", p.OriginalMessageID, 998)
		if !known(p) {
			t.Errorf("a report in no known words: %+v", p)
		}
	}
	if r.Answer && (r.Kind != store.KindDirect || !allowed(r.Rules)) {
		t.Errorf("answered although %s, %+v", r.Kind, r.Rules)
	}
}

func known(p store.Report) bool {
	action := contains([]string{"failed", "delayed", "delivered", "relayed", "expanded"}, string(p.Action))
	outcome := contains([]string{"dead", "refused", "later", "done"}, string(p.Outcome))
	hard := p.Outcome == "dead" && p.Action == "failed"
	return action && outcome && p.Reason != "" && !strings.Contains(p.Reason, "-") && (!p.Hard || hard)
}

func addMails(f *testing.F) {
	files, err := filepath.Glob("testdata/mail/*/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	files, err = filepath.Glob("testdata/stories/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, mail := range stories(f, file) {
			f.Add([]byte(mail))
		}
	}
}

func FuzzClassify(f *testing.F) {
	addMails(f)
	f.Add([]byte(person))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := Classify(raw, envelope())
		if r.Kind == store.KindUnparsable && len(r.Rules) > 0 && strings.Contains(r.Rules[0].Evidence, "reader failed") {
			t.Fatalf("a reader panicked: %s", r.Rules[0].Evidence)
		}
		checkBounds(t, r)
		checkBounds(t, r.Authenticate(Auth{DMARC: "pass", Checked: true}, false))
	})
}

// FuzzClassifyReport puts what is fuzzed where only reports are read.
func FuzzClassifyReport(f *testing.F) {
	f.Add("text/plain", "<ana@partner.example>: host mx said: 550 5.1.1 User unknown",
		"Final-Recipient: rfc822; ana@partner.example\nAction: failed\nStatus: 5.1.1\n")
	f.Add("text/html", "<p>550 &lt;ana@partner.example&gt;</p>",
		"Original-Recipient: rfc822;a+2Bb@c.example\nFinal-Recipient : utf-8;x\nAction: expired\n\n\n"+
			"Final-Recipient: y@z.example\n")
	f.Add("text/plain; charset=utf-7", "+AEA-",
		"Status: 5.0.0 (x)\nDiagnostic-Code: smtp; 5.1.0 - Unknown address error 550-'5.2.2 full'\n")
	f.Fuzz(func(t *testing.T, media, text, status string) {
		if strings.ContainsAny(media, "\r\n") {
			return
		}
		raw := "Return-Path: <>\nFrom: mailer-daemon@x.example\nSubject: Undelivered Mail\n" +
			"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: " +
			media + "\n\n" + text + "\n--b\nContent-Type: message/delivery-status\n\n" + status + "\n--b--\n"
		m := read([]byte(raw), &Envelope{})
		m.readReports()
		checkBounds(t, Classify([]byte(raw), Envelope{}))
	})
}

func FuzzAddresses(f *testing.F) {
	for _, s := range []string{
		"Ana <ana@partner.example>", `"a, b" <x@y.example>, (c) z@w.example`, "g: a@b.example, c@d.example;",
		"<@r.example:a@b.example>", "prvs=1234a5b6c7=a@b.example", "SRS1=h=x==h=t=d.example=l@f.example",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range header.Addresses(s) {
			if len(a.Address) > 320 || len(a.Name) > 200 || strings.ContainsAny(a.Address, "\r\n\x00 ") {
				t.Errorf("%q", a)
			}
		}
		address, _ := unwrapSender(s)
		isRobot(address)
		isAddress(address)
		origin.Organisation(s)
		for _, found := range addressesIn(s) {
			if found.start < 0 || found.end > len(s) || found.start > found.end {
				t.Errorf("%+v", found)
			}
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("utf-7", "base64", []byte("+AGEAYg-"))
	f.Add("iso-2022-jp", "", []byte("\x1b$B$\x1b(B"))
	f.Add("gbk", "quoted-printable", []byte("=C4=E3=\n=BA=C3"))
	f.Fuzz(func(t *testing.T, charset, encoding string, b []byte) {
		s := header.ToUTF8(charset, decodeTransfer(encoding, b, maxText))
		if !utf8.ValidString(s) {
			t.Errorf("%q as %q is not valid: %q", b, charset, s)
		}
		stripHTML(s)
		cutReturned(s)
		header.Clean(header.DecodeWords(string(b)))
		enhanced(s)
		smtpReply(s)
	})
}

// Whatever a relay says, its refusal is read in known words, and one that came
// before a recipient was named kills no address.
func FuzzReadReply(f *testing.F) {
	f.Add("RCPT", 550, "5.1.1", "<x@y.example>: User unknown")
	f.Add("MAIL", 553, "5.1.8", "Sender address rejected: Domain not found")
	f.Add("DATA", 554, "", "5.1.0 - Unknown address error 550-'mailbox full'\nsecond line\x00\xff")
	f.Fuzz(func(t *testing.T, command string, code int, enhanced, text string) {
		r := ReadReply(Reply{Recipient: "x@y.example", Command: command, Code: code, Enhanced: enhanced, Text: text})
		checkBounds(t, Result{Verdict: store.Verdict{Reports: []store.Report{r}}})
		if r.Recipient != "x@y.example" || r.Action != "failed" || command == "MAIL" && r.Outcome == store.OutcomeDead {
			t.Errorf("%+v", r)
		}
	})
}
