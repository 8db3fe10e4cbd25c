package alarm

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store/datafile"
)

// TestTokensThatEndAreTold: a refresh token in ten days, by the provider's word, a client
// secret in eleven, by the operator's, and a provider that gives none any more.
func TestTokensThatEndAreTold(t *testing.T) {
	t.Parallel()
	refuses := false
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if refuses {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"access","expires_in":3600,"refresh_token_expires_in":864000}`)
	}))
	defer provider.Close()
	account := config.OAuth{TokenURL: provider.URL, ClientID: "desk", RefreshToken: "first", SecretExpires: "2027-03-31"}
	cfg := config.Config{
		Service: config.Service{Data: t.TempDir(), Secret: base64.StdEncoding.EncodeToString(make([]byte, 32))},
		OAuth:   map[string]config.OAuth{"mail": account},
	}
	kept, err := datafile.Open(filepath.Join(t.TempDir(), "db"), datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	troubles := func(now time.Time) string {
		t.Helper()
		tokens, err := cfg.Accounts(kept)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens["mail"].Token(t.Context()); (err != nil) != refuses {
			t.Fatal(err)
		}
		return keysOf((&Subject{Config: cfg, Accounts: tokens}).tokenTroubles(now))
	}
	if got := troubles(time.Now()); got != "token-ends/mail 1" {
		t.Errorf("ten days before: %q", got)
	}
	march := time.Date(2027, 3, 20, 0, 0, 0, 0, time.UTC)
	if got := troubles(march); got != "token-ends/mail 3, secret-ends/mail 1" {
		t.Errorf("after the one ended, and before the other does: %q", got)
	}
	refuses = true
	if got := troubles(time.Now()); got != "token/mail 1" {
		t.Errorf("refused: %q", got)
	}
}
