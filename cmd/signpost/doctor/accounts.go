package doctor

import (
	"context"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
)

// checkAccounts asks each provider for a token.
func (d Deps) checkAccounts(ctx context.Context, cfg config.Config, r *report) {
	if len(cfg.OAuth) == 0 {
		return
	}
	all, err := cfg.Accounts(d.Tokens)
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
		r.warn(heading, "does not say when the refresh token ends\nMost end when they lie unused for months, or when "+
			"the account's password changes.")
	default:
		r.good(heading, "the refresh token is good until %s", status.RefreshUntil.Format(time.DateOnly))
	}
	if ends, ok := cfg.SecretEnds(); ok && time.Until(ends) < config.EndsSoon {
		r.warn(heading, "the client secret ends on %s", ends.Format(time.DateOnly))
	}
}
