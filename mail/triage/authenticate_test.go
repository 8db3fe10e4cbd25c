package triage

import (
	"strings"
	"testing"
)

func TestOnlyAProvenSenderIsAnswered(t *testing.T) {
	t.Parallel()
	noReturnPath := without("Return-Path:")
	elsewhere := replaced("Return-Path: <ana@partner.example>", "Return-Path: <ana@mailer.example.net>")
	neighbour := replaced("Return-Path: <ana@partner.example>", "Return-Path: <victim@partner.example>")
	spf := func(result, domain string) Auth { return Auth{SPF: result, SPFDomain: domain, Checked: true} }
	signed := func(domain string) Auth { return Auth{DKIM: []string{domain}, Checked: true} }
	for _, c := range []struct {
		name   string
		raw    string
		auth   Auth
		lax    bool
		answer bool
		rule   string
		to     string
	}{
		{"spf of the envelope's domain", person, spf("pass", "Partner.Example"),
			false, true, "spf-pass", "ana@partner.example"},
		{"spf of another domain", person, spf("pass", "other.example"),
			false, false, "unauthenticated", "ana@partner.example"},
		{"signature of the organisation", person, signed("mail.partner.example"),
			false, true, "dkim-aligned", "ana@partner.example"},
		{"a stranger's signature", person, signed("partner.example.evil.test"),
			false, false, "unauthenticated", "ana@partner.example"},
		{"signed From, answer would go elsewhere", elsewhere,
			Auth{DKIM: []string{"partner.example"}, DMARC: "pass", Checked: true},
			false, false, "unauthenticated", "ana@mailer.example.net"},
		{"signed From, sent again to strike a neighbour", neighbour,
			Auth{SPF: "softfail", SPFDomain: "partner.example", DKIM: []string{"partner.example"}, DMARC: "pass", Checked: true},
			false, false, "unauthenticated", "victim@partner.example"},
		{"dmarc", person, Auth{DMARC: "pass", Checked: true}, false, true, "dmarc-pass", "ana@partner.example"},
		{"trusted forwarder", person,
			Auth{ARC: []string{"list.example"}, SPF: "fail", DMARC: "fail", Checked: true},
			false, true, "arc-trusted", "ana@partner.example"},
		{"dmarc fails although spf passes", person,
			Auth{SPF: "pass", SPFDomain: "partner.example", DMARC: "fail", Checked: true},
			true, false, "authentication-failed", "ana@partner.example"},
		{"softfail and nothing else, lax", person, spf("softfail", ""),
			true, false, "authentication-failed", "ana@partner.example"},
		{"nothing known", person, Auth{}, false, false, "unauthenticated", "ana@partner.example"},
		{"nothing known, lax", person, Auth{}, true, true, "unauthenticated", "ana@partner.example"},
		{"no return path, From signed", noReturnPath, signed("partner.example"),
			false, true, "dkim-aligned", "ana@partner.example"},
		{"no return path, nothing proven, lax", noReturnPath, Auth{}, true, false, "no-answer-address", ""},
	} {
		r := Classify([]byte(c.raw), envelope()).Authenticate(c.auth, c.lax)
		if r.Answer != c.answer || r.AnswerTo != c.to || !strings.Contains(ids(r), c.rule) {
			t.Errorf("%s: answer %v to %q by %s", c.name, r.Answer, r.AnswerTo, ids(r))
		}
	}
}

func ids(r Result) string {
	var list []string
	for _, rule := range r.Rules {
		list = append(list, rule.ID)
	}
	return strings.Join(list, " ")
}

// A verdict is final: no proof turns a stop into an answer.
func TestProofLiftsNoStop(t *testing.T) {
	t.Parallel()
	r := Classify([]byte(with("Precedence: bulk")), envelope())
	if r = r.Authenticate(Auth{SPF: "pass", SPFDomain: "partner.example", DMARC: "pass", Checked: true}, true); r.Answer {
		t.Error(ids(r))
	}
}
