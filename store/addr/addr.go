// Package addr is the one definition of an address that mail is sent to. Every
// door takes addresses by it (the form, the command line, the configuration, the
// pages of ops, the watcher's answers) and the composer too, so that no door takes
// what the outbox must then refuse.
//
// A call flows so: Parse returns the address in the form that is mailed and a Problem,
// whose Sentence is for ops; the form has its own words for partners. To add a check: a
// Problem, its Sentence, its place in Parse, and the form's words for it.
//
// The functions are pure and safe for concurrent use.
package addr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Problem is why an address cannot be mailed, in a word to look a sentence up
// by; "" when there is none.
type Problem string

// The problems that Parse finds.
const (
	Empty     Problem = "empty"
	NoAt      Problem = "no_at"      // no "@"
	TwoAts    Problem = "two_ats"    // several of them
	NoLocal   Problem = "no_local"   // nothing before the "@"
	Local     Problem = "local"      // a character before the "@" that mail addresses do not have
	Route     Problem = "route"      // before the "@" a way through further servers
	Dots      Problem = "dots"       // a dot first, last or doubled before the "@"
	LongLocal Problem = "long_local" // over 64 bytes before the "@" (RFC 5321 section 4.5.3.1.1)
	Long      Problem = "long"       // over 254 bytes in all (RFC 5321 section 4.5.3.1.3, less "<>")
	NoDomain  Problem = "no_domain"  // nothing after the "@"
	Domain    Problem = "domain"     // what follows the "@" is no domain name
)

// Sentence says the problem to an operator, as the end of "ADDRESS ...".
func (p Problem) Sentence() string {
	switch p {
	case "":
		return "is a mail address"
	case Empty:
		return "is empty"
	case NoAt:
		return "has no @"
	case TwoAts:
		return "has more than one @"
	case NoLocal, NoDomain:
		return "lacks what stands before or after the @"
	case Local:
		return "has a character before the @ that no server takes unquoted"
	case Route:
		return "names a way through another server (% or ! before the @); give the mailbox's own address"
	case Dots:
		return "has a dot first, last or doubled before the @"
	case LongLocal:
		return "has more than 64 bytes before the @"
	case Long:
		return "has more than 254 bytes"
	}
	return "has no domain name after the @"
}

const (
	maxLocal   = 64
	maxAddress = 254
	maxDomain  = 253
	maxGiven   = 1000 // bytes looked at at all: the mapping of a domain takes the square of its length
)

// Parse checks the form of an address: a dot-atom (RFC 5321 section 4.1.2), with
// letters and digits of any script (RFC 6531 section 3.3), "@", and a domain name.
// It returns the address as it is mailed: the local part as given, the domain in
// lower case and in A-labels (RFC 5890); "" with a problem.
//
// Three legal forms are not taken. Quoted local parts and domain literals: no
// partner has one, and half of the hosts on the way break on them. And local parts
// that name a way through further servers ("user%host", "host!user", RFC 5321
// appendix F.2 and RFC 1123 section 5.2.16) or begin with a hyphen, which a server
// may hand to a program as an option: relays refuse both, or worse, follow them.
func Parse(text string) (address string, problem Problem) {
	text = strings.TrimSpace(text)
	local, domain, found := strings.Cut(text, "@")
	switch {
	case text == "":
		return "", Empty
	case len(text) > maxGiven:
		return "", Long
	case !found:
		return "", NoAt
	case strings.Contains(domain, "@"):
		return "", TwoAts
	case domain == "":
		return "", NoDomain
	}
	if problem := checkLocal(local); problem != "" {
		return "", problem
	}
	domain, problem = asciiDomain(domain)
	if problem != "" {
		return "", problem
	}
	if address = local + "@" + domain; len(address) > maxAddress {
		return "", Long
	}
	return address, ""
}

// Split parts an address at its last "@"; no domain without one.
func Split(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address, ""
	}
	return address[:at], address[at+1:]
}

// IsASCII tells a text that any relay can carry in an envelope; others need
// SMTPUTF8 (RFC 6531).
func IsASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// atoms are the ASCII characters of an atom besides letters and digits (RFC 5322
// section 3.2.3) without those that route, and the dot that joins atoms.
const atoms = "#$&'*+-/=?^_`{|}~."

func checkLocal(local string) Problem {
	switch {
	case local == "":
		return NoLocal
	case len(local) > maxLocal:
		return LongLocal
	case !utf8.ValidString(local) || local[0] == '-':
		return Local
	case strings.ContainsAny(local, "%!"):
		return Route
	}
	for _, r := range local {
		// Control and format characters, spaces and symbols beyond ASCII are
		// legal by RFC 6532 and no use but to deceive.
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune(atoms, r) {
			return Local
		}
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return Dots
	}
	return ""
}

// asciiDomain checks a domain name and turns it into A-labels.
func asciiDomain(domain string) (string, Problem) {
	if strings.HasPrefix(domain, "[") || !utf8.ValidString(domain) {
		return "", Domain
	}
	ascii := domain
	if !isPlainDomain(domain) {
		var err error
		profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.CheckHyphens(false))
		ascii, err = profile.ToASCII(domain)
		if err != nil {
			return "", Domain
		}
	}
	if len(ascii) > maxDomain {
		return "", Domain
	}
	last := ""
	for last = range strings.SplitSeq(ascii, ".") {
		// RFC 1035 section 2.3.4 and RFC 1123 section 2.1.
		if last == "" || len(last) > 63 || last[0] == '-' || last[len(last)-1] == '-' {
			return "", Domain
		}
	}
	if strings.Trim(last, "0123456789") == "" { // an IP address, or half of one
		return "", Domain
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
