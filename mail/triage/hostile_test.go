package triage

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// The limits of what one mail may cost.
const (
	hostileTime   = time.Second
	hostileMemory = 64 << 20
)

const head = "Return-Path: <ana@partner.example>\nFrom: Ana <ana@partner.example>\nTo: partner.support@example.com\n" +
	"Subject: x\nMessage-ID: <h@partner.example>\n"

// What the bounces below begin with.
const (
	daemonHead   = "Return-Path: <>\nFrom: mailer-daemon@x.example\n"
	bounceHead   = daemonHead + "Subject: Undelivered Mail\n"
	returnedHead = daemonHead + "Subject: Returned mail\n"
)

// hostile mails: what a stranger could send to make a reader of mail spin, swell
// or fall over.
func hostile() map[string]func() []byte {
	size := MaxSize
	if raceEnabled {
		size = 1 << 20 // enough to find races and panics
	}
	big := func(pattern string) []byte { return bytes.Repeat([]byte(pattern), size/len(pattern)) }
	nested := func(depth int) string {
		var s strings.Builder
		s.WriteString(head)
		for i := range depth {
			fmt.Fprintf(&s, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		return s.String()
	}
	body := func(contentType string, b []byte) []byte {
		return append([]byte(head+"Content-Type: "+contentType+"\n\n"), b...)
	}
	bounce := func(text string) []byte { return []byte(bounceHead + "\n" + text) }
	repeated := func(line string, n int) []byte { return bytes.Repeat([]byte(line), n) }
	mails := map[string]func() []byte{
		"one line":         func() []byte { return body("text/plain", big("x")) },
		"line ends":        func() []byte { return body("text/plain", big("\n")) },
		"carriage returns": func() []byte { return append([]byte(strings.ReplaceAll(head, "\n", "\r")), big("\r")...) },
		"NUL":              func() []byte { return big("\x00") },
		"attachment": func() []byte {
			const parts = "--b\n\nhello\n--b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
			const line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\n"
			return body("multipart/mixed; boundary=b", append([]byte(parts), big(line)...))
		},
		"text in base64": func() []byte { return body("text/plain\nContent-Transfer-Encoding: base64", big("QUJD")) },
		"quoted-printable": func() []byte {
			return body("text/plain\nContent-Transfer-Encoding: quoted-printable", big("=41=\n"))
		},
		"delimiters": func() []byte { return body("multipart/mixed; boundary=b", big("--b\n")) },
		"almost delimiters": func() []byte {
			return body("multipart/mixed; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc",
				big("\n--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"))
		},
		"dashes": func() []byte { return body("multipart/mixed; boundary=-", big("-")) },
		"no such boundary": func() []byte {
			return body("multipart/mixed; boundary=never", big("--other\nContent-Type: x\n"))
		},
		"nested 100,000 deep":      func() []byte { return []byte(nested(100_000)) },
		"nested, then a long body": func() []byte { return append([]byte(nested(60)), big("\n--b59")...) },
		"messages in messages":     func() []byte { return repeated(head+"Content-Type: message/rfc822\n\n", 100_000) },
		"100,000 parts": func() []byte {
			return body("multipart/mixed; boundary=b", repeated("--b\n\nx\n", 100_000))
		},
		"one endless header": func() []byte { return append([]byte(head+"X-A: "), big("a")...) },
		"folded header":      func() []byte { return append([]byte(head+"X-A: a\n"), big(" b\n")...) },
		"a million headers":  func() []byte { return append([]byte(head), repeated("X: y\n", 1_000_000)...) },
		"a million lists":    func() []byte { return append([]byte(head), repeated("List-Id: y\n", 1_000_000)...) },
		"addresses":          func() []byte { return append([]byte(head+"Cc: "), big("a@b.example, ")...) },
		"open comments":      func() []byte { return append([]byte(head+"Cc: "), big("(")...) },
		"open quotes":        func() []byte { return append([]byte(head+"Cc: "), big("\"")...) },
		"angle brackets":     func() []byte { return append([]byte(head+"References: "), big("<")...) },
		"references":         func() []byte { return append([]byte(head+"References: "), big("<a.b.c@d> ")...) },
		"encoded words":      func() []byte { return append([]byte(head+"Subject: "), big("=?utf-8?q?=41?= ")...) },
		"encoded words unended": func() []byte {
			return append([]byte("Subject: "+strings.Repeat("=?utf-8?b?", 6000)+"\n"+head), "\n"...)
		},
		"content type parameters": func() []byte { return append([]byte(head+"Content-Type: text/plain"), big("; a=b")...) },
		"tags":                    func() []byte { return body("text/html", big("<")) },
		"open tags":               func() []byte { return body("text/html", big("<a@")) },
		"scripts":                 func() []byte { return body("text/html", big("<script>")) },
		"UTF-7":                   func() []byte { return body("text/plain; charset=utf-7", big("+")) },
		"ISO-2022-JP":             func() []byte { return body("text/plain; charset=iso-2022-jp", big("\x1b$B")) },
		"bounce of @":             func() []byte { return bounce(string(big("@"))) },
		"bounce of addresses":     func() []byte { return bounce(string(big("550 5.1.1 <a@b.example>\n"))) },
		"bounce of distinct ones": func() []byte { return bounce("The following addresses failed:\n" + manyAddresses()) },
		"bounce of headers":       func() []byte { return bounce(string(big("From: a@b.example\n"))) },
		"bounce of digits":        func() []byte { return bounce(string(big("5.1.1.1"))) },
		"status blocks": func() []byte {
			return statusMail(big("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"))
		},
		"one long diagnostic": func() []byte {
			return statusMail([]byte("Final-Recipient: rfc822; a@b.example\nAction: failed\n" +
				"Diagnostic-Code: smtp; " + string(big("550 5.1.1 no "))))
		},
		"folded diagnostic": func() []byte {
			return statusMail([]byte("Final-Recipient: rfc822; a@b.example\nAction: failed\n" +
				"Diagnostic-Code: smtp;\n" + string(big(" 550\n"))))
		},
		"feedback fields": func() []byte {
			return body("multipart/report; boundary=b", []byte(
				"--b\nContent-Type: message/feedback-report\n\n"+string(big("Original-Rcpt-To: a@b.example\n"))))
		},
		"JSON": func() []byte {
			return []byte("Return-Path: <>\nFrom: no-reply@sns.example\nSubject: x\n\n{\"notificationType\":" + string(big("[")))
		},
		"wrapped bounces": func() []byte {
			return repeated(returnedHead+"Content-Type: message/rfc822\n\n", 20_000)
		},
		"wrapped, then pasted below": func() []byte {
			return repeated(returnedHead+"Received: x\n\nundeliverable\n\n", 20_000)
		},
		"text that is all markers": func() []byte {
			return []byte(returnedHead + "\n" + string(big("--- \n")))
		},
		"calendar without a method": func() []byte { return body("text/calendar", big("X:Y\n")) },
		"quoted text":               func() []byte { return body("text/plain", big("\n>")) },
		"file name of encoded words": func() []byte {
			return body("application/x\nContent-Disposition: attachment; filename=\""+
				strings.Repeat("=?utf-8?q?!?=", 5000)+"\"", nil)
		},
		"header names without values": func() []byte { return append([]byte(head), big("a:\n")...) },
	}
	return mails
}

func statusMail(b []byte) []byte {
	return append([]byte(bounceHead+"Content-Type: multipart/report; boundary=b\n\n--b\n"+
		"Content-Type: message/delivery-status\n\n"), b...)
}

func manyAddresses() string {
	var s strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&s, "  user%d@partner.example\n", i)
	}
	return s.String()
}

// Not parallel: it measures.
func TestHostileMailCostsLittle(t *testing.T) {
	for name, build := range hostile() {
		t.Run(name, func(t *testing.T) {
			raw := build()
			raw = raw[:min(len(raw), MaxSize)]
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // so that all it allocates counts
			start := cpuTime()
			r := Classify(raw, envelope())
			took := cpuTime() - start
			runtime.ReadMemStats(&after)
			if raceEnabled {
				checkBounds(t, r)
				return
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > hostileMemory {
				t.Errorf("%s: allocated %d MiB", name, used>>20)
			}
			if took > hostileTime {
				t.Errorf("%s: took %v", name, took)
			}
			if r.Kind == "" || r.Kind == store.KindUnparsable && strings.Contains(fmt.Sprint(r.Rules), "failed") {
				t.Errorf("%s: %+v", name, r.Verdict)
			}
			checkBounds(t, r)
		})
	}
}
