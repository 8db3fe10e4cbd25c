package guard

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"signpost/store/addr"
)

// The problems besides those that addr.Parse finds.
const (
	ProblemNoEnding     addr.Problem = "no_ending"      // the domain has no ending such as .com
	ProblemBeyondASCII  addr.Problem = "beyond_ascii"   // our relay cannot write to such a local part
	ProblemNoSuchDomain addr.Problem = "no_such_domain" // the domain has neither a mail server nor an address
	ProblemNoMail       addr.Problem = "no_mail"        // the domain says that it takes no mail (RFC 7505)
)

// Verdict is what a check found.
type Verdict struct {
	// Address is how to mail it: see Tidy and addr.Parse. "" when it is not well
	// formed.
	Address string
	Problem addr.Problem
	// Suggestion is the address that was probably meant, "" for none. It comes
	// with a problem or without one and is only ever to be offered.
	Suggestion string
	// Alike: a word of it mixes alphabets, or passes for a word of another: to be
	// confirmed before it is believed.
	Alike bool
}

// OK tells whether the address may be used.
func (v Verdict) OK() bool { return v.Problem == "" }

const (
	maxAddress = 254
	maxTyped   = 1000 // bytes looked at at all
)

// parse is addr.Parse for a person's address, whose domain has at least one dot.
func parse(text string) (address string, problem addr.Problem) {
	address, problem = addr.Parse(text)
	if _, domain := addr.Split(address); problem == "" && !strings.Contains(domain, ".") {
		return "", ProblemNoEnding
	}
	return address, problem
}

// Resolver asks DNS; *net.Resolver does.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	// lookupTime bounds both questions together: a partner waits for them.
	lookupTime = 2 * time.Second
	// domainsKept bounds the cache to about a megabyte.
	domainsKept = 4096

	goodKept    = time.Hour
	badKept     = 5 * time.Minute  // a domain that was mended is tried again soon
	unknownKept = 30 * time.Second // a dead resolver must not cost every post its 2 s
)

// Addresses checks mail addresses. It is safe for concurrent use.
type Addresses struct {
	resolver    Resolver
	beyondASCII func() bool
	lookups     singleflight.Group

	mu     sync.Mutex
	domain *bounded[string, addr.Problem]
}

// NewAddresses asks the resolver whether domains receive mail; with nil it
// checks the form alone. beyondASCII tells whether our relay takes local parts
// beyond ASCII (RFC 6531) at the moment; nil: it does not.
func NewAddresses(resolver Resolver, beyondASCII func() bool) *Addresses {
	if beyondASCII == nil {
		beyondASCII = func() bool { return false }
	}
	return &Addresses{resolver: resolver, beyondASCII: beyondASCII, domain: newBounded[string, addr.Problem](domainsKept)}
}

// Check tells whether what was typed holds an address (see Tidy) that we can mail
// and whose domain receives mail. A domain is refused only when DNS says so
// itself: any failure and any answer that takes longer than 2 s is in the
// partner's favour. It is done in 2 s.
func (a *Addresses) Check(ctx context.Context, typed string) Verdict {
	typed = Tidy(typed)
	address, problem := parse(typed)
	v := Verdict{Address: address, Problem: problem, Suggestion: suggest(typed, address)}
	if problem != "" {
		return v
	}
	v.Alike = alike(address)
	local, domain := addr.Split(address)
	switch {
	case !addr.IsASCII(local) && !a.beyondASCII():
		v.Problem = ProblemBeyondASCII
		v.Suggestion = cmp.Or(v.Suggestion, unaccented(local)+"@"+domain)
		if _, problem := parse(v.Suggestion); problem != "" || !addr.IsASCII(v.Suggestion) {
			v.Suggestion = ""
		}
	case a.resolver != nil:
		v.Problem = a.receives(ctx, domain)
	}
	return v
}

// receives asks about a domain once, however many wait for the answer.
func (a *Addresses) receives(ctx context.Context, domain string) addr.Problem {
	a.mu.Lock()
	problem, known := a.domain.get(domain, time.Now())
	a.mu.Unlock()
	if known {
		return problem
	}
	answer := a.lookups.DoChan(domain, func() (any, error) {
		// The question outlives the post that asked it first: others wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		problem, kept := a.ask(ctx, domain)
		a.mu.Lock()
		defer a.mu.Unlock()
		now := time.Now()
		a.domain.put(domain, problem, now.Add(kept), now)
		return problem, nil
	})
	patience := time.NewTimer(lookupTime)
	defer patience.Stop()
	select {
	case r := <-answer:
		return r.Val.(addr.Problem)
	case <-patience.C:
	case <-ctx.Done():
	}
	return ""
}

// ask tells what is wrong with a domain and how long to believe it.
func (a *Addresses) ask(ctx context.Context, domain string) (addr.Problem, time.Duration) {
	rooted := domain + "." // or the resolver would try it below the machine's own domain
	hosts, err := a.resolver.LookupMX(ctx, rooted)
	switch {
	case len(hosts) == 1 && hosts[0].Host == ".":
		return ProblemNoMail, badKept // RFC 7505 section 3
	case len(hosts) > 0:
		return "", goodKept
	case err != nil && !absent(err):
		return "", unknownKept
	}
	// Without MX the domain's own address is its mail server (RFC 5321 section
	// 5.1).
	ips, err := a.resolver.LookupNetIP(ctx, "ip", rooted)
	switch {
	case len(ips) > 0:
		return "", goodKept
	case err != nil && !absent(err):
		return "", unknownKept
	}
	return ProblemNoSuchDomain, badKept
}

// absent tells an answer that there is no such thing from no answer.
func absent(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound && !dns.IsTimeout && !dns.IsTemporary
}
