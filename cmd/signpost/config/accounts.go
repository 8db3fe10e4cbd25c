package config

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"signpost/mail/oauth"
)

// Accounts are the [oauth.ID] tables: where access tokens come from, by id.
type Accounts map[string]*oauth.Source

// EndsSoon is how long before its end a token or secret is told of.
const EndsSoon = 14 * day

// Accounts are the sources of access tokens. Each keeps the refresh tokens that its
// provider hands out among the sealed tokens.
func (c Config) Accounts(tokens oauth.Store) (Accounts, error) {
	if len(c.OAuth) == 0 {
		return Accounts{}, nil
	}
	ring, err := c.Service.Ring()
	if err != nil {
		return nil, err
	}
	return c.AccountsBy(ring, tokens)
}

// AccountsBy is Accounts for who has the ring that seals the tokens.
func (c Config) AccountsBy(ring oauth.Sealer, tokens oauth.Store) (Accounts, error) {
	all := Accounts{}
	for id, o := range c.OAuth {
		k := oauth.Keeper{
			Store: tokens, Sealer: ring, Account: id, Configured: o.RefreshToken,
			File: filepath.Join(c.Service.Data, "oauth-"+id+".json"),
		}
		source, err := oauth.New(oauth.Config{
			TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
			RefreshToken: o.RefreshToken, Scope: o.Scope, Keep: k.Keep, Kept: k.Kept,
		})
		if err != nil {
			return nil, fmt.Errorf("oauth.%s: %w", id, err)
		}
		all[id] = source
	}
	return all, nil
}

// token is the func that a mail connection asks; nil without an account.
func (a Accounts) token(id string) func(ctx context.Context) (string, error) {
	if source, ok := a[id]; ok {
		return source.Token
	}
	return nil
}

// refused is the func that such a connection tells of a token refused.
func (a Accounts) refused(id string) func(token string) bool {
	if source, ok := a[id]; ok {
		return source.Refused
	}
	return nil
}

// SecretEnds is the day on which the client secret ends, as the operator noted
// it; false without one.
func (c OAuth) SecretEnds() (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, c.SecretExpires)
	return day, err == nil
}
