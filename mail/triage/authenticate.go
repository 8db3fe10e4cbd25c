package triage

import (
	"strings"

	"signpost/store"
)

// Auth is what authentication said of a mail (RFC 8601's results, from a host we
// trust or worked out here). It is gathered only for a mail that would be
// answered, since it needs DNS.
type Auth struct {
	SPF       string   // the result's word: pass, fail, softfail, neutral, none; "" unknown
	SPFDomain string   // the domain of MAIL FROM it was checked for
	DKIM      []string // domains (d=) whose signature of the From that we read passed
	DMARC     string   // the result's word, "" unknown
	// DMARCDomain is the author's domain it was checked for (RFC 8601 section 2.7.3:
	// header.from); "" where the result does not say.
	DMARCDomain string
	ARC         []string // domains of forwarders we trust whose seal passed (RFC 8617)
	Source      string   // who says so: "authentication-results of mx.example.com", "dkim verified here"
	Checked     bool     // anything could be asked at all
}

// Authenticate adds what authentication says to the verdict. An answer goes to
// the envelope sender, so that is what must be proven: its domain by SPF, the
// address by DKIM or DMARC aligned with a From that bears it, or all by a
// forwarder we trust.
// A mail without a return path whose From is proven by DKIM or DMARC is answered
// there. Without any proof there is no answer, unless answerUnauthenticated; a
// failed check forbids it in any case. A verdict that allows no answer is
// returned as it is.
func (r Result) Authenticate(a Auth, answerUnauthenticated bool) Result {
	if !r.Answer {
		return r
	}
	rules := append([]store.Rule(nil), r.Rules...)
	add := func(id string, effect store.Effect, words string) {
		if a.Source != "" {
			words += " (" + a.Source + ")"
		}
		rules = append(rules, store.Rule{ID: id, Effect: effect, Evidence: evidence(words)})
	}
	if r.AnswerTo == "" {
		r = r.answerPerson(a)
	}
	proven := r.proofs(a, add)
	if words, failed := r.failed(a); failed {
		add("authentication-failed", store.EffectStop, words)
	}
	switch {
	case r.AnswerTo == "":
		add("no-answer-address", store.EffectMissing, "no return path, and From is not proven")
	case !proven && answerUnauthenticated:
		add("unauthenticated", store.EffectNote, a.summary())
	case !proven:
		add("unauthenticated", store.EffectMissing, a.summary())
	}
	r.Rules, r.Answer = rules, allowed(rules)
	return r
}

// answerPerson takes the From address for the answer where it is proven.
func (r Result) answerPerson(a Auth) Result {
	if _, ok := a.alignedDKIM(r.person); r.person != "" && (ok || a.passedDMARC(r.person)) {
		r.AnswerTo = r.person
	}
	return r
}

// proofs records every proof that the answer's address is real, and tells whether
// there is one.
func (r Result) proofs(a Auth, add func(id string, effect store.Effect, words string)) (proven bool) {
	met := func(id, words string) {
		add(id, store.EffectMet, words)
		proven = true
	}
	// A signature proves From. Whoever has one mail that his host signed could send
	// it again under any envelope, so it proves a return path only where that is
	// the very same address: the organisation alone may be a host of millions.
	sameAddress := r.person != "" && store.AnswerKey(r.AnswerTo) == store.AnswerKey(r.person)
	if pass(a.SPF) && a.SPFDomain != "" && strings.EqualFold(a.SPFDomain, store.Domain(r.AnswerTo)) {
		met("spf-pass", "spf=pass for "+a.SPFDomain) // RFC 7208
	}
	if d, ok := a.alignedDKIM(r.person); ok && sameAddress {
		met("dkim-aligned", "dkim=pass for "+d) // RFC 6376, RFC 7489 section 3.1.1
	}
	if sameAddress && a.passedDMARC(r.person) {
		met("dmarc-pass", "dmarc=pass")
	}
	if len(a.ARC) > 0 {
		met("arc-trusted", "arc=pass from "+a.ARC[0])
	}
	return proven
}

// failed tells a mail that its alleged domain disowns.
func (r Result) failed(a Auth) (string, bool) {
	if strings.EqualFold(a.DMARC, "fail") && len(a.ARC) == 0 {
		return "dmarc=fail", true
	}
	_, signed := a.alignedDKIM(r.person)
	if spf := strings.ToLower(a.SPF); (spf == "fail" || spf == "softfail") && !signed && len(a.ARC) == 0 {
		return "spf=" + spf + " and no aligned signature", true
	}
	return "", false
}

func (a Auth) alignedDKIM(address string) (string, bool) {
	for _, d := range a.DKIM {
		if aligned(d, address) {
			return d, true
		}
	}
	return "", false
}

// passedDMARC tells that DMARC passed for the author we see: one whose From the host
// reads otherwise than we do proves nothing.
func (a Auth) passedDMARC(author string) bool {
	return pass(a.DMARC) && (a.DMARCDomain == "" || aligned(a.DMARCDomain, author))
}

func (a Auth) summary() string {
	if !a.Checked {
		return "authentication could not be checked"
	}
	word := func(s string) string {
		if s == "" {
			return "none"
		}
		return s
	}
	return "spf=" + word(a.SPF) + " dkim=" + word(strings.Join(a.DKIM, ",")) + " dmarc=" + word(a.DMARC)
}

func pass(result string) bool { return strings.EqualFold(result, "pass") }
