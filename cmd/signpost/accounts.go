package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
	"signpost/store"
)

// endsSoon is how long before its end a token or secret is told of.
const endsSoon = 14 * 24 * time.Hour

// tokenTroubles tells of accounts that get no token, and of what ends soon.
func (a *App) tokenTroubles(now time.Time) (list []store.Trouble) {
	ends := func(id, what string, at time.Time) store.Trouble {
		return store.Trouble{
			Key: what + "-ends/" + id, What: fmt.Sprintf("the %s of oauth.%s ends on %s", map[string]string{"token": "refresh token", "secret": "client secret"}[what], id, at.Format(time.DateOnly)),
			Do:    "Get a new one from the provider and put it in the place of the old; without it the mailboxes of this account cannot be read, and its mail not sent.",
			Level: 1 + level(endsSoon-at.Sub(now), endsSoon-3*24*time.Hour, endsSoon),
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.accounts)) {
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
		if day, ok := a.cfg.OAuth[id].SecretEnds(); ok && day.Sub(now) < endsSoon {
			list = append(list, ends(id, "secret", day))
		}
	}
	return list
}

// watchAccounts shows when each account's credentials end; 0 where nobody knows.
func (m *metrics) watchAccounts(a config.Accounts, cfg config.Config) {
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
			ends, _ := cfg.OAuth[id].SecretEnds()
			return unix(ends)
		})
	}
}

// checkAccounts asks each provider for a token.
func checkAccounts(ctx context.Context, cfg config.Config, r *report) {
	if len(cfg.OAuth) == 0 {
		return
	}
	err := os.MkdirAll(cfg.Service.Data, 0o700) // a new refresh token must not be lost
	if err != nil {
		r.fail("OAuth", "%v", err)
		return
	}
	all, err := cfg.Accounts()
	if err != nil {
		r.fail("OAuth", "%v", err)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		checkAccount(ctx, "OAuth account "+id, all[id], cfg.OAuth[id], r)
	}
}

func checkAccount(ctx context.Context, heading string, source *oauth.Source, cfg config.OAuth, r *report) {
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
	if ends, ok := cfg.SecretEnds(); ok && time.Until(ends) < endsSoon {
		r.warn(heading, "the client secret ends on %s", ends.Format(time.DateOnly))
	}
}
