package mailhost

import (
	"strings"
	"testing"

	"signpost/mail/sandbox"
)

// The demo's window shows a header as a mail program does, and answers where one would.
func TestTheDemoShowsAHeaderForTheEye(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		head, answerTo, last string
		fields               int
	}{
		"Reply-To": {
			head:     "From: Ana <ana@x.example>\r\nReply-To: Team <team@x.example>, b@x.example\r\n",
			answerTo: "team@x.example", fields: 2, last: "Reply-To: Team <team@x.example>, b@x.example",
		},
		"no Reply-To": {
			head:     "From: Ana <ana@x.example>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?q?_ol=C3=A9?=\r\n",
			answerTo: "ana@x.example", fields: 2, last: "Subject: Café olé",
		},
		"an unreadable Reply-To": {
			head:     "Reply-To: the team\r\nFrom: Ana <ana@x.example>\r\n",
			answerTo: "ana@x.example", fields: 2, last: "From: Ana <ana@x.example>",
		},
		"an unreadable From": {head: "From: Ana\r\n", fields: 1, last: "From: Ana"},
		"501 fields": {
			head:     strings.Repeat("X: y\r\n", 501) + "From: ana@x.example\r\n",
			answerTo: "ana@x.example", fields: maxShownFields, last: "X: y",
		},
	} {
		got := shownMail(sandbox.Mail{Raw: []byte(c.head + "\r\nHello\r\n")})
		last := got.Header[len(got.Header)-1]
		if got.AnswerTo != c.answerTo || len(got.Header) != c.fields || last.Name+": "+last.Value != c.last {
			t.Errorf("%s: %d fields, the last %q, answered to %q", name, len(got.Header), last, got.AnswerTo)
		}
	}
	if listed := shownMail(sandbox.Mail{}); len(listed.Header) > 0 || listed.AnswerTo != "" {
		t.Errorf("a mail of a list, without its text, is shown as %+v", listed)
	}
}
