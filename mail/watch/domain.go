package watch

import (
	"context"
	"sync"
	"time"

	"signpost/store"
)

// Rules on the domain an answer would go to.
const (
	RuleNullMX     = "null-mx"         // RFC 7505: it takes no mail
	RuleNoDomain   = "no-mail-domain"  // RFC 5321 section 5.1: neither MX nor address
	RuleDNSSilence = "dns-unavailable" // nobody could say, for as long as it mattered
)

const (
	domainsKept   = 1000
	domainKeptFor = 10 * time.Minute
)

// domainCache remembers what the DNS said of a domain for a while, so that a
// burst from one costs one question.
type domainCache struct {
	mu    sync.Mutex
	known map[string]domainFact
}

type domainFact struct {
	rule  *store.Rule // nil: it takes mail
	until time.Time
}

func (c *domainCache) get(domain string, now time.Time) (domainFact, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fact, ok := c.known[domain]
	return fact, ok && now.Before(fact.until)
}

func (c *domainCache) put(domain string, fact domainFact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= domainsKept {
		c.known = map[string]domainFact{}
	}
	c.known[domain] = fact
}

// receivesMail returns the rule that forbids an answer to the domain, nil when
// it can receive one. unsure: the DNS did not say; the rule then holds if it
// stays that way.
func (w *Watcher) receivesMail(ctx context.Context, domain string) (rule *store.Rule, unsure bool) {
	if w.deps.Resolver == nil {
		return nil, false
	}
	if fact, ok := w.domains.get(domain, time.Now()); ok {
		return fact.rule, false
	}
	rule, unsure = askDomain(ctx, w.deps.Resolver, domain)
	if !unsure {
		w.domains.put(domain, domainFact{rule: rule, until: time.Now().Add(domainKeptFor)})
	}
	return rule, unsure
}

func askDomain(ctx context.Context, dns Resolver, domain string) (rule *store.Rule, unsure bool) {
	mx, err := dns.LookupMX(ctx, domain)
	if len(mx) > 0 { // some of them may have been faulty: err is then set as well
		if len(mx) == 1 && (mx[0].Host == "." || mx[0].Host == "") {
			return &store.Rule{ID: RuleNullMX, Effect: store.EffectStop, Evidence: domain}, false
		}
		return nil, false
	}
	if err == nil || isNotFound(err) {
		if _, err = dns.LookupHost(ctx, domain); err == nil {
			return nil, false
		}
	}
	if isNotFound(err) {
		return &store.Rule{ID: RuleNoDomain, Effect: store.EffectStop, Evidence: domain}, false
	}
	return &store.Rule{ID: RuleDNSSilence, Effect: store.EffectMissing, Evidence: domain}, true
}
