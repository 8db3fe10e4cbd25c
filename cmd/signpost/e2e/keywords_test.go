//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oddKeywords are such as a real server keeps, and tells as they are, though none is
// an atom (RFC 3501 section 9).
var oddKeywords = []string{"OIB-Seen-[Gmail]/Trash", "to(do", "50%", "a)b", `q"q`, "{5}", "[]"}

// TestE2EKeywords: keywords that somebody set on a mail, and that are not in the
// grammar, keep no mail of the mailbox from being read, and none that comes from being answered.
func TestE2EKeywords(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	const first, second = "first@example.net", "second@example.net"
	h.write(t, first, s.US, letter(first, s.US, "first@stray.example.net", "Where is my order?"))
	h.setKeywords(t, s.US, oddKeywords)
	said := h.says(t, s.US, "SELECT INBOX", "FETCH 1 (FLAGS)")
	for _, keyword := range oddKeywords {
		if strings.Count(said, " "+keyword) < 2 {
			t.Fatalf("the server does not tell the keyword %s of the mail:\n%s", keyword, said)
		}
	}

	s.Start(t)
	eventually(t, 15*time.Second, "the mail with the keywords is decided", func() error {
		if n := s.metric(t, `signpost_inbound_mails{state="decided"}`); n != 1 {
			return fmt.Errorf("%v mails are", n)
		}
		return nil
	})
	h.write(t, second, s.US, letter(second, s.US, "second@stray.example.net", "And mine?"))
	h.awaitMail(t, second, 1)
	if n := s.metric(t, `signpost_inbound_mails{state="quarantined"}`); n != 0 {
		t.Errorf("%v mails were set aside", n)
	}
}

// setKeywords puts keywords on the one mail of a mailbox, as the server itself keeps
// them: a file of names, and a letter for each in the name of the mail.
func (h *mailHost) setKeywords(t *testing.T, address string, keywords []string) {
	t.Helper()
	dir := filepath.Join(h.Dir, "dovecot", "mail", address)
	var mails []string
	eventually(t, 15*time.Second, "the mail lies in the mailbox", func() error {
		if mails, _ = filepath.Glob(filepath.Join(dir, "new", "*")); len(mails) != 1 {
			return fmt.Errorf("%d mails do", len(mails))
		}
		return nil
	})
	names, letters := "", ""
	for i, keyword := range keywords {
		names += fmt.Sprintf("%d %s\n", i, keyword)
		letters += string(rune('a' + i))
	}
	writeFile(t, filepath.Join(dir, "dovecot-keywords"), names)
	if err := os.Rename(mails[0], filepath.Join(dir, "cur", filepath.Base(mails[0])+":2,"+letters)); err != nil {
		t.Fatal(err)
	}
	chownTo(t, dir, "nobody:nogroup")
}

// says is what the server says to commands, byte for byte.
func (h *mailHost) says(t *testing.T, address string, commands ...string) (said string) {
	t.Helper()
	conn, err := net.Dial("tcp", h.IMAP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	for _, command := range append([]string{fmt.Sprintf("LOGIN %s %s", address, mailPassword)}, commands...) {
		fmt.Fprintf(conn, "x %s\r\n", command)
		for line := ""; !strings.HasPrefix(line, "x "); said += line {
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatalf("%s: %v", command, err)
			}
		}
	}
	return said
}
