package guard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/sync/singleflight"
)

// Problem is why an address cannot be mailed, in a word to look a sentence up
// by; "" when there is none.
type Problem string

// The problems.
const (
	ProblemEmpty     Problem = "empty"
	ProblemNoAt      Problem = "no_at"      // no "@"
	ProblemTwoAts    Problem = "two_ats"    // several of them
	ProblemNoLocal   Problem = "no_local"   // nothing before the "@"
	ProblemLocal     Problem = "local"      // a character before the "@" that mail addresses do not have
	ProblemDots      Problem = "dots"       // a dot first, last or doubled before the "@"
	ProblemLongLocal Problem = "long_local" // over 64 bytes before the "@" (RFC 5321 section 4.5.3.1.1)
	ProblemLong      Problem = "long"       // over 254 bytes in all (RFC 5321 section 4.5.3.1.3, less "<>")
	ProblemNoDomain  Problem = "no_domain"  // nothing after the "@"
	ProblemDomain    Problem = "domain"     // what follows the "@" is no domain name
	ProblemNoEnding  Problem = "no_ending"  // it has no ending such as .com

	ProblemNoSuchDomain Problem = "no_such_domain" // the domain has neither a mail server nor an address
	ProblemNoMail       Problem = "no_mail"        // the domain says that it takes no mail (RFC 7505)
)

// Verdict is what a check found.
type Verdict struct {
	// Address is how to mail it: white space trimmed, the domain in lower case
	// and in ASCII (RFC 5890 A-labels). The part before the "@" is as typed, and
	// may hold letters beyond ASCII (RFC 6531). "" when it is not well formed.
	Address string
	Problem Problem
	// Suggestion is the address that was probably meant, "" for none. It comes
	// with a problem or without one and is only ever to be offered.
	Suggestion string
}

// OK tells whether the address may be used.
func (v Verdict) OK() bool { return v.Problem == "" }

const (
	maxLocal   = 64
	maxAddress = 254
	maxDomain  = 253
	maxTyped   = 1000 // bytes looked at at all
)

// ParseAddress checks the form of an address: a dot-atom (RFC 5321 section
// 4.1.2), with letters and digits of any script, "@", and a domain name with at
// least one dot. Quoted local parts and domain literals are not taken: they are
// legal, nobody who types one into a form is a partner, and half of the hosts on
// the way break on them.
func ParseAddress(typed string) (address string, problem Problem) {
	typed = strings.TrimSpace(typed)
	local, domain, found := strings.Cut(typed, "@")
	switch {
	case typed == "":
		return "", ProblemEmpty
	case len(typed) > maxTyped:
		return "", ProblemLong
	case !found:
		return "", ProblemNoAt
	case strings.Contains(domain, "@"):
		return "", ProblemTwoAts
	case domain == "":
		return "", ProblemNoDomain
	}
	if problem := checkLocal(local); problem != "" {
		return "", problem
	}
	domain, problem = asciiDomain(domain)
	if problem != "" {
		return "", problem
	}
	if address = local + "@" + domain; len(address) > maxAddress {
		return "", ProblemLong
	}
	return address, ""
}

// atoms are the ASCII characters of an atom besides letters and digits (RFC 5322
// section 3.2.3), and the dot that joins atoms.
const atoms = "!#$%&'*+-/=?^_`{|}~."

func checkLocal(local string) Problem {
	switch {
	case local == "":
		return ProblemNoLocal
	case len(local) > maxLocal:
		return ProblemLongLocal
	case !utf8.ValidString(local):
		return ProblemLocal
	}
	for _, r := range local {
		// Control and format characters, spaces and symbols beyond ASCII are
		// legal by RFC 6532 and no use but to deceive.
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune(atoms, r) {
			return ProblemLocal
		}
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return ProblemDots
	}
	return ""
}

// asciiDomain checks a domain name and turns it into A-labels.
func asciiDomain(domain string) (string, Problem) {
	if strings.HasPrefix(domain, "[") || !utf8.ValidString(domain) {
		return "", ProblemDomain
	}
	ascii := domain
	if !isPlainDomain(domain) {
		var err error
		ascii, err = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.CheckHyphens(false)).ToASCII(domain)
		if err != nil {
			return "", ProblemDomain
		}
	}
	if len(ascii) > maxDomain {
		return "", ProblemDomain
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		// RFC 1035 section 2.3.4 and RFC 1123 section 2.1.
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", ProblemDomain
		}
	}
	switch last := labels[len(labels)-1]; {
	case len(labels) == 1:
		return "", ProblemNoEnding
	case strings.Trim(last, "0123456789") == "": // an IP address, or half of one
		return "", ProblemDomain
	}
	return ascii, ""
}

// isPlainDomain tells a name that stands as it would after the mapping of
// internationalized ones, which is dear: lower-case letters, digits and hyphens,
// and no label that claims to be an A-label.
func isPlainDomain(domain string) bool {
	for _, c := range []byte(domain) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return !strings.Contains(domain, "xn--")
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
	badKept     = 5 * time.Minute  // whoever mends a domain tries again soon
	unknownKept = 30 * time.Second // a dead resolver must not cost every post its 2 s
)

// Addresses checks mail addresses. It is safe for concurrent use.
type Addresses struct {
	resolver Resolver
	lookups  singleflight.Group

	mu     sync.Mutex
	domain *bounded[string, Problem]
}

// NewAddresses asks the resolver whether domains receive mail; nil asks nobody
// and checks the form alone.
func NewAddresses(resolver Resolver) *Addresses {
	return &Addresses{resolver: resolver, domain: newBounded[string, Problem](domainsKept)}
}

// Check tells whether an address is well formed and its domain receives mail. A
// domain is refused only when DNS says so itself: any failure and any answer
// that takes longer than 2 s is in the partner's favour. It is done in 2 s.
func (a *Addresses) Check(ctx context.Context, typed string) Verdict {
	address, problem := ParseAddress(typed)
	v := Verdict{Address: address, Problem: problem, Suggestion: Suggest(typed)}
	if problem == "" && a.resolver != nil {
		v.Problem = a.receives(ctx, address[strings.LastIndexByte(address, '@')+1:])
	}
	return v
}

// receives asks about a domain once, however many wait for the answer.
func (a *Addresses) receives(ctx context.Context, domain string) Problem {
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
		return r.Val.(Problem)
	case <-patience.C:
	case <-ctx.Done():
	}
	return ""
}

// ask tells what is wrong with a domain and how long to believe it.
func (a *Addresses) ask(ctx context.Context, domain string) (Problem, time.Duration) {
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
