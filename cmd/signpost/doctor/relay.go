package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/outbox"
)

// checkSMTP logs in at the relay and asks what it would take.
func (d Deps) checkSMTP(ctx context.Context, cfg config.Config, r *report) {
	heading := "Relay " + cfg.SMTP.Address
	tokens, err := cfg.Accounts(d.Tokens)
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	sender := cfg.ForSender(tokens)
	if err := sender.Validate(); err != nil {
		r.fail(heading, "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	p, err := outbox.Probe(ctx, sender)
	if err != nil {
		r.fail(heading, "%v\n%s", err, hintFor(err))
		return
	}
	r.good(heading, "greeted by %s", p.Greeting)
	switch {
	case p.TLS == "":
		r.warn(heading, "spoken to in the clear; fine on this machine alone")
	case time.Until(p.Certificate) < 14*24*time.Hour:
		r.warn(heading, "%s, but the certificate ends on %s", p.TLS, p.Certificate.Format(time.DateOnly))
	default:
		r.good(heading, "%s, certificate good until %s", p.TLS, p.Certificate.Format(time.DateOnly))
	}
	if p.LoggedIn {
		r.good(heading, "logged in as %s", cfg.SMTP.Username)
	}
	checkNullSender(cfg.SMTP, p, r, heading)
	checkTraits(p.Traits, r, heading)
}

// checkTraits tells what the relay offers, and what of it it refuses.
func checkTraits(t outbox.Traits, r *report, heading string) {
	for _, trait := range RelayTraits(t) {
		if trait.Name != "DSN" && (trait.Value == "offered" || trait.Name == "AUTH") {
			r.good(heading, "%s: %s", trait.Name, trait.Value)
		}
	}
	if t.DSN {
		r.good(heading, "reports deliveries and failures (DSN)")
	} else {
		r.warn(heading, "DSN is not offered, or refused: bounces come, but without our envelope id")
	}
	if !t.SMTPUTF8 {
		r.good(heading, "SMTPUTF8 is not offered: the form refuses addresses beyond ASCII")
	}
	if len(t.Refused) > 0 {
		r.warn(heading, "offers %s and refuses their parameters: mail goes without them", strings.Join(t.Refused, ", "))
	}
	if t.Clear != "" {
		r.warn(heading, "mail goes in the clear, as tls = \"opportunistic\" allows: %s", t.Clear)
	}
	if t.SizeLimit > 0 && t.SizeLimit < 1<<20 {
		r.warn(heading, "takes no mail over %d bytes", t.SizeLimit)
	}
}

func checkNullSender(cfg config.SMTP, p outbox.ProbeResult, r *report, heading string) {
	switch {
	case p.NullSender && cfg.NullSender:
		r.good(heading, "takes the null sender, under which automatic answers leave")
	case p.NullSender:
		r.warn(heading, "takes the null sender after all\nSet smtp.null_sender = true (RFC 5230 section 5.1).")
	case cfg.NullSender:
		r.fail(heading, "refuses the null sender: %s\nSet smtp.null_sender = false: automatic answers then leave under "+
			"a tagged address of ours.", p.NullSenderReply)
	default:
		r.good(heading, "refuses the null sender, and null_sender = false heeds it")
	}
}

// hintFor says what usually mends a failed connection.
func hintFor(err error) string {
	text := strings.ToLower(err.Error())
	for _, h := range []struct{ sign, hint string }{
		{"no such host", "The host name is not known; is it spelled right?"},
		{"connection refused", "No server listens there; is the port right?"},
		{"timeout", "No answer; does a firewall stand between?"},
		{"deadline exceeded", "No answer; does a firewall stand between?"},
		{"first record does not look like a tls handshake", "That port does not begin with TLS; try tls = \"starttls\"."},
		{"certificate", "The certificate is not good for that host name; use the name the certificate bears."},
		{"535", "User name or password are wrong; many hosts want an application password."},
		{"authenticat", "User name or password are wrong; many hosts want an application password."},
	} {
		if strings.Contains(text, h.sign) {
			return h.hint
		}
	}
	return "The words above are the server's own."
}

// Trait is something that a relay offers or refuses, in words.
type Trait struct{ Name, Value string }

// RelayTraits are the traits of a relay in words.
func RelayTraits(t outbox.Traits) []Trait {
	offered := func(name string, has bool, without string) Trait {
		if has {
			return Trait{Name: name, Value: "offered"}
		}
		return Trait{Name: name, Value: without}
	}
	all := []Trait{
		offered("SMTPUTF8", t.SMTPUTF8, "not offered: no mail can go to an address beyond ASCII"),
		offered("DSN", t.DSN, "not used: bounces come without our envelope id"),
		offered("8BITMIME", t.EightBit, "not used"),
		offered("PIPELINING", t.Pipelining, "not offered: each mail takes two round trips more"),
		{Name: "SIZE", Value: "no limit told"},
		{Name: "Mails a connection", Value: "no limit met"},
		{Name: "AUTH", Value: "not offered"},
	}
	if t.SizeLimit > 0 {
		all[4].Value = config.Bytes(t.SizeLimit).Words()
	}
	if t.PerSession > 0 {
		all[5].Value = fmt.Sprint(t.PerSession)
	}
	if len(t.Auth) > 0 {
		all[6].Value = strings.Join(t.Auth, ", ")
	}
	if len(t.Refused) > 0 {
		all = append(all, Trait{Name: "Refused in use", Value: strings.Join(t.Refused, ", ") +
			": offered by the relay, whose parameters it refuses; mail goes without them"})
	}
	if t.Clear != "" {
		all = append(all, Trait{Name: "Encryption", Value: "mail goes in the clear: " + t.Clear})
	}
	return all
}
