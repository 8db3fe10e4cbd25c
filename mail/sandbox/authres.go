package sandbox

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-msgauth/dkim"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/origin"
)

// Spoofed is the domain that, in the sandbox's world, no host may send for: mail
// from it fails SPF and DMARC. Every other domain lets every host send, and asks
// for DMARC with relaxed alignment.
const Spoofed = "spoofed.example"

// stamp checks a mail as a receiving host does. It returns the
// Authentication-Results field (RFC 8601) and the mail to keep: without a
// Return-Path of its own (RFC 5321 section 4.4) and without results that a
// sender wrote under this host's name (RFC 8601 section 5).
func (s *Server) stamp(env envelope, head fields, rest, raw []byte) (trace string, body []byte) {
	trace = s.results(env, head, raw)
	kept := make([][]byte, 0, len(head)+2)
	dropped := false
	for _, f := range head {
		if f.name == "return-path" || f.name == "authentication-results" && s.isOwnResult(f) {
			dropped = true
			continue
		}
		kept = append(kept, f.raw)
	}
	switch {
	case len(head) == 0 && len(rest) > 0 && rest[0] != '\r' && rest[0] != '\n':
		return trace, append([]byte("\r\n"), rest...) // a text without any header
	case dropped || len(rest)+fieldsLen(head) != len(raw):
		return trace, bytes.Join(append(kept, rest), nil)
	}
	return trace, raw
}

func fieldsLen(head fields) (n int) {
	for _, f := range head {
		n += len(f.raw)
	}
	return n
}

// isOwnResult tells whether an Authentication-Results field claims to be this
// host's: its authserv-id, after any comments and quotes.
func (s *Server) isOwnResult(f field) bool {
	v := f.value()
	for strings.HasPrefix(v, "(") {
		v = strings.TrimSpace(afterComment(v))
	}
	id := strings.TrimPrefix(v, `"`)
	if i := strings.IndexAny(id, "\"; \t("); i >= 0 {
		id = id[:i]
	}
	return strings.EqualFold(strings.TrimSuffix(id, "."), s.cfg.Host)
}

// afterComment skips one comment with those nested in it (RFC 5322 section
// 3.2.2).
func afterComment(v string) string {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return v[i+1:]
			}
		}
	}
	return ""
}

func (s *Server) results(env envelope, head fields, raw []byte) string {
	sender, author := store.Domain(env.from), store.Domain(head.address("from"))
	spf := "spf=pass smtp.mailfrom=" + authValue(env.from)
	switch {
	case env.from == "":
		spf = "spf=none smtp.helo=" + plainName(env.helo)
	case isSpoofed(sender):
		spf = "spf=fail smtp.mailfrom=" + authValue(env.from)
	}
	signed, lines := s.verify(head, raw)
	dmarc := dmarcResult(env.from, author, signed, head.count("from"))
	if author != "" {
		dmarc += " header.from=" + plainName(author)
	}
	all := slices.Concat([]string{s.cfg.Host, spf}, lines, []string{dmarc})
	return "Authentication-Results: " + strings.Join(all, ";\r\n\t") + "\r\n"
}

// dmarcResult: one author whose domain aligns with a passed SPF or DKIM domain
// passes (RFC 7489 section 6.6.2). A mail with the null sender, as a bounce is, has no
// SPF domain to align and no judgement without a signature.
func dmarcResult(from, author string, signed []string, authors int) string {
	aligned := from != "" && !isSpoofed(store.Domain(from)) && aligns(store.Domain(from), author)
	for _, d := range signed {
		aligned = aligned || aligns(d, author)
	}
	switch {
	case author == "":
		return "dmarc=none"
	case authors == 1 && aligned:
		return "dmarc=pass"
	case from == "" && !isSpoofed(author):
		return "dmarc=none"
	}
	return "dmarc=fail"
}

func isSpoofed(domain string) bool {
	return domain == Spoofed || strings.HasSuffix(domain, "."+Spoofed)
}

func aligns(a, b string) bool { return a != "" && origin.Organisation(a) == origin.Organisation(b) }

const maxSignatures = 5 // verified a mail

// verify checks the mail's DKIM signatures. It returns the domains that signed
// it truly and one result a signature; one whose key is not known counts none. A mail in
// which the verifier may find other fields than head has none.
func (s *Server) verify(head fields, raw []byte) (signed, results []string) {
	none := []string{"dkim=none"}
	if s.cfg.LookupTXT == nil || head.count("dkim-signature") == 0 || !header.IsStrict(raw) {
		return nil, none
	}
	var mu sync.Mutex
	known := false
	lookup := func(name string) ([]string, error) {
		records, err := s.cfg.LookupTXT(name)
		mu.Lock()
		defer mu.Unlock()
		known = known || err == nil && len(records) > 0
		return records, err
	}
	verdicts, err := dkim.VerifyWithOptions(bytes.NewReader(raw),
		&dkim.VerifyOptions{LookupTXT: lookup, MaxVerifications: maxSignatures})
	if err != nil && verdicts == nil || !known {
		return nil, none
	}
	for _, v := range verdicts {
		switch {
		case v.Err == nil:
			signed = append(signed, strings.ToLower(v.Domain))
			results = append(results, "dkim=pass header.d="+plainName(v.Domain))
		case dkim.IsTempFail(v.Err):
			results = append(results, "dkim=none header.d="+plainName(v.Domain))
		default:
			results = append(results, "dkim=fail header.d="+plainName(v.Domain))
		}
	}
	return signed, results
}

// authValue is an address as a result may carry it: whole when it is plain, else
// its domain.
func authValue(address string) string {
	if plainName(address) == address && !strings.ContainsAny(address, ",=") {
		return address
	}
	return plainName(store.Domain(address))
}
