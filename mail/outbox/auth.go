package outbox

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"signpost/mail/oauth"
)

// login is the client side of LOGIN. It answers the first question with the name
// and the second with the password whatever they say: servers word them
// differently, and some take no initial response.
type login struct {
	user, password string
	asked          int
}

func (l *login) Start() (string, []byte, error) { return string(AuthLogin), nil, nil }

func (l *login) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}

// cramMD5 is the client side of CRAM-MD5 (RFC 2195).
type cramMD5 struct{ user, password string }

func (c *cramMD5) Start() (string, []byte, error) { return string(AuthCRAMMD5), nil, nil }

func (c *cramMD5) Next(challenge []byte) ([]byte, error) {
	sum := hmac.New(md5.New, []byte(c.password))
	sum.Write(challenge)
	return fmt.Appendf(nil, "%s %x", c.user, sum.Sum(nil)), nil
}

// scramSHA256 is the client side of SCRAM-SHA-256 (RFC 7677), which also proves
// that the server knows the password.
type scramSHA256 struct{ *scram.ClientConversation }

func newSCRAM(user, password string) (sasl.Client, error) {
	client, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		return nil, fmt.Errorf("AUTH %s: %w", AuthSCRAM, err)
	}
	return &scramSHA256{client.NewConversation()}, nil
}

func (s *scramSHA256) Start() (string, []byte, error) {
	first, err := s.Step("")
	return string(AuthSCRAM), []byte(first), err
}

func (s *scramSHA256) Next(challenge []byte) ([]byte, error) {
	response, err := s.Step(string(challenge))
	return []byte(response), err
}

// mechanism chooses how to log in with what the relay offers.
func (c Config) mechanism(ctx context.Context, offered []string) (sasl.Client, error) {
	has := func(m AuthMechanism) bool { return slices.Contains(offered, string(m)) }
	choice := c.Auth
	if choice == AuthAuto && c.Token != nil {
		choice = AuthXOAuth2
	}
	if choice == AuthAuto {
		choice = AuthPlain
		for _, m := range []AuthMechanism{AuthCRAMMD5, AuthSCRAM, AuthLogin, AuthPlain} {
			if has(m) {
				choice = m
			}
		}
	}
	if !has(choice) {
		return nil, fmt.Errorf("the relay does not offer AUTH %s (it offers %q)", choice, strings.Join(offered, " "))
	}
	switch choice {
	case AuthPlain:
		return sasl.NewPlainClient("", c.Username, c.Password), nil
	case AuthLogin:
		return &login{user: c.Username, password: c.Password}, nil
	case AuthSCRAM:
		return newSCRAM(c.Username, c.Password)
	case AuthCRAMMD5:
		return &cramMD5{c.Username, c.Password}, nil
	}
	token, err := c.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("no access token: %w", err)
	}
	return &oauth.XOAUTH2{User: c.Username, Token: token}, nil
}

// login runs the AUTH exchange (RFC 4954 section 4).
func (s *session) login(client sasl.Client) error {
	name, initial, err := client.Start()
	if err != nil {
		return broken(StageAuth, err)
	}
	line := "AUTH " + name
	if initial != nil {
		line += " " + encodeInitial(initial)
	}
	for {
		r, err := s.exchange(StageAuth, line)
		if err != nil {
			return err
		}
		if r.code == 235 {
			return nil
		}
		if r.code != 334 {
			return loginRefused(client, r)
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.text))
		if _, deaf := client.(*login); err != nil && !deaf { // LOGIN does not read what it is asked
			return broken(StageAuth, fmt.Errorf("challenge: %w", err))
		}
		response, err := client.Next(challenge)
		if err != nil {
			return broken(StageAuth, err)
		}
		line = base64.StdEncoding.EncodeToString(response)
	}
}

// encodeInitial is RFC 4954 section 4: an empty initial response is "=".
func encodeInitial(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// loginRefused keeps what an XOAUTH2 server said before its plain refusal.
func loginRefused(client sasl.Client, r reply) error {
	if x, ok := client.(*oauth.XOAUTH2); ok && x.Fault != "" {
		r.text += "\n" + x.Fault
	}
	return refused(StageAuth, r)
}
