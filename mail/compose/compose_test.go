package compose

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/google/go-cmp/cmp"

	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
)

var (
	queued  = time.Date(2026, 11, 20, 15, 4, 5, 678000, time.UTC)
	promise = time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	linkID  = store.LinkID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

func config(t testing.TB) Config {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		BaseURL: "https://help.example.com", Product: "Example Support", Instance: "f7k2m9", NullSender: true,
		Zone: func(string) *time.Location { return newYork },
	}
}

func ring(t testing.TB) *ident.Ring {
	r, err := ident.New(bytes.Repeat([]byte("k"), ident.SecretBytes))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func composer(t testing.TB, change ...func(*Config)) *Composer {
	t.Helper()
	conf := config(t)
	for _, f := range change {
		f(&conf)
	}
	texts, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(conf, ring(t), texts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func confirmationRow(tag string) store.Outbound {
	return store.Outbound{
		ID: 7001, Kind: store.MailConfirmation, Region: "us", Langs: []string{tag},
		From: "partner-us.support@example.com", FromName: "Partner Support, United States", To: "ana@partner.example",
		MessageID: "c.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com",
		Ticket:    42, Number: "US-1042", Link: linkID, QueuedAt: queued,
		Promise: store.Promise{FirstResponseBy: promise, ResolutionBy: promise.AddDate(0, 0, 3)},
	}
}

func mustCompose(t testing.TB, c *Composer, o store.Outbound) Message {
	t.Helper()
	m, err := c.Compose(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// opened is a mail as a mail program reads it.
type opened struct {
	header     message.Header
	text, html string
}

// fatal is the part of a test that ends it, which rapid's has too.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func open(t fatal, raw []byte) opened {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	o := opened{header: e.Header}
	parts := e.MultipartReader()
	if kind, _, _ := e.Header.ContentType(); kind == "multipart/mixed" { // files stand behind
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		parts = part.MultipartReader()
	}
	for _, want := range []struct {
		mediaType string
		into      *string
	}{{"text/plain", &o.text}, {"text/html", &o.html}} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, params, _ := part.Header.ContentType(); got != want.mediaType || params["charset"] != "utf-8" {
			t.Fatalf("part is %s %v, want %s", got, params, want.mediaType)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		*want.into = string(body)
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Fatalf("after two parts: %v, want EOF", err)
	}
	return o
}

// Every mail stands in testdata as it leaves, byte for byte. One that differs
// is written beside it as .got: read it, and if it is better rename it.
func TestMailsLeaveAsKept(t *testing.T) {
	t.Parallel()
	c := composer(t)
	mails := map[string]store.Outbound{}
	for _, tag := range []string{"en", "es", "zh-Hans", "id", "ar"} {
		mails["confirmation."+tag] = confirmationRow(tag)
		mails["links."+tag] = linksRow(tag, 1)
		mails["solved."+tag] = solvedRow(tag)
		mails["invitation."+tag] = invitationRow(tag)
		mails["promise."+tag], mails["promise.late."+tag] = promiseRow(tag), lateRow(tag)
		mails["links.more."+tag] = linksRow(tag, 3)
		mails["autoresponse."+tag] = autoResponseRow(tag)
		mails["autoresponse.ticket."+tag] = ticketAnswerRow(tag)
	}
	mails["autoresponse.ar+en"] = autoResponseRow("ar", "en")
	mails["autoresponse.id+zh-Hans"] = autoResponseRow("id", "zh-Hans")
	for name, row := range mails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkKept(t, name, mustCompose(t, c, row))
		})
	}
}

// checkKept compares a mail with the one kept under that name.
func checkKept(t testing.TB, name string, m Message) {
	t.Helper()
	file := filepath.Join("testdata", name+".eml")
	want, _ := os.ReadFile(file)
	if diff := cmp.Diff(string(want), string(m.Bytes)); diff != "" {
		if err := os.WriteFile(file+".got", m.Bytes, 0o644); err != nil {
			t.Error(err)
		}
		t.Errorf("differs from %s (-kept +composed):\n%s", file, diff)
	}
}

// attachments are the files of a mail: type, name and content of each.
func attachments(t testing.TB, raw []byte) (all []string) {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	parts := e.MultipartReader()
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		mediaType, _, _ := part.Header.ContentType()
		disposition, params, _ := part.Header.ContentDisposition()
		if disposition != "attachment" {
			continue
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mediaType+" "+params["filename"]+" "+string(body))
	}
}

func TestConfirmationTellsNumberDateAddressAndLinkInBothParts(t *testing.T) {
	t.Parallel()
	c := composer(t)
	dates := map[string]string{
		"en":      "Tuesday, 24 November 2026, 17:00 (UTC−05:00, New York)",
		"es":      "martes, 24 de noviembre de 2026, 17:00 (UTC−05:00, New York)",
		"zh-Hans": "2026年11月24日 星期二 17:00（UTC−05:00，New York）",
		"id":      "Selasa, 24 November 2026, pukul 17:00 (UTC−05:00, New York)",
		"ar":      "الثلاثاء، 24 نوفمبر 2026، الساعة 17:00 (\u2066UTC−05:00, New York\u2069)",
	}
	link := "https://help.example.com/t/" + ring(t).LinkToken(linkID)
	for tag, date := range dates {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			m := mustCompose(t, c, confirmationRow(tag))
			mail := open(t, m.Bytes)
			if tag == "zh-Hans" { // the catalogue may write the zone's comma either way
				date = date[:strings.Index(date, "（")]
			}
			for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
				for _, want := range []string{"US-1042", date, "partner-us.support@example.com", link} {
					if !strings.Contains(body, want) {
						t.Errorf("the %s part lacks %q:\n%s", part, want, body)
					}
				}
				if strings.Contains(body, "{{") || strings.Contains(body, "[[") || strings.Contains(body, "no value") ||
					strings.Contains(body, "mail.") && strings.Contains(body, "mail.confirm") {
					t.Errorf("the %s part shows a hole in the catalogue:\n%s", part, body)
				}
			}
			if !strings.Contains(mail.text, "\r\n"+link+"\r\n") {
				t.Errorf("the link does not stand on a line of its own:\n%s", mail.text)
			}
			if subject, _ := mail.header.Text("Subject"); !strings.HasPrefix(subject, "[US-1042] ") {
				t.Errorf("subject %q", subject)
			}
			wantHeader(t, mail.header, map[string]string{
				"Auto-Submitted": "auto-generated", "Precedence": "", "Content-Language": tag,
				"X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply", "X-Signpost-Instance": "f7k2m9",
				"X-Signpost-Ref": "<" + m.ID + ">",
				"Date":           "Fri, 20 Nov 2026 15:04:05 +0000", "To": "ana@partner.example",
				"Message-Id": "<" + m.ID + ">", "Reply-To": "", "Sender": "", "In-Reply-To": "", "List-Unsubscribe": "",
			})
			if m.Notify != NotifyFailureDelay || m.EnvelopeID != m.ID || m.UTF8 {
				t.Errorf("envelope %+v", m)
			}
		})
	}
}

func wantHeader(t *testing.T, h message.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := h.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// A partner whose region promises nothing is promised nothing.
func TestConfirmationWithoutAPromiseNamesNoDate(t *testing.T) {
	t.Parallel()
	row := confirmationRow("en")
	row.Promise = store.Promise{}
	mail := open(t, mustCompose(t, composer(t), row).Bytes)
	if strings.Contains(mail.text+mail.html, "hear from us") {
		t.Errorf("a promise that was not made:\n%s\n%s", mail.text, mail.html)
	}
}

// A bounce of the confirmation finds its row by the envelope sender alone.
func TestConfirmationLeavesUnderATagThatNamesItsRow(t *testing.T) {
	t.Parallel()
	row := confirmationRow("en")
	m := mustCompose(t, composer(t), row)
	tag, ok := ident.ParseEnvelope(m.From)
	if !ok || tag.ID != row.ID || !ring(t).VerifyTag(tag, row.To, queued) {
		t.Errorf("envelope sender %q does not name row %d", m.From, row.ID)
	}
}

func TestEveryTrySendsTheSameBytes(t *testing.T) {
	t.Parallel()
	rsaKey, edKey := keys(t)
	sign := func(c *Config) {
		c.Signers = []Signer{{"example.com", "r", rsaKey}, {"example.com", "e", edKey}}
	}
	first, second := composer(t, sign), composer(t, sign)
	for _, row := range []store.Outbound{confirmationRow("ar"), autoResponseRow("es", "en")} {
		a := mustCompose(t, first, row)
		row.Attempts, row.Claim, row.State = 4, 9, store.StateClaimed
		b := mustCompose(t, second, row)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s differs between tries:\n%s", row.Kind, diff)
		}
	}
}

// A thread of a hundred letters keeps its root and its nearest ancestors.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	row := autoResponseRow("en")
	row.References = nil
	for i := range 100 {
		row.References = append(row.References, fmt.Sprintf("letter-%02d@partner.example", i))
	}
	row.References[3] = "broken id\r\nBcc: x@y" // skipped, the rest stays
	row.InReplyTo = "letter-99@partner.example"
	mail := open(t, mustCompose(t, composer(t), row).Bytes)
	refs := strings.Fields(mail.header.Get("References"))
	if len(refs) != 20 || refs[0] != "<letter-00@partner.example>" || refs[3] != "<letter-04@partner.example>" ||
		refs[10] != "<letter-90@partner.example>" || refs[19] != "<letter-99@partner.example>" {
		t.Errorf("References: %q", refs)
	}
}

// A mail without a usable Message-ID is answered outside any thread.
func TestWithoutAnIDToAnswerThereIsNoThread(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "two words@x", "a@b>\r\nX-Evil: 1", strings.Repeat("x", 5000) + "@y", "café@x"} {
		row := autoResponseRow("en")
		row.InReplyTo = id
		wantHeader(t, open(t, mustCompose(t, composer(t), row).Bytes).header,
			map[string]string{"In-Reply-To": "", "References": "", "X-Evil": ""})
	}
}

func TestInternationalAddresses(t *testing.T) {
	t.Parallel()
	c := composer(t)
	row := confirmationRow("en")
	row.To = "ana@bücher.example"
	if m := mustCompose(t, c, row); m.To != "ana@xn--bcher-kva.example" || m.UTF8 {
		t.Errorf("a domain beyond ASCII: to %q, SMTPUTF8 %v", m.To, m.UTF8)
	}
	row.To = "josé@partner.example"
	if m := mustCompose(t, c, row); m.To != row.To || !m.UTF8 {
		t.Errorf("a local part beyond ASCII: to %q, SMTPUTF8 %v", m.To, m.UTF8)
	}
}

// A row that cannot become a mail is refused; the reason names no address,
// since it is logged.
func TestRowsThatCannotBecomeMailAreRefused(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for name, spoil := range map[string]func(*store.Outbound){
		"unknown kind":      func(o *store.Outbound) { o.Kind = "greeting" },
		"no recipient":      func(o *store.Outbound) { o.To = "" },
		"two recipients":    func(o *store.Outbound) { o.To = "a@secret.example, b@secret.example" },
		"named recipient":   func(o *store.Outbound) { o.To = "A <a@secret.example>" },
		"injected address":  func(o *store.Outbound) { o.To = "a@secret.example\r\nBcc: b@secret.example" },
		"spaced address":    func(o *store.Outbound) { o.To = "a b@secret.example" },
		"endless address":   func(o *store.Outbound) { o.To = strings.Repeat("a", 5000) + "@secret.example" },
		"group":             func(o *store.Outbound) { o.To = "g: a@secret.example;" },
		"quoted recipient":  func(o *store.Outbound) { o.To = `"a@b"@secret.example` },
		"routed by percent": func(o *store.Outbound) { o.To = "victim%third@secret.example" },
		"routed by bangs":   func(o *store.Outbound) { o.To = "a!b@secret.example" },
		"routed sender":     func(o *store.Outbound) { o.From = "a!b@secret.example" },
		"no sender":         func(o *store.Outbound) { o.From = "secret.example" },
		"no Message-ID":     func(o *store.Outbound) { o.MessageID = "" },
		"broken Message-ID": func(o *store.Outbound) { o.MessageID = "a@b>\r\nX: <y@z" },
		"no number":         func(o *store.Outbound) { o.Number = "" },
		"no link":           func(o *store.Outbound) { o.Link = store.LinkID{} },
	} {
		row := confirmationRow("en")
		spoil(&row)
		m, err := c.Compose(row)
		if err == nil {
			t.Errorf("%s: composed %q", name, m.Bytes)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error names the address: %v", name, err)
		}
	}
}

func TestConfigurationFaultsAreAllNamed(t *testing.T) {
	t.Parallel()
	texts, _ := lang.Load()
	_, err := New(Config{BaseURL: "https://help.example.com/", Instance: "a b\r\n",
		Signers: []Signer{{"exa mple.com", "s", nil}}}, ring(t), texts)
	for _, want := range []string{"ends in a slash", "installation id", "DKIM signer"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name: %s", err, want)
		}
	}
	for _, base := range []string{
		"", "help.example.com", "ftp://x", "https://", "https://x?y=1", "https://u:p@x", "https://büro.example",
		"https://x/ y",
	} {
		conf := config(t)
		conf.BaseURL = base
		if _, err := New(conf, ring(t), texts); err == nil {
			t.Errorf("base URL %q was accepted", base)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	rsaKey, edKey := keys(b)
	for name, c := range map[string]*Composer{
		"unsigned": composer(b),
		"ed25519":  composer(b, func(c *Config) { c.Signers = []Signer{{"example.com", "e", edKey}} }),
		"rsa2048":  composer(b, func(c *Config) { c.Signers = []Signer{{"example.com", "r", rsaKey}} }),
	} {
		for _, row := range []store.Outbound{confirmationRow("en"), confirmationRow("ar"), autoResponseRow("es", "en")} {
			b.Run(name+"/"+string(row.Kind)+"/"+strings.Join(row.Langs, "+"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					mustCompose(b, c, row)
				}
			})
		}
	}
}

// Bounces may go to a mailbox of their own: the envelope alone names it.
func TestBouncesGoWhereTheRegionSays(t *testing.T) {
	t.Parallel()
	c := &Composer{config: Config{Bounces: func(region string) string {
		return map[string]string{"us": "bounces@mail.example.com"}[region]
	}}}
	for region, want := range map[string]string{"us": "bounces@mail.example.com", "intl": "partner.support@example.com"} {
		if got := c.bounces(region, "partner.support@example.com"); got != want {
			t.Errorf("bounces of %s go to %s, want %s", region, got, want)
		}
	}
}

func TestAnAlarmIsPlainText(t *testing.T) {
	t.Parallel()
	row := store.Outbound{
		ID: 7003, Kind: store.MailAlarm, Region: store.OwnRegion, From: "partner-us.support@example.com", FromName: "Desk",
		To:        "ops@ops.example",
		MessageID: "al.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com", QueuedAt: queued,
		Subject: "Alarm: new: It broke\r\nBcc: eve@evil.example", Text: "NEW\nIt broke – badly.\n",
	}
	m := mustCompose(t, composer(t), row)
	e, err := message.Read(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	wantHeader(t, e.Header, map[string]string{
		"Auto-Submitted": "auto-generated", "Subject": "Alarm: new: It broke Bcc: eve@evil.example", "Bcc": "",
		"X-Signpost-Instance": "f7k2m9",
		"Content-Type":        "text/plain; charset=utf-8",
	})
	if body, err := io.ReadAll(e.Body); err != nil || string(body) != "NEW\r\nIt broke – badly.\r\n" {
		t.Errorf("it says %q, %v", body, err)
	}
	if tag, ok := ident.ParseEnvelope(m.From); !ok || tag.ID != row.ID {
		t.Errorf("it leaves under %q", m.From)
	}
}

func TestACanarysStrayBearsItsMarkAlone(t *testing.T) {
	t.Parallel()
	row := store.Outbound{
		ID: 7004, Kind: store.MailCanary, Region: store.OwnRegion, From: "canary@example.com", FromName: "Canary",
		To:        "partner-us.support@example.com",
		MessageID: "canary.x@example.com", QueuedAt: queued, Subject: "Canary", Text: "Hello\n", Mark: "token",
	}
	m := mustCompose(t, composer(t), row)
	e, err := message.Read(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	wantHeader(t, e.Header, map[string]string{
		"X-Signpost-Canary": "token", "Auto-Submitted": "", "Precedence": "", "X-Signpost-Instance": "", "X-Signpost-Ref": "",
		"X-Auto-Response-Suppress": "",
	})
	if m.From != "canary@example.com" || m.Notify != NotifyNever {
		t.Errorf("it leaves under %q, notify %v", m.From, m.Notify)
	}
	for name, change := range map[string]func(*store.Outbound){
		"a stray without a mark": func(o *store.Outbound) { o.Mark = "" },
		"an alarm without words": func(o *store.Outbound) { o.Kind, o.Text = store.MailAlarm, "" },
	} {
		bad := row
		if change(&bad); func() error { _, err := composer(t).Compose(bad); return err }() == nil {
			t.Errorf("%s was composed", name)
		}
	}
}
