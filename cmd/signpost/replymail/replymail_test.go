package replymail

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"signpost/mail/compose"
	"signpost/store"
	"signpost/store/brand"
	"signpost/store/ident"
	"signpost/store/lang"
)

// A preview shows the logo that the mail carries, without asking for anything.
func TestAPreviewShowsTheLogoOfTheMail(t *testing.T) {
	t.Parallel()
	logo, err := os.ReadFile("../../../mail/compose/testdata/logo.png")
	fatal(t, err)
	texts, err := lang.Load()
	fatal(t, err)
	ring, err := ident.New(bytes.Repeat([]byte("k"), ident.SecretBytes))
	fatal(t, err)
	c, err := compose.New(compose.Config{
		BaseURL: "https://help.example.com", Product: "Example Support", Instance: "f7k2m9", Brand: brand.Brand{Logo: logo},
	}, ring, texts)
	fatal(t, err)
	now := time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)
	o := store.Outbound{
		ID: 1, Kind: store.MailReply, Region: "us", Langs: []string{"en"}, From: "support@example.com", To: "ana@example.org",
		MessageID: "r.1@example.com", Ticket: 1, Number: "US-1042", Link: store.LinkID{1}, QueuedAt: now, Entry: 2,
	}
	e := store.Entry{Ticket: 1, Seq: 2, Kind: store.EntryReply, At: now, Body: "It has *left*."}
	m, err := Preview(c)(t.Context(), o, e, nil)
	fatal(t, err)
	want := `src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(logo) + `"`
	if !strings.Contains(m.HTML, want) ||
		strings.Contains(m.HTML, "cid:") {
		t.Errorf("the preview shows no logo:\n%s", m.HTML)
	}
	if !strings.HasPrefix(m.Text, "It has left.") || !bytes.Contains(m.Raw, []byte("Content-ID: <logo.")) {
		t.Errorf("its text is %q", m.Text)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
