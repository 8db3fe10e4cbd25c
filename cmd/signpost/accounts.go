package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"signpost/mail/oauth"
	"signpost/store"
)

// endsSoon is how long before its end a token or secret is told of.
const endsSoon = 14 * 24 * time.Hour

// accounts are the [oauth.ID] tables: where access tokens come from, by id.
type accounts map[string]*oauth.Source

func newAccounts(cfg Config) (accounts, error) {
	all := accounts{}
	for id, c := range cfg.OAuth {
		k := keeper{path: filepath.Join(cfg.Service.Data, "oauth-"+id+".json"), configured: c.RefreshToken}
		source, err := oauth.New(oauth.Config{
			TokenURL: c.TokenURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret,
			RefreshToken: c.RefreshToken, Scope: c.Scope, Keep: k.keep, Kept: k.kept,
		})
		if err != nil {
			return nil, fmt.Errorf("oauth.%s: %w", id, err)
		}
		all[id] = source
	}
	return all, nil
}

// token is the func that a mail connection asks; nil without an account.
func (a accounts) token(id string) func(ctx context.Context) (string, error) {
	if source, ok := a[id]; ok {
		return source.Token
	}
	return nil
}

// refused is the func that such a connection tells of a token refused.
func (a accounts) refused(id string) func(token string) bool {
	if source, ok := a[id]; ok {
		return source.Refused
	}
	return nil
}

// keeper holds the refresh tokens that a provider handed out in the place of the
// configured one, in a file of the data folder.
type keeper struct{ path, configured string }

type keptToken struct {
	// Configured is the SHA-256 of the configured token it descends from: when the
	// operator configures another, what was kept is worth nothing.
	Configured   string `json:"configured"`
	RefreshToken string `json:"refresh_token"`
}

func (k keeper) origin() string {
	sum := sha256.Sum256([]byte(k.configured))
	return hex.EncodeToString(sum[:])
}

// kept is the newest token that descends from the configured one, "" for none.
func (k keeper) kept() string {
	var t keptToken
	raw, err := os.ReadFile(k.path)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Configured != k.origin() {
		return ""
	}
	return t.RefreshToken
}

// keep replaces the file in one step.
func (k keeper) keep(token string) error {
	raw, err := json.Marshal(keptToken{k.origin(), token})
	if err != nil {
		return err
	}
	return writeWhole(k.path, raw)
}

// writeWhole replaces a file in one durable step; only we may read it. Without the
// sync of its folder a power cut would bring the old file back, and a refresh token
// that the provider has replaced is worth nothing.
func writeWhole(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// tokenTroubles tells of accounts that get no token, and of what ends soon.
func (a *App) tokenTroubles(now time.Time) (list []store.Trouble) {
	ends := func(id, what string, at time.Time) store.Trouble {
		return store.Trouble{
			Key: what + "-ends/" + id, What: fmt.Sprintf("the %s of oauth.%s ends on %s", map[string]string{"token": "refresh token", "secret": "client secret"}[what], id, at.Format(time.DateOnly)),
			Do:    "Get a new one from the provider and put it in the place of the old; without it the mailboxes of this account cannot be read, and its mail not sent.",
			Level: 1 + level(endsSoon-at.Sub(now), endsSoon-3*24*time.Hour, endsSoon),
		}
	}
	for _, id := range sortedKeys(a.accounts) {
		status := a.accounts[id].Status()
		if status.Err != nil {
			list = append(list, store.Trouble{
				Key: "token/" + id, What: fmt.Sprintf("no new access token for oauth.%s: %v", id, status.Err), Level: 1,
				Do: "The words are the provider's: has the app's consent been withdrawn, its secret ended? signpost check asks for a token.",
			})
		}
		if until := status.RefreshUntil; !until.IsZero() && until.Sub(now) < endsSoon {
			list = append(list, ends(id, "token", until))
		}
		if day, ok := a.cfg.OAuth[id].secretEnds(); ok && day.Sub(now) < endsSoon {
			list = append(list, ends(id, "secret", day))
		}
	}
	return list
}

// register shows when each account's credentials end; 0 where nobody knows.
func (a accounts) register(m *metrics, cfg Config) {
	unix := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return float64(t.Unix())
	}
	for id, source := range a {
		gauge := func(what string, value func() float64) {
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "signpost_oauth_ends_timestamp_seconds", Help: "When a credential of an account ends, 0 where nobody knows.",
				ConstLabels: prometheus.Labels{"account": id, "what": what},
			}, value))
		}
		gauge("access_token", func() float64 { return unix(source.Status().Until) })
		gauge("refresh_token", func() float64 { return unix(source.Status().RefreshUntil) })
		gauge("client_secret", func() float64 {
			ends, _ := cfg.OAuth[id].secretEnds()
			return unix(ends)
		})
	}
}

// checkAccounts asks each provider for a token.
func checkAccounts(ctx context.Context, cfg Config, r *report) {
	if len(cfg.OAuth) == 0 {
		return
	}
	err := os.MkdirAll(cfg.Service.Data, 0o700) // a new refresh token must not be lost
	if err != nil {
		r.fail("OAuth", "%v", err)
		return
	}
	all, err := newAccounts(cfg)
	if err != nil {
		r.fail("OAuth", "%v", err)
		return
	}
	for _, id := range sortedKeys(all) {
		checkAccount(ctx, "OAuth account "+id, all[id], cfg.OAuth[id], r)
	}
}

func checkAccount(ctx context.Context, heading string, source *oauth.Source, cfg OAuthConfig, r *report) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if _, err := source.Token(ctx); err != nil {
		r.fail(heading, "%v\nAre token_url, client_id and the secrets right, and was the app given consent?", err)
		return
	}
	status := source.Status()
	r.good(heading, "gives access tokens; this one until %s", status.Until.Format(time.RFC3339))
	if status.Err != nil {
		r.warn(heading, "%v", status.Err)
	}
	switch {
	case cfg.RefreshToken == "":
	case status.RefreshUntil.IsZero():
		r.warn(heading, "does not say when the refresh token ends\nMost end when they lie unused for months, or when the account's password changes.")
	default:
		r.good(heading, "the refresh token is good until %s", status.RefreshUntil.Format(time.DateOnly))
	}
	if ends, ok := cfg.secretEnds(); ok && time.Until(ends) < endsSoon {
		r.warn(heading, "the client secret ends on %s", ends.Format(time.DateOnly))
	}
}
