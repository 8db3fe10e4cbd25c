package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"signpost/mail/outbox"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// withAccount is the example's configuration with one mailbox and the relay
// behind an account.
func withAccount(tokenURL string) string {
	file := strings.Replace(Example, `auth = "password"                # or xoauth2`, `auth = "xoauth2"
oauth = "mail"                   # or xoauth2`, 1)
	file = strings.Replace(file, `auth = "plain"  `, `oauth = "mail"
auth = "xoauth2"  `, 1)
	return file + "\n[oauth.mail]\ntoken_url = \"" + tokenURL + "\"\nclient_id = \"desk\"\nsecret_expires = " +
		"\"2027-03-31\"\n"
}

func environForAccount(refresh string) []string {
	return []string{
		"SIGNPOST_SECRET=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"SIGNPOST_MAILBOX__INTL__PASSWORD=three", "SIGNPOST_OAUTH__MAIL__REFRESH_TOKEN=" + refresh,
	}
}

// TestAnAccountServesMailboxAndRelay: one account, a provider that replaces the
// refresh token each time and takes no old one, a restart, and a new token by
// the operator's hand.
func TestAnAccountServesMailboxAndRelay(t *testing.T) {
	t.Parallel()
	var serial atomic.Int64
	var last atomic.Value
	last.Store("first")
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("refresh_token") != last.Load() {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return
		}
		n := serial.Add(1)
		last.Store(fmt.Sprint("next", n))
		fmt.Fprintf(w, `{"access_token":"access%d","expires_in":3600,`+
			`"refresh_token":"next%d","refresh_token_expires_in":864000}`, n, n)
	}))
	defer provider.Close()
	cfg, err := Parse("f.toml", []byte(withAccount(provider.URL)), environForAccount("first"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Service.Data = t.TempDir()
	kept := keptTokens(t)
	for restart := range 2 {
		tokens, err := cfg.Accounts(kept)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint("access", restart+1)
		box, relay := cfg.ForWatcher("us", tokens), cfg.ForSender(tokens)
		if relay.Auth != outbox.AuthXOAuth2 || relay.Validate() != nil {
			t.Errorf("the relay is logged in at by %s: %v", relay.Auth, relay.Validate())
		}
		for name, token := range map[string]func(context.Context) (string, error){
			"mailbox": box.Token, "relay": relay.Token,
		} {
			if got, err := token(t.Context()); got != want || err != nil {
				t.Errorf("%s: %q, %v, want %s", name, got, err, want)
			}
		}
	}
	if other := cfg.ForWatcher("intl", Accounts{}); other.Token != nil {
		t.Error("a mailbox with a password asks for a token")
	}
	sealed, err := kept.SealedToken(t.Context(), "oauth/mail")
	if err != nil || bytes.Contains(sealed, []byte("next2")) {
		t.Errorf("the token is kept as %q, %v", sealed, err)
	}
	last.Store("by hand")
	again, err := Parse("f.toml", []byte(withAccount(provider.URL)), environForAccount("by hand"))
	if err != nil {
		t.Fatal(err)
	}
	again.Service.Data = cfg.Service.Data
	tokens, err := again.Accounts(kept)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens["mail"].Token(t.Context()); got != "access3" {
		t.Errorf("with a new token by hand: %q, %v", got, err)
	}
}

// keptTokens is a store of tokens.
func keptTokens(t *testing.T) *verbs.Store {
	t.Helper()
	e, err := memory.Open(verbs.Layouts(), memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := verbs.Open(e, verbs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestATokenOfAnEarlierVersionIsTakenOver: it lay in a file, in the clear. It is used, and
// the file is gone as soon as the store has a newer one.
func TestATokenOfAnEarlierVersionIsTakenOver(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 9)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.FormValue("refresh_token")
		fmt.Fprint(w, `{"access_token":"a","expires_in":3600,"refresh_token":"newest"}`)
	}))
	defer provider.Close()
	cfg, err := Parse("f.toml", []byte(withAccount(provider.URL)), environForAccount("configured"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Service.Data = t.TempDir()
	file, origin := filepath.Join(cfg.Service.Data, "oauth-mail.json"), sha256.Sum256([]byte("configured"))
	text := fmt.Sprintf(`{"configured":"%x","refresh_token":"of the file"}`, origin)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := keptTokens(t)
	for _, want := range []string{"of the file", "newest"} {
		tokens, err := cfg.Accounts(kept)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens["mail"].Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-asked; got != want {
			t.Errorf("the provider was shown %q, want %q", got, want)
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is still there: %v", err)
		}
	}
}

func TestFaultsOfAccounts(t *testing.T) {
	t.Parallel()
	file := `[service]
base_url = "https://help.example.com"

[region.all]
prefix = "A"
address = "a@example.com"
name = "A"
zone = "Europe/London"
mailbox = "all"

[mailbox.all]
address = "imap.example.com:993"
username = "a@example.com"
auth = "xoauth2"
oauth = "gone"

[smtp]
address = "smtp.example.com:25"
tls = "opportunistic"
username = "a@example.com"
auth = "xoauth2"
oauth = "mail"

[oauth.mail]
token_url = "http://login.example.com/token"
client_secret = "hunter2"
secret_expires = "soon"
`
	_, err := Parse("f.toml", []byte(file), environForAccount("")[:1])
	for _, want := range []string{
		"f.toml:15: mailbox.all.oauth: there is no [oauth.gone]",
		"f.toml:19: smtp.tls: opportunistic TLS checks no certificate",
		"f.toml:25: oauth.mail.token_url:", "f.toml:24: oauth.mail.client_id:",
		"f.toml:26: oauth.mail.client_secret: a secret does not belong",
		"f.toml:27: oauth.mail.secret_expires:",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault begins %q", want)
		}
	}
	if t.Failed() || strings.Contains(err.Error(), "hunter2") {
		t.Logf("faults were:\n%v", err)
	}
}
