// Package oauth gets the access tokens by which mail hosts let programs in: the
// refresh token grant (RFC 6749 section 6) and client credentials (section 4.4).
//
// What stands here: Source, the token of one account (oauth.go); Keeper, which keeps
// refresh tokens in the store (keeper.go); XOAUTH2, the mechanism by which IMAP and SMTP
// take a token (xoauth2.go).
//
// A call flows so: Source.Token returns the token it holds while that is good; when it
// is about to end, one caller asks the provider for the next and the others wait for it.
// A refresh token that the provider hands out with it is kept (Config.Keep; Keeper puts
// it into the store, sealed) before it is used: the old one may be void by then. After a
// failure the provider is not asked for some seconds, since both sender and watchers
// come back often.
//
// To add a grant: its settings in Config, a check of them in New, and its parameters
// where ask forms the request.
//
// No token and no secret is ever in an error.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	askLimit  = 20 * time.Second // one question to the provider
	lastWords = 5 * time.Second  // of which, after the last caller stopped waiting for the answer
	maxBody   = 64 << 10         // bytes of its answer
	early     = 5 * time.Minute  // a token is renewed so long before it ends
	shortest  = time.Minute      // a token is held at least so long
	untold    = time.Hour        // how long one lasts whose life the provider did not tell
	leaveFor  = 15 * time.Second // after a failure
	maxToken  = 16 << 10         // bytes of a token
	fresh     = 5 * time.Minute  // a token younger than this was not revoked meanwhile
)

// Config is one account at a provider.
type Config struct {
	// TokenURL is the provider's token endpoint; https, except on a loopback
	// address.
	TokenURL     string
	ClientID     string
	ClientSecret string // "" for a public client
	// RefreshToken chooses the refresh token grant; without one it is client
	// credentials.
	RefreshToken string
	Scope        string // several with spaces between; "" leaves it to the provider
	// Keep stores a refresh token that replaces the one before, and Kept returns
	// the one stored last, "" for none: another process may have stored it. Nil:
	// it is forgotten when the process ends.
	Keep func(refreshToken string) error
	Kept func() string
	// Client asks; nil is one that follows no redirect.
	Client *http.Client
}

// ErrRefused is the provider's word that this account gets no token until a person
// mends it. A provider that cannot be reached has not said that.
var ErrRefused = errors.New("the provider refuses an access token")

// Status is how an account does.
type Status struct {
	Until time.Time // when the access token held ends; zero: none is held
	// RefreshUntil is when the refresh token ends, where the provider tells; most
	// do not, and end it when it lies unused for months or when the password of
	// its account changes.
	RefreshUntil time.Time
	Err          error // what went wrong when the provider was last asked, nil for nothing
}

// Source holds the token of one account. It is safe for concurrent use.
type Source struct {
	cfg    Config
	asking chan struct{} // holds one: who asks the provider

	mu      sync.Mutex
	refresh string
	token   string
	status  Status
	askedAt time.Time // of the last failure to get one
	gotAt   time.Time // of the token held
}

// New prepares a source; the provider is not asked before Token. An error is a setting
// that cannot work.
func New(cfg Config) (*Source, error) {
	u, err := url.Parse(cfg.TokenURL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("the token URL is no address of a web service")
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return nil, errors.New("the token URL must begin with https://: secrets go there")
	case cfg.ClientID == "":
		return nil, errors.New("no client id")
	case cfg.RefreshToken == "" && cfg.ClientSecret == "":
		return nil, errors.New("neither a refresh token nor a client secret")
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Source{cfg: cfg, refresh: cfg.RefreshToken, asking: make(chan struct{}, 1)}, nil
}

func isLoopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Status tells how the account does.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Token returns an access token that is good for a while yet. Its error says in
// the provider's words why there is none.
func (s *Source) Token(ctx context.Context) (string, error) {
	if token, err, known := s.held(); known {
		return token, err
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token, err, known := s.held(); known { // while we waited
		return token, err
	}
	// Its answer may hold a refresh token that ends the one we have: it is heard
	// also when who asked is being stopped.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	stopped := context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	defer stopped()
	return s.take(s.ask(asking))
}

// Refused tells the source that a host refused a login with a token of its own:
// providers revoke tokens before their end. It drops that token and returns true
// when it is worth trying with the next one, which it is not where the token was
// fresh: then it is not the token that is refused.
func (s *Source) Refused(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.token != token:
		return true // another caller was refused it and has dropped it
	case time.Since(s.gotAt) < fresh:
		return false
	}
	s.token, s.status.Until = "", time.Time{}
	return true
}

// held is the token in hand or, for a moment after a failure, that failure.
func (s *Source) held() (token string, err error, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.goodFor(now, early):
		return s.token, nil, true
	case now.Sub(s.askedAt) >= leaveFor:
		return "", nil, false
	case s.goodFor(now, shortest):
		return s.token, nil, true
	}
	return "", s.status.Err, s.status.Err != nil
}

// goodFor tells whether the token held lasts so long yet; the caller holds mu.
func (s *Source) goodFor(now time.Time, d time.Duration) bool {
	return s.token != "" && now.Before(s.status.Until.Add(-d))
}

// take notes how asking ended.
func (s *Source) take(g grant, err error) (string, error) {
	kept := s.keep(g)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.status.Err, s.askedAt = err, now
		// What is held stays good to its end: a provider in trouble must not cut
		// us off early.
		if s.goodFor(now, shortest) {
			return s.token, nil
		}
		return "", err
	}
	s.gotAt = now
	s.token, s.status.Until, s.status.Err = g.AccessToken, now.Add(max(g.lasts(), early+shortest)), kept
	if ends := max(g.RefreshExpiresIn, g.RefreshTokenExpiresIn); ends > 0 {
		s.status.RefreshUntil = now.Add(seconds(ends))
	}
	return s.token, nil
}

// keep notes and stores a refresh token that is new. One that cannot be stored
// serves until the process ends.
func (s *Source) keep(g grant) error {
	s.mu.Lock()
	known := s.refresh
	changed := known != "" && g.RefreshToken != "" && g.RefreshToken != known
	if changed {
		s.refresh = g.RefreshToken
	}
	s.mu.Unlock()
	if !changed || s.cfg.Keep == nil {
		return nil
	}
	if err := s.cfg.Keep(g.RefreshToken); err != nil {
		return fmt.Errorf("the new refresh token cannot be kept: %w", err)
	}
	return nil
}

// grant is the provider's answer (RFC 6749 sections 5.1 and 5.2). When a refresh
// token ends is not in the standard; Google and Keycloak tell it, each by a name
// of its own.
type grant struct {
	AccessToken           string `json:"access_token"`
	TokenType             string `json:"token_type"`
	ExpiresIn             number `json:"expires_in"`
	RefreshToken          string `json:"refresh_token"`
	RefreshTokenExpiresIn number `json:"refresh_token_expires_in"`
	RefreshExpiresIn      number `json:"refresh_expires_in"`

	Fault       string `json:"error"`
	Description string `json:"error_description"`
}

// number is a JSON number or, as some providers write it (Microsoft's endpoint of
// version 1), one in quotes. What is neither is 0: the token itself matters more.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err == nil && v > 0 { // which NaN is not
		*n = number(v)
	}
	return nil
}

func (g grant) lasts() time.Duration {
	if g.ExpiresIn <= 0 {
		return untold
	}
	return seconds(g.ExpiresIn)
}

// seconds is n seconds, at most ten years: what says more means never.
func seconds(n number) time.Duration {
	return time.Duration(min(n, 10*365*86400) * number(time.Second))
}

// ask puts one question to the provider.
func (s *Source) ask(ctx context.Context) (g grant, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.TokenURL, strings.NewReader(s.form().Encode()))
	if err != nil {
		return g, errors.New("the token URL is no address of a web service")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := s.cfg.Client.Do(req)
	if err != nil {
		return g, fmt.Errorf("ask for an access token: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return g, fmt.Errorf("read the provider's answer: %w", err)
	}
	faulty := json.Unmarshal(body, &g) // read all the same: refusals are JSON too
	switch {
	case g.Fault != "":
		return grant{}, refusal(resp.StatusCode, g)
	case resp.StatusCode != http.StatusOK:
		return grant{}, fmt.Errorf("the provider answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case faulty != nil:
		return grant{}, errors.New("the provider's answer is no JSON")
	case g.AccessToken == "" || len(g.AccessToken) > maxToken || strings.ContainsFunc(g.AccessToken, notVisible):
		return grant{}, errors.New("the provider's answer holds no access token")
	case g.TokenType != "" && !strings.EqualFold(g.TokenType, "bearer"):
		return grant{}, fmt.Errorf("the provider hands out tokens of type %s, not Bearer", plain(g.TokenType))
	}
	return g, nil
}

// refusal is the provider's word that it gives no token. Some of its words only mean
// that it cannot now (RFC 6749 section 4.1.2.1; slow_down is of RFC 8628).
func refusal(status int, g grant) error {
	said := plain(strings.TrimSpace(g.Fault + " " + g.Description))
	switch g.Fault {
	case "temporarily_unavailable", "server_error", "slow_down":
		return fmt.Errorf("the provider cannot give an access token now: %s", said)
	}
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		return fmt.Errorf("the provider cannot give an access token now: %d %s", status, said)
	}
	return fmt.Errorf("%w: %s", ErrRefused, said)
}

// form is the request. The client names itself in the body (RFC 6749 section
// 2.3.1): both Google and Microsoft ask for it so.
func (s *Source) form() url.Values {
	kept := ""
	if s.cfg.Kept != nil {
		kept = s.cfg.Kept()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept != "" {
		s.refresh = kept
	}
	v := url.Values{"client_id": {s.cfg.ClientID}}
	if s.cfg.ClientSecret != "" {
		v.Set("client_secret", s.cfg.ClientSecret)
	}
	if s.cfg.Scope != "" {
		v.Set("scope", s.cfg.Scope)
	}
	if s.refresh == "" {
		v.Set("grant_type", "client_credentials")
		return v
	}
	v.Set("grant_type", "refresh_token")
	v.Set("refresh_token", s.refresh)
	return v
}

// notVisible tells what may stand in no token (RFC 6750 section 2.1), such as the
// byte that ends a field of XOAUTH2.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// plain is a provider's text as it may be shown: one line, not long.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "")
	}
	return text
}
