package watch

import (
	"context"
	"net"
	"sync"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// Rules on the domain an answer would go to.
const (
	RuleNullMX     = "null-mx"         // RFC 7505: it takes no mail
	RuleNoDomain   = "no-mail-domain"  // RFC 5321 section 5.1: neither MX nor address
	RuleDNSSilence = "dns-unavailable" // no answer for as long as it mattered
)

const (
	domainsKept   = 1000
	domainKeptFor = 10 * time.Minute
	// dnsLimit bounds one question.
	dnsLimit = 3 * time.Second
	// An organisation whose name servers did not answer is not asked again for
	// silenceKept: an attacker who runs such servers cannot hold up the rest.
	silenceKept = 30 * time.Second
	// After maxMissed questions without an answer in missedWithin none gets more
	// than dnsHurry: one sender has many such names, and the mail of all others
	// waits behind theirs.
	maxMissed    = 32
	missedWithin = time.Minute
	dnsHurry     = 300 * time.Millisecond
)

// nameServer asks a Resolver within bounds and remembers what it is about to be
// asked again. It is safe for concurrent use.
type nameServer struct {
	resolver Resolver

	mu       sync.Mutex
	takes    map[string]domainFact // by domain
	silent   map[string]time.Time  // by organisation: until when it is not asked
	missed   int                   // questions without an answer since missedAt
	missedAt time.Time
}

type domainFact struct {
	rule  *store.Rule // nil: it takes mail
	until time.Time
}

// errSilent stands for a question not asked.
var errSilent = &net.DNSError{Err: "no answer a moment ago", IsTemporary: true}

// ask puts one question that is about a name.
func (n *nameServer) ask(ctx context.Context, name string, question func(context.Context) error) error {
	org := origin.Registered(name)
	if n.isSilent(org) || ctx.Err() != nil {
		return errSilent
	}
	within, cancel := context.WithTimeout(ctx, n.patience())
	defer cancel()
	err := question(within)
	if err != nil && !isNotFound(err) && ctx.Err() == nil {
		n.miss(org)
	}
	return err
}

// patience is how long a question may take now.
func (n *nameServer) patience() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.missed >= maxMissed && time.Since(n.missedAt) < missedWithin {
		return dnsHurry
	}
	return dnsLimit
}

// miss notes that an organisation's name servers did not answer.
func (n *nameServer) miss(org string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if n.silent == nil || len(n.silent) >= domainsKept {
		n.silent = map[string]time.Time{}
	}
	n.silent[org] = now.Add(silenceKept)
	if now.Sub(n.missedAt) >= missedWithin {
		n.missed, n.missedAt = 0, now
	}
	n.missed++
}

func (n *nameServer) isSilent(org string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(n.silent[org])
}

// key looks up a DKIM key.
func (n *nameServer) key(ctx context.Context, name string) (txt []string, err error) {
	err = n.ask(ctx, name, func(ctx context.Context) (err error) {
		txt, err = n.resolver.LookupTXT(ctx, name)
		return err
	})
	return txt, err
}

// receivesMail returns the rule that forbids an answer to the domain, nil when
// it can receive one. unsure: the DNS did not say; the rule then holds if it
// stays that way.
func (n *nameServer) receivesMail(ctx context.Context, domain string) (rule *store.Rule, unsure bool) {
	if n.resolver == nil {
		return nil, false
	}
	now := time.Now()
	n.mu.Lock()
	fact, known := n.takes[domain]
	n.mu.Unlock()
	if known && now.Before(fact.until) {
		return fact.rule, false
	}
	err := n.ask(ctx, domain, func(ctx context.Context) (err error) {
		rule, err = askDomain(ctx, n.resolver, domain)
		return err
	})
	if err != nil {
		return &store.Rule{ID: RuleDNSSilence, Effect: store.EffectMissing, Evidence: domain}, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.takes == nil || len(n.takes) >= domainsKept {
		n.takes = map[string]domainFact{}
	}
	n.takes[domain] = domainFact{rule: rule, until: now.Add(domainKeptFor)}
	return rule, false
}

// askDomain returns the rule that says the domain takes no mail; an error when
// no name server answers.
func askDomain(ctx context.Context, dns Resolver, domain string) (*store.Rule, error) {
	mx, err := dns.LookupMX(ctx, domain)
	if len(mx) > 0 { // some of them may have been faulty: err is then set as well
		if len(mx) == 1 && (mx[0].Host == "." || mx[0].Host == "") {
			return &store.Rule{ID: RuleNullMX, Effect: store.EffectStop, Evidence: domain}, nil
		}
		return nil, nil
	}
	if err == nil || isNotFound(err) {
		if _, err = dns.LookupHost(ctx, domain); isNotFound(err) {
			return &store.Rule{ID: RuleNoDomain, Effect: store.EffectStop, Evidence: domain}, nil
		}
	}
	return nil, err
}
