package watch

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTheLedgerShowsWhoWroteAndAboutWhat: the first field of each name counts, in
// letters that can be read, and never more than fits a line.
func TestTheLedgerShowsWhoWroteAndAboutWhat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ header, id, from, subject string }{
		"plain": {"From: Ana <ana@partner.test>\r\nSubject: Order 7\r\nMessage-ID: <1@partner.test>\r\n",
			"1@partner.test", "Ana <ana@partner.test>", "Order 7"},
		"encoded": {"FROM: =?utf-8?q?Jos=C3=A9?= <jose@partner.test>\r\n" +
			"subject: =?utf-8?b?UGVkaWRvIG7Dum1lcm8=?=\r\n 7\r\n", "", "José <jose@partner.test>", "Pedido número 7"},
		"twice": {"Subject: first\r\nSubject: second\r\nFrom: a@b.test\r\nFrom: c@d.test\r\n" +
			"Message-ID: <1@b.test>\r\nMessage-ID: <2@d.test>\r\n", "1@b.test", "a@b.test", "first"},
		"first empty": {"Subject:\r\nSubject: second\r\nFrom: \r\nFrom: c@d.test\r\nMessage-ID: <ä@b.test>\r\n" +
			"Message-ID: <2@d.test>\r\n", "2@d.test", "c@d.test", "second"},
		"bare id":    {"From: a@b.test\r\nMessage-ID: 1@b.test\r\n", "1@b.test", "a@b.test", ""},
		"below":      {"From: a@b.test\r\n\r\nSubject: of a mail that is quoted\r\n", "", "a@b.test", ""},
		"not a mail": {"\x00\xff\r\n", "", "", ""},
	} {
		if id, from, subject := describe([]byte(c.header)); id != c.id || from != c.from || subject != c.subject {
			t.Errorf("%s: %q, %q, %q; want %q, %q, %q", name, id, from, subject, c.id, c.from, c.subject)
		}
	}
	long := "From: " + strings.Repeat("ü", 1000) + "\r\nSubject: " + strings.Repeat("ü", 1000) + "\r\n"
	if _, from, subject := describe([]byte(long)); len(from) > 320 || len(subject) > 200 ||
		!utf8.ValidString(from+subject) || subject == "" {
		t.Errorf("%d bytes of From, %d of the subject: %q", len(from), len(subject), subject)
	}
}
