package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
)

// checkDKIM compares the published key with the one we sign with.
func checkDKIM(ctx context.Context, cfg config.DKIM, dns resolver, r *report) {
	heading := "DKIM of " + cfg.Domain
	signer, err := cfg.Signer()
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	name, value, err := signer.Record()
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	records, err := dns.LookupTXT(ctx, name)
	if err == nil && strings.Contains(keyOf(strings.Join(records, "")), keyOf(value)) {
		r.good(heading, "the record at %s holds our key", name)
		return
	}
	r.fail(heading, "no record with our key at %s\nPublish this TXT record there:\n%s", name, value)
}

// keyOf is the p= of a DKIM record without white space.
func keyOf(record string) string {
	_, p, _ := strings.Cut(strings.Join(strings.Fields(record), ""), "p=")
	p, _, _ = strings.Cut(p, ";")
	return p
}

// checkSMTP logs in at the relay and asks what it would take.
func checkSMTP(ctx context.Context, cfg config.Config, r *report) {
	heading := "Relay " + cfg.SMTP.Address
	tokens, err := cfg.Accounts()
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
	for _, trait := range relayTraits(t) {
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
		r.fail(heading, "refuses the null sender: %s\nSet smtp.null_sender = false: automatic answers then leave under a tagged address of ours.", p.NullSenderReply)
	default:
		r.good(heading, "refuses the null sender, and null_sender = false heeds it")
	}
}

// hintFor says what usually mends a failed connection.
func hintFor(err error) string {
	text := strings.ToLower(err.Error())
	for _, h := range []struct{ sign, hint string }{
		{"no such host", "The host name is not known; is it spelled right?"},
		{"connection refused", "Nobody listens there; is the port right?"},
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

// checkIMAP logs in at every mailbox, and shows what the watcher would do with
// the newest mails in it.
func checkIMAP(ctx context.Context, cfg config.Config, r *report) {
	watchers, err := probers(cfg)
	if err != nil {
		r.fail("Mailboxes", "%v", err)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(watchers)) {
		checkMailbox(ctx, fmt.Sprintf("Mailbox %s at %s", id, cfg.Mailbox[id].Address), watchers[id], r)
	}
}

// prober looks into a mailbox and changes nothing; *watch.Watcher is one.
type prober interface {
	Probe(ctx context.Context) (watch.Findings, error)
	DryRun(ctx context.Context, limit int) ([]watch.Line, error)
}

// probers are watchers of all mailboxes that are never run.
func probers(cfg config.Config) (map[string]prober, error) {
	ring, texts, err := mintAndTexts(cfg)
	if err != nil {
		return nil, err
	}
	tokens, err := cfg.Accounts()
	if err != nil {
		return nil, err
	}
	all := map[string]prober{}
	for id := range cfg.Mailbox {
		if cfg.IsCanary(id) {
			continue
		}
		all[id] = watch.New(cfg.ForWatcher(id, tokens), watch.Deps{
			Ring: ring, Catalogue: texts, Ours: cfg.OwnAddresses(), Resolver: cfg.Service.Resolver(), Log: slog.New(slog.DiscardHandler),
		})
	}
	return all, nil
}

func mintAndTexts(cfg config.Config) (*ident.Ring, *lang.Catalogue, error) {
	secrets, err := cfg.Service.Secrets()
	if err != nil {
		return nil, nil, err
	}
	ring, err := ident.New(secrets...)
	if err != nil {
		return nil, nil, err
	}
	texts, err := lang.Load()
	return ring, texts, err
}

func checkMailbox(ctx context.Context, heading string, w prober, r *report) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	found, err := w.Probe(ctx)
	if err != nil {
		r.fail(heading, "%v\n%s", err, hintFor(err))
		return
	}
	r.good(heading, "logged in; the folder holds %d mails", found.Messages)
	if found.TLS == "" {
		r.warn(heading, "spoken to in the clear; fine on this machine alone")
	}
	if !found.Idle {
		r.warn(heading, "announces no new mail (no IDLE): it is asked every minute")
	}
	if !found.Keyword {
		r.warn(heading, "keeps no keywords: decided mail carries no mark there; the ledger knows all the same")
	}
	lines, err := w.DryRun(ctx, 20)
	if err != nil {
		r.warn(heading, "the dry run ended early: %v", err)
	}
	newestMails(lines, r, heading)
}

// newestMails tells what would become of each, and what keeps most people from being
// answered.
func newestMails(lines []watch.Line, r *report, heading string) {
	unproven, persons, behind := 0, 0, 0
	for _, line := range lines {
		if person, listed := frontOf(line.Verdict); person {
			persons++
			if listed {
				behind++
			}
		}
		r.good(heading, "%s", dryRunLine(line))
		if slices.Equal(standsAgainst(line), []string{ruleUnauthenticated}) {
			unproven++
		}
	}
	if 2*behind > persons {
		r.warn(heading, "%d of %d mails that people wrote came through a list or group of our own address, which is never "+
			"answered\n%s", behind, persons, frontHint)
	}
	if unproven > 0 {
		r.warn(heading, "people would go without an answer for one reason alone: nothing proves their address (%d of the mails above)\n"+
			"Does trusted_authserv name the host that writes Authentication-Results into the header of this mailbox's mail?", unproven)
	}
}

// ruleUnauthenticated is triage's rule that a sender's address is proven by nothing.
const ruleUnauthenticated = "unauthenticated"

// standsAgainst are the rules for which a mail would not be answered.
func standsAgainst(l watch.Line) (ids []string) {
	for _, rule := range l.Verdict.Rules {
		if rule.Effect == store.EffectStop || rule.Effect == store.EffectMissing {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}

// dryRunLine says in one line what would be done with a mail, and why.
func dryRunLine(l watch.Line) string {
	outcome := "stay silent"
	if l.AnswerTo != "" {
		outcome = "be answered"
	}
	text := fmt.Sprintf("would %s: %s, %q from %s", outcome, l.Date.Format(time.DateOnly), l.Subject, l.From)
	if why := standsAgainst(l); l.AnswerTo == "" && len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	return text
}
