package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// script is a connection whose other end says what is written in it.
type script struct {
	in     io.Reader
	closed bool
}

func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// The commands after which a response comes.
const (
	idle    = "T1 IDLE\r\n"
	open    = "T1 EXAMINE INBOX\r\n"
	list    = "T1 UID FETCH 1:* (UID RFC822.SIZE)\r\n"
	texts   = "T1 UID FETCH 1:9 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262145>)\r\n"
	uidOnly = "T1 FETCH 3 (UID)\r\n"
	bySeq   = "T1 FETCH 3 (BODY.PEEK[])\r\n"
	store   = "T1 UID STORE 3 +FLAGS.SILENT ($X)\r\n"
	find    = "T1 UID SEARCH UID 1:*\r\n"
	login   = "T1 LOGIN a b\r\n"
)

// heard is what the library reads after the command when the server says text.
func heard(command, text string) (string, error) {
	c := New(&script{in: strings.NewReader(text)}, false)
	c.greeted = true
	c.Write([]byte(command))
	var out bytes.Buffer
	_, err := io.Copy(&out, c)
	return out.String(), err
}

const dated = ` INTERNALDATE "02-Nov-2026 10:00:00 +0000"`

// manners are what servers say, and what the library is to read.
var manners = []struct{ name, command, says, reads string }{
	// Lines.
	{"a stray blank line", idle, "\r\n  \r\n* 5 EXISTS\r\n\n", "* 5 EXISTS\r\n"},
	{"two spaces (cpython#117152)", open, "*  5 EXISTS\r\n", "* 5 EXISTS\r\n"},
	{"lines that end in LF", idle, "* 5 EXISTS\n* 1 EXPUNGE\n", "* 5 EXISTS\r\n* 1 EXPUNGE\r\n"},
	{"a blank at the end of a line", idle, "* 5 EXISTS \r\n", "* 5 EXISTS\r\n"},
	{"an empty folder", open, "* 0 EXISTS\r\n* 0 RECENT\r\n", "* 0 EXISTS\r\n"},
	{"lower case", open, "* 5 exists\r\nt1 ok done\r\n", "* 5 EXISTS\r\nT1 OK done\r\n"},
	{"an unknown response", idle, "* XYZZY (a \"b) {3}\r\n)\r\n {\r\n* VANISHED 1:5\r\n* 5 EXISTS\r\n", "* 5 EXISTS\r\n"},
	{"a goodbye of its own (mailo)", idle, "* Goodbye : idle timeout expired\r\n", ""},
	{"a line without star or tag (net-imap#250)", idle, "[COPYUID 124 10 233]\r\n* 5 EXISTS\r\n", "* 5 EXISTS\r\n"},
	{"an answer that came before (async-imap#141)", login, "T0 NO stale\r\nT1 OK in\r\nT1 OK again\r\n", "T1 OK in\r\n"},
	{"a tag behind a blank", idle, " T1 OK done\r\n", "T1 OK done\r\n"},
	{"no text", login, "T1 OK\r\n", "T1 OK -\r\n"},
	{"no known status", login, "T1 DONE it is\r\n", "T1 BAD it is\r\n"},
	{"a tagged goodbye (MailKit#1536)", "T1 LOGOUT\r\n", "T1 BYE out\r\n", "T1 OK out\r\n"},
	{"a status that is none (ALERT)", idle, "* NO [ALERT] your disk is [90%] full {3}\r\n* 5 EXISTS\r\n",
		"* 5 EXISTS\r\n"},
	{"a continuation without text (Yandex)", idle, "+\r\n", "+ \r\n"},
	{"a continuation that is not waited for", idle, "+ idling\r\n+ idling\r\n", "+ idling\r\n"},
	{"a continuation out of the blue", login, "+ what?\r\nT1 NO\r\n", "T1 NO -\r\n"},
	{"an identity in atoms (Proton)", "T1 ID NIL\r\n", "* ID (support-url https://x name y)\r\nT1 OK done\r\n",
		"T1 OK done\r\n"},
	{"a folder of another (literal)", idle, "* LIST () \"/\" {5}\r\n* 9 E\r\n* 5 EXISTS\r\n", "* 5 EXISTS\r\n"},

	// Codes.
	{"a code of a refusal", login, "T1 NO [unavailable] try later\r\n", "T1 NO [UNAVAILABLE] try later\r\n"},
	{"a code with arguments", login, "T1 NO [LIMIT \"x] y] z\r\n", "T1 NO [LIMIT] y] z\r\n"},
	{"a code of a success", login, "T1 NO [APPENDUID] x\r\n", "T1 NO x\r\n"},
	{"a code that does not end", login, "T1 NO [LIMIT of all\r\n", "T1 NO LIMIT of all\r\n"},
	{"the UIDs of copies", "T1 UID MOVE 1 x\r\n", "* OK [COPYUID 1 1:5 ]\r\nT1 OK [COPYUID 9999999999 1 2] ok\r\n",
		"T1 OK ok\r\n"},
	{"numbers beyond 32 bits", open, "* OK [UIDNEXT 4294967297] x\r\n* OK [HIGHESTMODSEQ 99999999999999999999]\r\n* " +
		"9999999999 EXISTS\r\n", ""},
	{"a modification count below 0 (MailKit#1686)", open, "* OK [HIGHESTMODSEQ -1]\r\n* 5 EXISTS\r\n", "* 5 EXISTS\r\n"},
	{"a validity in milliseconds (go-imap#612)", open, "* OK [UIDVALIDITY 1713632002544]\r\n",
		"* OK [UIDVALIDITY 161486833] -\r\n"},
	{"a validity of 0", open, "* OK [UIDVALIDITY 0] ok\r\n", "* OK [UIDVALIDITY 890022063] ok\r\n"},
	{"a validity with blanks", open, "* OK [UIDVALIDITY  7 ] ok\r\n", "* OK [UIDVALIDITY 7] ok\r\n"},

	// Capabilities.
	{"capabilities with a blank at the end (QQ)", login, "* CAPABILITY IMAP4rev1  IDLE \r\n",
		"* CAPABILITY IMAP4rev1 IDLE\r\n"},
	{"capabilities in brackets", login, "* [CAPABILITY IMAP4rev1 IDLE]\r\n* CAPABILITY [IMAP4 \"ID\"]\r\n",
		"* CAPABILITY IMAP4rev1 IDLE\r\n* CAPABILITY IMAP4 ID\r\n"},
	{"capabilities in an answer", login, "T1 OK [CAPABILITY IMAP4rev1 A% IDLE ] in\r\n",
		"T1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"},
	{"capabilities in a status", login, "* OK [capability IMAP4rev1 AUTH=PLAIN\r\n", ""},

	// Flags.
	{"keywords with brackets (net-imap#241)", open,
		"* FLAGS (\\Seen OIB-Seen-[Gmail]/Trash)\r\n* OK [PERMANENTFLAGS (\\Seen OIB-Seen-[Gmail]/Trash x]) y \\*)] kept\r\n",
		"* OK [PERMANENTFLAGS (\\Seen y \\*)] kept\r\n"},
	{"keywords that are no atoms", open, "* OK [PERMANENTFLAGS (\\Answered () \" % { } a\x04b [] größe \"\\\\Deleted\" " +
		"\\* )]\r\n", "* OK [PERMANENTFLAGS (\\Answered } \\*)] -\r\n"},
	{"no flags", open, "* FLAGS ()\r\n* OK [PERMANENTFLAGS ()] none\r\n", "* OK [PERMANENTFLAGS ()] none\r\n"},
	{"flags with a blank at the end (async-imap#123)", open, "* FLAGS (\\Seen )\r\n* OK [PERMANENTFLAGS (\\Seen ) ] x\r\n",
		"* OK [PERMANENTFLAGS (\\Seen)] x\r\n"},

	// Listings.
	{"a listing with a count of changes", find, "* SEARCH 2 5 (MODSEQ 9)\r\n", "* SEARCH 2 5\r\n"},
	{"a listing with blanks and junk", find, "* SEARCH  2 x 0 5 99999999999 \r\n", "* SEARCH 2 5\r\n"},
	{"an extended listing", find, "* ESEARCH (TAG \"T1\") UID MIN 2 ALL 2:4,9 (MODSEQ 284535)\r\n",
		"* SEARCH 2 3 4 9\r\n"},
	{"an extended listing of nothing", find, "* ESEARCH (TAG \"T1\") UID\r\nT1 OK\r\n", "T1 OK -\r\n"},
	{"a blank in a listed mail (QQ)", uidOnly, "* 3 FETCH (UID 19436 )\r\n", "* 3 FETCH (UID 19436)\r\n"},
	{"the size before the UID", list, "* 3 FETCH (RFC822.SIZE 10 UID 7)\r\n", "* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"no size", list, "* 3 FETCH (UID 7 RFC822.SIZE NIL)\r\n* 4 FETCH (UID 8 RFC822.SIZE 1)\r\nT1 OK\r\n",
		"* 4 FETCH (UID 8 RFC822.SIZE 1)\r\n* 3 FETCH (UID 7)\r\nT1 OK -\r\n"},
	{"a size of a fraction (mail.ru)", list, "* 3 FETCH (RFC822.SIZE 9.3736e+06 UID 7)\r\nT1 OK\r\n",
		"* 3 FETCH (UID 7)\r\nT1 OK -\r\n"},
	{"unasked flags in a listing", list, "* 3 FETCH (FLAGS (a]b \"c (d {5} % ) e) UID 7 RFC822.SIZE 10 MODSEQ (-1))\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"unasked labels", list, "* 3 FETCH (X-GM-LABELS (\"\\\\Inbox\" [x) UID 7 RFC822.SIZE 10)\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"an envelope unasked, in brackets of its own (Domino)", list,
		"* 3 FETCH (UID 7 (ENVELOPE (NIL \"a)\" {2}\r\n)( NIL)) RFC822.SIZE 10)\r\n", "* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"an unknown item behind flags", list, "* 3 FETCH (FLAGS (\\Seen) FOO 5 UID 7 RFC822.SIZE 10)\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"another client sets a flag", list, "* 3 FETCH (FLAGS (\\Seen) UID 7)\r\n* 3 FETCH (UID 7 RFC822.SIZE " +
		"10)\r\nT1 OK\r\n", "* 3 FETCH (UID 7 RFC822.SIZE 10)\r\nT1 OK -\r\n"},
	{"flags behind no FETCH", store, "* 3 FETCH (FLAGS ($X) UID 7)\r\nT1 OK\r\n", "T1 OK -\r\n"},
	{"no parentheses", list, "* 3 FETCH UID 7 RFC822.SIZE 10\r\n", "* 3 FETCH (UID 7 RFC822.SIZE 10)\r\n"},
	{"a text that was not asked for", list, "* 3 FETCH (BODY[] {5}\r\nhello UID 7 RFC822.SIZE 5)\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 5)\r\n"},

	// Texts.
	{"all in order", texts, "* 3 FETCH (UID 7 RFC822.SIZE 5" + dated + " BODY[]<0> {5}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 5" + dated + " BODY[]<0> {5}\r\nhello)\r\n"},
	{"the UID after the text (Exchange)", texts, "* 3 FETCH (BODY[]<0> {5}\r\nhello" + dated +
		" UID 7 FLAGS (\\Seen))\r\n", "* 3 FETCH (UID 7" + dated + " BODY[]<0> {5}\r\nhello)\r\n"},
	{"the UID before, the rest after", texts, "* 3 FETCH (UID 7 BODY[]<0> {5}\r\nhello FLAGS (a)b) RFC822.SIZE 5" + dated +
		")\r\n", "* 3 FETCH (UID 7 BODY[]<0> {5}\r\nhello RFC822.SIZE 5" + dated + ")\r\n"},
	{"another client sets a flag meanwhile", texts,
		"* 3 FETCH (UID 7 FLAGS (\\Seen))\r\n* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nT1 OK\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nT1 OK -\r\n"},
	{"one mail in two responses", texts, "* 3 FETCH (UID 7 RFC822.SIZE 5)\r\n* 3 FETCH (BODY[] {5}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 RFC822.SIZE 5 BODY[] {5}\r\nhello)\r\n"},
	{"a literal8, no origin, the range told", texts, "* 3 FETCH (UID 7 BODY.PEEK[]<0.262145> ~{5+}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 BODY[]<0> {5}\r\nhello)\r\n"},
	{"by another name", texts, "* 3 FETCH (UID 7 RFC822 {5}\r\nhello)\r\n* 4 FETCH (UID 8 BINARY[] {2}\nhi)\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n* 4 FETCH (UID 8 BODY[] {2}\r\nhi)\r\n"},
	{"a quoted text", texts, "* 3 FETCH (UID 7 BODY[] \"a \\\"b\\\\ \xff\")\r\n",
		"* 3 FETCH (UID 7 BODY[] {7}\r\na \"b\\ \xff)\r\n"},
	{"an empty text", texts, "* 3 FETCH (UID 7 BODY[] {0}\r\n)\r\n", "* 3 FETCH (UID 7 BODY[] {0}\r\n)\r\n"},
	{"no text", texts, "* 3 FETCH (UID 7 BODY[] NIL)\r\n* 4 FETCH (UID 8 BODY[] )\r\n",
		"* 3 FETCH (UID 7 BODY[] NIL)\r\n* 4 FETCH (UID 8 BODY[] NIL)\r\n"},
	{"parts that were not asked for", texts,
		"* 3 FETCH (UID 7 BODY[HEADER.FIELDS (A B)] {2}\r\nxy BODY[] {5}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n"},
	{"a line end before the parenthesis", texts, "* 3 FETCH (UID 7 BODY[] {5}\r\nhello\r\n)\r\nT1 OK\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nT1 OK -\r\n"},
	{"the parenthesis too soon (Xeams)", texts, "* 3 FETCH (BODY[] {5}\r\nhello) UID 7 FLAGS ())\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n"},
	{"a trailer on its own line (Xeams)", texts,
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n FLAGS (\\Seen) RFC822.SIZE 5)\r\nT1 OK\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nT1 OK -\r\n"},
	{"flags in no list", texts, "* 3 FETCH (UID 7 FLAGS NIL BODY[] {5}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n"},
	{"items without a value before the text", texts,
		"* 3 FETCH (UID 7 INTERNALDATE RFC822.SIZE FOO BODY.PEEK[]<0> {5}\r\nhello)\r\n",
		"* 3 FETCH (UID 7 BODY[]<0> {5}\r\nhello)\r\n"},
	{"by sequence number", bySeq, "* 3 FETCH (BODY[] {5}\r\nhello)\r\n", "* 3 FETCH (BODY[] {5}\r\nhello)\r\n"},
}

func TestWhatServersSay(t *testing.T) {
	t.Parallel()
	for _, m := range manners {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if got, err := heard(m.command, m.says); got != m.reads || err != nil {
				t.Errorf("the server says %q\nthe library reads %q\nwant %q (error %v)", m.says, got, m.reads, err)
			}
		})
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"02-Nov-2026 10:00:00 +0000":           "02-Nov-2026 10:00:00 +0000",
		" 2-Nov-2026 10:00:00 +0100":           "02-Nov-2026 10:00:00 +0100",
		"2-Nov-2026 10:00:00":                  "02-Nov-2026 10:00:00 +0000",
		"Mon, 2 Nov 2026 10:00:00 +0000 (UTC)": "02-Nov-2026 10:00:00 +0000",
		"Mon, 02 Nov 2026 10:00:00 GMT":        "02-Nov-2026 10:00:00 +0000",
		"2026-11-02T10:00:00Z":                 "02-Nov-2026 10:00:00 +0000",
		"2026-11-02 10:00:00":                  "02-Nov-2026 10:00:00 +0000",
		"Mon Nov  2 10:00:00 2026":             "02-Nov-2026 10:00:00 +0000",
		"00-Jan-0000 00:00:00 +0000":           "", // Domino (MailKit#1236)
		"01-Jan-1970 00:00:00 +0000":           "",
		"01-Jan-0001 00:00:00 +0000":           "",
		"":                                     "",
		"yesterday":                            "",
	} {
		if got := date(text); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestTheFirstLineIsNoGreeting(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"220 mx.example.com ESMTP", "HTTP/1.1 400 Bad Request", "* 5"} {
		c := New(&script{in: strings.NewReader(line + "\r\n")}, false)
		if _, err := io.Copy(io.Discard, c); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q: error %v", line, err)
		}
	}
}

// A text longer than the server said is not guessed at: the rest of it, which a
// stranger wrote, is never read as the server's own words.
func TestATextIsLongerThanTheServerSaid(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{"world", "\r\nworld", "\r\n* 4 FETCH (UID 8 BODY[] {2}\r\nhi)\r\n", "\r\nT1 OK hi\r\n",
		" \r\n* x", "* 4 FETCH (UID 8 BODY[] {2}\r\nhi)\r\n"} {
		says := "* 3 FETCH (UID 7 BODY[] {5}\r\nhello" + rest + ")\r\nT1 OK\r\n"
		got, err := heard(texts, says)
		if err == nil || strings.Contains(got, "UID 8") || strings.Contains(got, "T1 OK") {
			t.Errorf("%q is read as %q, error %v", rest, got, err)
		}
		c := New(&script{in: strings.NewReader(says)}, true)
		c.Write([]byte(texts))
		c.Forgive()
		forgiven, err := io.ReadAll(c)
		want := "* OK secured\r\n* 3 FETCH (UID 7 BODY[] {5}\r\nhello)\r\nT1 OK "
		if !strings.HasPrefix(string(forgiven), want) || strings.Count(string(forgiven), "\r\n") != 4 || err != nil ||
			!c.Overran() {
			t.Errorf("%q is forgiven as %q, error %v", rest, forgiven, err)
		}
	}
}

func TestTheServersGoodbyeIsKept(t *testing.T) {
	t.Parallel()
	c := New(&script{in: strings.NewReader("* BYE [UNAVAILABLE] too many connections\r\n")}, true)
	if _, err := io.Copy(io.Discard, c); err != nil || !strings.Contains(c.Said(), "too many connections") {
		t.Errorf("said %q, error %v", c.Said(), err)
	}
}

// A listing of millions is passed on in pieces, and one that is no listing ends.
func TestLongListings(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for n := 1; n <= 3*maxPiece+7; n++ {
		fmt.Fprintf(&all, " %d", n)
	}
	got, err := heard(find, "* SEARCH"+all.String()+"\r\n")
	if joined := strings.ReplaceAll(strings.ReplaceAll(got, "* SEARCH", ""), "\r\n", ""); joined != all.String() ||
		err != nil {
		t.Errorf("%d bytes of %d were passed on, error %v", len(joined), all.Len(), err)
	}
	if _, err := heard(find, "* ESEARCH UID ALL 1:4294967295\r\n"); err == nil {
		t.Error("a listing of four thousand million mails was passed on")
	}
}

// Of a line of any length little is passed on, and what comes after it is heard.
func TestALineOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, begin := range []string{"* OK ", "* CAPABILITY ", "* XYZZY ", "* 3 FETCH (FLAGS (",
		"* 3 FETCH (UID 7 ENVELOPE (\"", "T1 OK ", "junk", "* SEARCH x"} {
		c := New(&script{in: io.MultiReader(strings.NewReader(begin), io.LimitReader(repeat('x'), 4<<20),
			strings.NewReader("\r\n* 5 EXISTS\r\n"))}, true)
		c.Write([]byte(list))
		out, err := io.ReadAll(c)
		if err != nil || len(out) > 2*maxLine || !strings.HasSuffix(string(out), "* 5 EXISTS\r\n") {
			t.Errorf("%q: %d bytes were passed on, error %v", begin, len(out), err)
		}
	}
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// BenchmarkConn is the cost of the layer: mails of 4 KiB, a chunk at a time.
func BenchmarkConn(b *testing.B) {
	for _, size := range []int{4 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := strings.Repeat("x", size)
			var says strings.Builder
			for i := 1; i <= 100; i++ {
				fmt.Fprintf(&says, "* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"02-Nov-2026 10:00:00 +0000\" BODY[]<0> "+
					"{%d}\r\n%s)\r\n", i, i, size, size, text)
			}
			b.SetBytes(int64(says.Len()))
			buffer := make([]byte, 4096)
			for b.Loop() {
				c := New(&script{in: strings.NewReader(says.String())}, true)
				c.Write([]byte(texts))
				for {
					if _, err := c.Read(buffer); err != nil {
						break
					}
				}
			}
		})
	}
}
