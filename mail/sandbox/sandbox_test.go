package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

func start(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := New(cfg)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func dialSMTP(t testing.TB, s *Server) *smtp.Client {
	t.Helper()
	conn, err := s.DialSMTP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClient(conn)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dialIMAP(t testing.TB, s *Server, address string, opts *imapclient.Options) *imapclient.Client {
	t.Helper()
	conn, err := s.DialIMAP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := imapclient.New(conn, opts)
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(address, "demo").Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// letterOf is a person's mail.
func mailOf(from, to, subject string, extra ...string) []byte {
	head := []string{"From: " + from, "To: " + to, "Subject: " + subject,
		"Message-ID: <" + fmt.Sprintf("%x", subject) + "@example.org>"}
	return []byte(strings.Join(append(head, extra...), "\r\n") + "\r\n\r\nHello there.\r\n")
}

func send(t testing.TB, s *Server, from, to string, raw []byte) {
	t.Helper()
	c := dialSMTP(t, s)
	if err := c.SendMail(from, []string{to}, bytes.NewReader(raw)); err != nil {
		t.Fatalf("send to %s: %v", to, err)
	}
}

// await waits for a mail whose raw text holds every one of parts.
func await(t testing.TB, s *Server, address string, parts ...string) Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, err := s.Await(ctx, address, func(m Mail) bool {
		for _, p := range parts {
			if !strings.Contains(string(m.Raw), p) {
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t testing.TB, raw []byte) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	return m
}

func TestAMailSentBySMTPIsReadByIMAP(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	send(t, s, "ann@partner.example", "Support+b-abc@Example.com",
		mailOf("Ann <ann@partner.example>", "support@example.com", "Hello"))

	c := dialIMAP(t, s, "support@example.com", nil)
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil || box.NumMessages != 1 {
		t.Fatalf("select: %+v, %v", box, err)
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	got, err := c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{
		UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true,
		BodyStructure: &imap.FetchItemBodyStructure{}, BodySection: []*imap.FetchItemBodySection{whole},
	}).Collect()
	if err != nil || len(got) != 1 {
		t.Fatalf("fetch: %d, %v", len(got), err)
	}
	raw := got[0].FindBodySection(whole)
	if int64(len(raw)) != got[0].RFC822Size || got[0].Envelope.Subject != "Hello" || len(got[0].Flags) != 0 {
		t.Errorf("fetched %d bytes of %d, subject %q, flags %v", len(raw), got[0].RFC822Size,
			got[0].Envelope.Subject, got[0].Flags)
	}
	h := parse(t, raw).Header
	want := map[string]string{
		"Return-Path":  "<ann@partner.example>",
		"Delivered-To": "Support+b-abc@Example.com",
		"Authentication-Results": "mx.sandbox.example.com; spf=pass smtp.mailfrom=ann@partner.example; dkim=none; " +
			"dmarc=pass header.from=partner.example",
	}
	for name, value := range want {
		if diff := cmp.Diff(value, h.Get(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if !strings.HasSuffix(string(raw), "\r\n\r\nHello there.\r\n") ||
		!strings.Contains(h.Get("Received"), "by mx.sandbox.example.com") {
		t.Errorf("the mail changed on its way:\n%s", raw)
	}
}

func TestWhatAHostThinksOfASender(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, from, author, want string }{
		{"a person", "a@x.example", "a@x.example",
			"spf=pass smtp.mailfrom=a@x.example; dkim=none; dmarc=pass header.from=x.example"},
		{"their mail host", "b@bounces.x.example", "a@x.example",
			"spf=pass smtp.mailfrom=b@bounces.x.example; dkim=none; dmarc=pass header.from=x.example"},
		{"another's name", "b@y.example", "a@x.example",
			"spf=pass smtp.mailfrom=b@y.example; dkim=none; dmarc=fail header.from=x.example"},
		{"a forged domain", "a@spoofed.example", "a@spoofed.example",
			"spf=fail smtp.mailfrom=a@spoofed.example; dkim=none; dmarc=fail header.from=spoofed.example"},
		{"the null sender", "", "MAILER-DAEMON@x.example",
			"spf=none smtp.helo=localhost; dkim=none; dmarc=none header.from=x.example"},
		{"the null sender, forged", "", "a@mail.spoofed.example",
			"spf=none smtp.helo=localhost; dkim=none; dmarc=fail header.from=mail.spoofed.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			raw := mailOf(tc.author, "me@example.com", "x")
			if err := s.Deliver(tc.from, []string{"me@example.com"}, raw); err != nil {
				t.Fatal(err)
			}
			got := parse(t, await(t, s, "me@example.com").Raw).Header.Get("Authentication-Results")
			if diff := cmp.Diff("mx.sandbox.example.com; "+tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAForgedResultIsTakenOutAndAForeignOneStays(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for _, forged := range []string{
		"Authentication-Results: mx.sandbox.example.com; dmarc=pass",
		"AUTHENTICATION-RESULTS : MX.Sandbox.Example.Com.; dmarc=pass",
		"Authentication-Results:\r\n (so (they) say)\r\n \"mx.sandbox.example.com\" 1; dmarc=pass",
	} {
		raw := []byte(forged + "\r\nReturn-Path: <forged@example.org>\r\n" +
			"Authentication-Results: other.example; spf=none\r\nFrom: a@spoofed.example\r\n\r\nbody\r\n")
		if err := s.Deliver("a@spoofed.example", []string{"me@example.com"}, raw); err != nil {
			t.Fatal(err)
		}
		m, err := s.Mail(s.Mails("me@example.com", 0, 1)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		text := string(m.Raw)
		if strings.Contains(text, "dmarc=pass") || strings.Contains(text, "forged@") ||
			!strings.Contains(text, "other.example; spf=none") {
			t.Errorf("kept of %q:\n%s", forged, text)
		}
	}
}

func TestIdleTellsOfNewMail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{})
		told := make(chan uint32, 10)
		c := dialIMAP(t, s, "support@example.com",
			&imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
				Mailbox: func(data *imapclient.UnilateralDataMailbox) {
					if data.NumMessages != nil {
						told <- *data.NumMessages
					}
				},
			}})
		if _, err := c.Select("INBOX", nil).Wait(); err != nil {
			t.Fatal(err)
		}
		idle, err := c.Idle()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		send(t, s, "ann@partner.example", "support@example.com", mailOf("ann@partner.example", "support@example.com", "one"))
		if n := <-told; n != 1 {
			t.Errorf("told of %d mails", n)
		}
		if err := idle.Close(); err != nil {
			t.Fatal(err)
		}
		if err := idle.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// SENTSINCE and SENTBEFORE ask for the day that the author wrote (RFC 3501 section 6.4.4).
func TestASearchForDaysDisregardsTheZone(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	raw := append([]byte("Date: Mon, 2 Nov 2026 23:30:00 -0500\r\n"), mailOf("a@x.example", "me@example.com", "late")...)
	if err := s.Deliver("a@x.example", []string{"me@example.com"}, raw); err != nil {
		t.Fatal(err)
	}
	c := dialIMAP(t, s, "me@example.com", nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	for name, tc := range map[string]struct {
		want     imap.SearchCriteria
		isListed bool
	}{
		"on the day":        {imap.SearchCriteria{SentSince: day(2), SentBefore: day(3)}, true},
		"since the next":    {imap.SearchCriteria{SentSince: day(3)}, false},
		"before that day":   {imap.SearchCriteria{SentBefore: day(2)}, false},
		"before the next":   {imap.SearchCriteria{SentBefore: day(3)}, true},
		"since the day":     {imap.SearchCriteria{SentSince: day(2)}, true},
		"on the day before": {imap.SearchCriteria{SentSince: day(1), SentBefore: day(2)}, false},
	} {
		found, err := c.UIDSearch(&tc.want, nil).Wait()
		if err != nil || (len(found.AllUIDs()) == 1) != tc.isListed {
			t.Errorf("%s: %v %v", name, found, err)
		}
	}
}

func TestMoveStoreCopyAndExpunge(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for i := range 4 {
		err := s.Deliver("a@x.example", []string{"me@example.com"},
			mailOf("a@x.example", "me@example.com", fmt.Sprint("no ", i)))
		if err != nil {
			t.Fatal(err)
		}
	}
	c := dialIMAP(t, s, "ME@example.com", nil)
	for _, cap := range []imap.Cap{imap.CapMove, imap.CapUIDPlus, imap.CapIdle} {
		if !c.Caps().Has(cap) {
			t.Errorf("%s is not offered", cap)
		}
	}
	if err := c.Create("Processed", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	store := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{"$SignpostDone", imap.FlagSeen}}
	if _, err := c.Store(imap.UIDSetNum(1), store, nil).Collect(); err != nil {
		t.Fatal(err)
	}
	moved, err := c.Move(imap.UIDSetNum(1, 2), "Processed").Wait()
	if err != nil || moved.DestUIDs.String() != "1:2" {
		t.Fatalf("move: %+v, %v", moved, err)
	}
	if _, err := c.Move(imap.UIDSetNum(1, 2), "Processed").Wait(); err != nil {
		t.Errorf("a second move of what is gone: %v", err)
	}
	if _, err := c.Copy(imap.UIDSetNum(3), "Processed").Wait(); err != nil {
		t.Fatal(err)
	}
	drop := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if _, err := c.Store(imap.UIDSetNum(4), drop, nil).Collect(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UIDExpunge(imap.UIDSetNum(4)).Collect(); err != nil {
		t.Fatal(err)
	}
	header := []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "NO"}}
	left, err := c.UIDSearch(&imap.SearchCriteria{Header: header}, nil).Wait()
	if err != nil || left.AllUIDs() == nil || len(left.AllUIDs()) != 1 || left.AllUIDs()[0] != 3 {
		t.Errorf("left in INBOX: %+v, %v", left, err)
	}
	if _, err := c.Select("Processed", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	criteria := &imap.SearchCriteria{Flag: []imap.Flag{"$signpostdone"}, Text: []string{"hello there"}}
	done, err := c.UIDSearch(criteria, nil).Wait()
	if err != nil || len(done.AllUIDs()) != 1 {
		t.Errorf("marked done: %+v, %v", done, err)
	}
	got, err := c.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{Flags: true}).Collect()
	if err != nil || len(got) != 1 {
		t.Fatalf("fetch: %+v, %v", got, err)
	}
	if diff := cmp.Diff([]imap.Flag{"$SignpostDone", imap.FlagSeen}, got[0].Flags); diff != "" {
		t.Errorf("flags: %s", diff)
	}
}

func TestALoginNeedsThePasswordAndAnAddress(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for _, try := range [][2]string{{"me@example.com", "wrong"}, {"me", "demo"}, {"", ""}} {
		conn, err := s.DialIMAP(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := imapclient.New(conn, nil)
		if err := c.Login(try[0], try[1]).Wait(); err == nil {
			t.Errorf("%q was let in with %q", try[0], try[1])
		}
		_ = c.Close()
	}
	for _, client := range []sasl.Client{
		sasl.NewPlainClient("", "me@example.com", "demo"), sasl.NewLoginClient("me@example.com", "demo"),
	} {
		if err := dialSMTP(t, s).Auth(client); err != nil {
			t.Errorf("SMTP login: %v", err)
		}
	}
	if err := dialSMTP(t, s).Auth(sasl.NewPlainClient("", "me@example.com", "wrong")); err == nil {
		t.Error("SMTP took a wrong password")
	}
}

func TestTheOldestMailsAreForgottenAndMemoryStaysBounded(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxBytes: 4 << 20, MaxMails: 100})
	c := dialIMAP(t, s, "me@example.com", nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	before := heap()
	body := strings.Repeat(strings.Repeat("x", 78)+"\r\n", 6554) // 512 KiB
	for i := range 200 {
		raw := append(mailOf("a@x.example", "me@example.com", fmt.Sprint("big ", i)), body...)
		if err := s.Deliver("a@x.example", []string{"me@example.com"}, raw); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB over 100 MiB of mail", grown>>20)
	}
	kept := s.Mails("me@example.com", 0, 1000)
	if len(kept) != 7 || kept[0].Subject != "big 199" {
		t.Fatalf("%d mails kept, the newest %q", len(kept), kept[0].Subject)
	}
	_, err := c.Fetch(imap.UIDSet{imap.UIDRange{Start: 1}}, &imap.FetchOptions{RFC822Size: true, UID: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Noop().Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Fetch(imap.UIDSet{imap.UIDRange{Start: 1}}, &imap.FetchOptions{RFC822Size: true, UID: true}).Collect()
	if err != nil || len(got) != 7 || got[6].UID != 200 {
		t.Errorf("over IMAP %d mails: %v", len(got), err)
	}
	if _, err := s.Mail(1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a forgotten mail: %v", err)
	}
	for i := range 200 {
		if err := s.Deliver("a@x.example", []string{"me@example.com"},
			mailOf("a@x.example", "me@example.com", fmt.Sprint("small ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Mails("", 0, 1000)); n != 100 {
		t.Errorf("%d mails kept of at most 100", n)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestMailboxesAreBoundedAndEmptyOnesMakeRoom(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxMailboxes: 2, MaxMails: 2})
	for _, to := range []string{"a@x.example", "b@x.example"} {
		if err := s.Deliver("me@x.example", []string{to}, mailOf("me@x.example", to, "x")); err != nil {
			t.Fatal(err)
		}
	}
	var reply *smtp.SMTPError
	err := s.Deliver("me@x.example", []string{"c@x.example"}, mailOf("me@x.example", "c", "x"))
	if !errors.As(err, &reply) || reply.Code != 452 {
		t.Fatalf("a third mailbox: %v", err)
	}
	if err := s.Deliver("me@x.example", []string{"b@x.example"}, mailOf("me@x.example", "b", "y")); err != nil {
		t.Fatal(err) // now a's only mail is forgotten
	}
	if err := s.Deliver("me@x.example", []string{"c@x.example"}, mailOf("me@x.example", "c", "x")); err != nil {
		t.Errorf("a third mailbox in place of an empty one: %v", err)
	}
}

func TestHostileMailIsTakenAsItIsOrRefused(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxMessage: 64 << 10})
	for name, raw := range map[string]string{
		"empty": "", "no header": "just text\r\n", "fold first": " x: y\r\n\r\nz", "no colon": "Subject\r\n\r\nx",
		"NUL": "Subject: a\x00b\r\n\r\n\x00", "bare CR": "Subject: x\rFrom: y\r\n\r\nz",
		"8 bit": "Subject: \xff\xfe\r\n\r\n\xff",
		"mbox":  "From a@b Mon Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\ny", "only header": "Subject: x",
	} {
		if err := s.Deliver("a@x.example", []string{"me@example.com"}, []byte(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, err := s.Mail(s.Mails("me@example.com", 0, 1)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = mail.ReadMessage(io.MultiReader(bytes.NewReader(m.Raw), strings.NewReader("\r\n\r\n")))
		if err != nil && name != "NUL" && name != "bare CR" && name != "no colon" && name != "fold first" {
			t.Errorf("%s: stored so that it cannot be read: %v\n%q", name, err, m.Raw)
		}
	}
	if err := s.Deliver("a@x.example", []string{"me@example.com"}, bytes.Repeat([]byte("x"), 65<<10)); err == nil {
		t.Error("took a mail over the limit")
	}
	if err := s.Deliver("a@x.example", []string{"me@example.com\r\nBcc: x"}, nil); err == nil {
		t.Error("took an address with a line break")
	}
	loop := strings.Repeat("Received: from a by b\r\n", 101) + "\r\nx"
	if err := s.Deliver("a@x.example", []string{"me@example.com"}, []byte(loop)); !errors.Is(err, errLoop) {
		t.Errorf("a mail with 101 hops: %v", err)
	}
}

func TestOverTCPAndClosedInTheMiddle(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	ends := make(chan error, 2)
	l1, l2 := listen(t), listen(t)
	go func() { ends <- s.ServeSMTP(l1) }()
	go func() { ends <- s.ServeIMAP(l2) }()
	c, err := smtp.Dial(l1.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, ext := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE", "AUTH"} {
		if ok, _ := c.Extension(ext); !ok {
			t.Errorf("%s is not offered", ext)
		}
	}
	if err := c.SendMail("a@x.example", []string{"me@example.com"},
		bytes.NewReader(mailOf("a@x.example", "me@example.com", "x"))); err != nil {
		t.Fatal(err)
	}
	i, err := imapclient.DialInsecure(l2.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if err := i.Login("me@example.com", "demo").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for range 2 {
		if err := <-ends; err != nil {
			t.Errorf("serve returned %v", err)
		}
	}
	if _, err := s.DialSMTP(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial after close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAServerStartedAgainShowsAnotherUIDValidity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[uint32]bool{}
		for range 3 {
			s := New(Config{})
			c := dialIMAP(t, s, "me@example.com", nil)
			box, err := c.Select("inbox", nil).Wait()
			if err != nil {
				t.Fatal(err)
			}
			seen[box.UIDValidity] = true
			_ = c.Close()
			_ = s.Close()
			time.Sleep(100 * time.Millisecond)
		}
		if len(seen) != 3 {
			t.Errorf("UIDVALIDITY of three runs: %v", seen)
		}
	})
}
