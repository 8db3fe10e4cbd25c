package watch

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"
)

// manner is how a server does what the standard says otherwise. Each is known of a
// real one, by the report named.
type manner struct {
	opening string                // said when the folder is opened
	caps    string                // "" for those of any server
	answers func(a answer) string // to FETCH
	set     func(s *lineServer)   // more
}

// hostile keywords are set by any client that may set one on a single mail.
const oddKeywords = `OIB-Seen-[Gmail]/Trash x] a(b c)d () "e f"g % {5} {} [] größe`

var serverManners = map[string]manner{
	"keywords that are no atoms (ruby/net-imap#241, himalaya#641)": {
		opening: "\r\n* FLAGS (\\Seen " + oddKeywords + ")\r\n* OK [PERMANENTFLAGS (\\Seen " + oddKeywords + " \\*)] kept",
		answers: func(a answer) string {
			return a.proper("FLAGS (\\Seen "+oddKeywords+")", a.number(), a.size(), a.date(), a.body())
		},
	},
	"a blank at the end of flags (SurgeMail, async-imap#123)": {
		opening: "\r\n* FLAGS (\\Seen \\Deleted )\r\n* OK [PERMANENTFLAGS (\\Seen \\* ) ] kept",
		answers: func(a answer) string { return a.proper("FLAGS (\\Seen )", a.number(), a.size(), a.date(), a.body()) },
	},
	"quoted flags (InterMail, MailKit#771)": {
		opening: "\r\n* FLAGS (\"\\\\Deleted\" \\Seen)\r\n* OK [PERMANENTFLAGS (\"\\\\Deleted\" \\*)] kept",
	},
	"a control character in a keyword (thunderbird-android#4925)": {
		opening: "\r\n* FLAGS (\\Seen \x80\x80\x85\x04 Junk)\r\n* OK [PERMANENTFLAGS (\\Seen \x04 \\*)] kept",
	},
	"the UID after the text (Exchange 2003, mailio#135, twisted#10722)": {
		answers: func(a answer) string { return a.proper(a.size(), a.body(), a.number(), a.date(), "FLAGS (\\Seen)") },
	},
	"a blank before the parenthesis (QQ, mail-api#209)": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.size(), a.date(), a.body(), "X-SEEN "), " )", " )", 1)
		},
	},
	"no date (Zarafa, thunderbird-android#1819)": {answers: dating("NIL")},
	"a date of year 0 (Domino, MailKit#1236)":    {answers: dating(`"00-Jan-0000 00:00:00 +0000"`)},
	"a date of no second":                        {answers: dating(`"01-Jan-1970 00:00:00 +0000"`)},
	"a date as in a header (asimap#458)":         {answers: datingNow(time.RFC1123Z)},
	"a date without a zone":                      {answers: datingNow("02-Jan-2006 15:04:05")},
	"a date in ISO 8601":                         {answers: datingNow(time.RFC3339)},
	"two spaces behind the star (DavMail, cpython#117152)": {
		opening: "\r\n*  5 EXISTS",
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.size(), a.date(), a.body()), "* ", "*  ", 1)
		},
	},
	"the parenthesis too soon (Xeams, paperless-ngx#13412)": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.body(), a.size()), a.text+" ", a.text+")\r\n ", 1)
		},
	},
	"the UID in what follows the parenthesis (Xeams)": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.body(), a.number(), a.size()), a.text+" ", a.text+")\r\n ", 1)
		},
	},
	"capabilities with a blank at the end (QQ, go-imap#571)": {caps: "IMAP4rev1  IDLE "},
	"capabilities in brackets": {
		set: func(s *lineServer) {
			s.on("CAPABILITY", func(c *lineConn, tag string) { c.say("* [CAPABILITY IMAP4rev1 IDLE]\r\n%s OK", tag) })
			s.on("LOGIN", func(c *lineConn, tag string) { c.say("%s OK in", tag) })
		},
	},
	"capabilities before the answer (Gmail, go-imap#561)": {
		set: func(s *lineServer) {
			s.on("LOGIN", func(c *lineConn, tag string) { c.say("* CAPABILITY IMAP4rev1 IDLE\r\n%s OK in", tag) })
		},
	},
	"unknown responses": {opening: "\r\n* XLIST () \"/\" {5}\r\nInbox\r\n* Hello : there\r\n* 5 SEEN\r\n* OK " +
		"[XYZZY (\"a]\")] b\r\n[COPYUID 1 2 3]"},
	"blank lines": {opening: "\r\n\r\n   \r\n\n"},
	"items that were not asked for": {answers: func(a answer) string {
		return a.proper("X-GM-LABELS (\"\\\\Inbox\" [x)", "X-ODD", a.number(), "FLAGS ()", a.size(),
			"X-Y (a (\"b)\" {2}\r\n)())", a.date(), a.body(), "X-Z 5")
	}},
	"an envelope in brackets of its own (Domino, MailKit#943)": {
		answers: func(a answer) string {
			return a.proper(a.number(), "FLAGS ()", a.size(), a.body(), "X-E (ENVELOPE (NIL \"a\"\" NIL))")
		},
	},
	"numbers beyond 32 bits (go-imap#612)": {opening: "\r\n* OK [UIDNEXT 4294967297] next\r\n* OK [HIGHESTMODSEQ " +
		"99999999999999999999]\r\n* OK [UNSEEN 99999999999]"},
	"a validity in milliseconds (go-imap#612)":  {opening: "\r\n* OK [UIDVALIDITY 1713632002544] valid"},
	"a validity of 0 (modern-email/defects#52)": {opening: "\r\n* OK [UIDVALIDITY 0] valid"},
	"a modification count below 0 (MailKit#1686)": {
		opening: "\r\n* OK [HIGHESTMODSEQ -1]",
		answers: func(a answer) string {
			return a.proper(a.number(), "FLAGS ()", "X-MODSEQ (-1)", a.size(), a.date(), a.body())
		},
	},
	"a size of a fraction (mail.ru, MailKit#1838)": {
		answers: func(a answer) string { return a.proper(a.number(), "RFC822.SIZE 9.3736e+06", a.date(), a.body()) },
	},
	"no size": {answers: func(a answer) string { return a.proper(a.number(), "RFC822.SIZE NIL", a.date(), a.body()) }},
	"another client sets flags meanwhile": {
		answers: func(a answer) string {
			return fmt.Sprintf("* %d FETCH (FLAGS (\\Seen) UID %d)\r\n", a.seq, a.uid) + a.proper(a.number(), a.size(), a.date(),
				a.body()) +
				fmt.Sprintf("* %d FETCH (UID %d FLAGS (\\Seen x]))\r\n", a.seq, a.uid)
		},
	},
	"one mail in two responses (RFC 9051 section 7.5.2)": {
		answers: func(a answer) string { return a.proper(a.number(), a.size(), a.date()) + a.proper(a.body()) },
	},
	"a literal8 (RFC 3516)": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.size(), a.date(), a.body()), "> {", "> ~{", 1)
		},
	},
	"a literal with a plus (Domino)": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.size(), a.date(), a.body()), "}\r\n", "+}\r\n", 1)
		},
	},
	"lines that end in LF": {
		answers: func(a answer) string {
			text := a.proper(a.number(), a.size(), a.date(), a.body())
			return strings.TrimSuffix(strings.Replace(text, "}\r\n", "}\n", 1), "\r\n") + "\n"
		},
	},
	"the range is echoed": {
		answers: func(a answer) string {
			return strings.Replace(a.proper(a.number(), a.size(), a.date(), a.body()), "BODY[]<0>", "BODY.PEEK[]<0.262145>", 1)
		},
	},
	"lower case": {
		answers: func(a answer) string {
			head, rest, _ := strings.Cut(a.proper(a.number(), a.size(), a.date(), a.body()), "\r\n")
			return strings.ToLower(head) + "\r\n" + rest
		},
	},
	"an extended listing unasked (RFC 9051 section 6.4.4)": {
		set: func(s *lineServer) {
			s.on("UID FETCH 1:* (UID RFC822.SIZE", func(c *lineConn, tag string) { c.say("%s NO too many", tag) })
			s.on("UID SEARCH", func(c *lineConn, tag string) {
				c.say("* ESEARCH (TAG \"%s\") UID ALL 1:3 (MODSEQ 5)\r\n%s OK", tag, tag)
			})
		},
	},
	"a continuation without text, and one more (Yandex)": {
		set: func(s *lineServer) {
			s.on("IDLE", func(c *lineConn, tag string) {
				c.say("+\r\n+ still idling")
				c.r.ReadString('\n')
				c.say(" %s OK IDLE completed", tag)
			})
		},
	},
	"an answer twice (async-imap#141)": {
		set: func(s *lineServer) {
			s.on("LOGIN", func(c *lineConn, tag string) { c.say("%s OK in\r\n%s NO stale\r\nT999 NO other", tag, tag) })
		},
	},
	"no answer with a text": {
		set: func(s *lineServer) {
			s.on("SELECT", func(c *lineConn, tag string) {
				c.say("* 3 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [PERMANENTFLAGS (\\*)]\r\n%s OK", tag)
			})
		},
	},
}

func dating(date string) func(a answer) string {
	return func(a answer) string { return a.proper(a.number(), a.size(), "INTERNALDATE "+date, a.body()) }
}

func datingNow(form string) func(a answer) string {
	return func(a answer) string {
		return a.proper(a.number(), a.size(), `INTERNALDATE "`+time.Now().UTC().Format(form)+`"`, a.body())
	}
}

// Whatever the manners of a server, every mail is read and every person answered,
// on one connection and without a mail set aside.
func TestTheMannersOfServers(t *testing.T) {
	t.Parallel()
	for name, m := range serverManners {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer(fresh(1), fresh(2), fresh(3))
				s.opening, s.answers = m.opening, m.answers
				if m.caps != "" {
					s.caps = m.caps
				}
				if m.set != nil {
					m.set(s)
				}
				h := newBadHouse(t, s)
				w, _ := h.start()
				time.Sleep(time.Minute)
				h.decided(3, 3)
				if got := w.Health(); got.State != StateIdle || got.Quarantined != 0 {
					t.Errorf("health is %+v", got)
				}
				s.put(4, fresh(4))
				time.Sleep(turnEvery + time.Minute)
				if rows := h.rows(); !strings.Contains(name, "extended listing") && len(rows) != 4 {
					t.Errorf("the ledger holds %d mails, want 4", len(rows))
				}
				if n := h.door.dialed.Load(); n > 1 && !strings.Contains(name, "UID in what follows") {
					t.Errorf("%d connections, want 1", n)
				}
				for _, row := range h.rows() {
					if row.Size != int64(len(s.mail(row.UID))) || row.Hash != sha256.Sum256([]byte(s.mail(row.UID))) || row.Truncated {
						t.Errorf("mail %d was not kept as it is: %d bytes", row.UID, row.Size)
					}
				}
			})
		})
	}
}

// fresh is a letter that the host took in just now.
func fresh(i int) string {
	return dated(i, time.Now())
}

func dated(i int, received time.Time) string {
	return strings.Replace(numbered(i), "Mon, 2 Nov 2026 10:00:00 +0000", received.Format(time.RFC1123Z), 1)
}
