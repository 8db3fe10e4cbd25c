package triage

import (
	_ "embed"
	"strings"
	"sync"

	"signpost/store"
)

// The words in which refusals are explained: the reasons in the order in which
// they are looked for, with their phrases.
//
//go:embed phrases/reasons.dat
var reasonFile string

type reasonPhrases struct {
	reason  string
	phrases []phrasePattern
}

// phrasePattern is a phrase split at its gaps.
type phrasePattern []string

const maxGap = 80

// maxReasonText is how much of a server's words is searched for a reason: a
// thousand phrases are looked for in it, for each recipient.
const maxReasonText = 2048

var reasons = sync.OnceValue(func() (list []reasonPhrases) {
	for line := range strings.Lines(reasonFile) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "== "):
			list = append(list, reasonPhrases{reason: line[3:]})
		default:
			var p phrasePattern
			for piece := range strings.SplitSeq(fold(line), "*") {
				p = append(p, strings.TrimSpace(piece))
			}
			last := &list[len(list)-1]
			last.phrases = append(last.phrases, p)
		}
	}
	return list
})

func (p phrasePattern) in(text string) bool {
	at := indexWord(text, p[0])
	for _, piece := range p[1:] {
		if at < 0 {
			return false
		}
		text = text[at:]
		next := strings.Index(text, piece)
		if next < 0 || next > maxGap+len(p[0]) {
			return false
		}
		at = next
	}
	return at >= 0
}

// indexWord finds a phrase where a word begins; a short one must end there too.
func indexWord(text, phrase string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], phrase)
		if i < 0 {
			return -1
		}
		at, end := from+i, from+i+len(phrase)
		begins := at == 0 || !isAlnum(text[at-1]) || !isAlnum(phrase[0])
		ends := len(phrase) > 6 || end == len(text) || !isAlnum(text[end]) || !isAlnum(phrase[len(phrase)-1])
		if begins && ends {
			return at
		}
		from = at + 1
	}
}

// statusReasons is what a status code alone says (RFC 3463, RFC 7505, RFC 7372,
// RFC 8616; the three-digit details are Microsoft's).
var statusReasons = map[string]string{
	"1.1": "userunknown", "1.2": "hostunknown", "1.3": "userunknown", "1.4": "userunknown", "1.5": "delivered",
	"1.6": "hasmoved", "1.7": "rejected", "1.8": "rejected", "1.10": "userunknown",
	"1.350": "userunknown", "1.351": "userunknown",

	"2.1": "suspend", "2.2": "mailboxfull", "2.3": "exceedlimit", "2.4": "filtered",

	"3.0": "systemerror", "3.1": "systemfull", "3.2": "notaccept", "3.3": "systemerror", "3.4": "mesgtoobig",
	"3.5": "systemerror",

	"4.1": "expired", "4.2": "networkerror", "4.3": "systemerror", "4.4": "hostunknown", "4.5": "systemfull",
	"4.6": "networkerror", "4.7": "expired", "4.14": "networkerror",
	"4.300": "expired", "4.310": "hostunknown", "4.312": "networkerror", "4.316": "expired",
	"4.317": "failedstarttls",

	"5.0": "syntaxerror", "5.1": "syntaxerror", "5.2": "syntaxerror", "5.3": "toomanyconn", "5.4": "syntaxerror",
	"5.5": "syntaxerror", "5.6": "syntaxerror",

	"6.0": "contenterror", "6.1": "contenterror", "6.2": "contenterror", "6.3": "contenterror",
	"6.5": "contenterror", "6.6": "contenterror", "6.7": "contenterror",

	"7.0": "securityerror", "7.1": "securityerror", "7.2": "rejected", "7.3": "securityerror",
	"7.4": "securityerror", "7.5": "securityerror", "7.7": "securityerror", "7.8": "securityerror",
	"7.9": "policyviolation", "7.13": "suspend", "7.14": "securityerror", "7.15": "policyviolation",
	"7.17": "hasmoved", "7.18": "hasmoved", "7.20": "authfailure", "7.21": "authfailure", "7.22": "authfailure",
	"7.23": "authfailure", "7.24": "authfailure", "7.25": "requireptr", "7.26": "authfailure", "7.27": "notaccept",
	"7.28": "speeding", "7.29": "authfailure", "7.30": "failedstarttls",
	"7.54": "norelaying", "7.57": "securityerror", "7.64": "norelaying", "7.124": "rejected",
	"7.133": "securityerror", "7.134": "securityerror",
	"7.501": "rejected", "7.502": "rejected", "7.503": "rejected", "7.505": "blocked", "7.509": "authfailure",
	"7.511": "blocked", "7.512": "notcompliantrfc", "7.513": "authfailure", "7.515": "authfailure",
	"7.705": "toomanyconn", "7.708": "blocked", "7.750": "blocked",
}

// said is what a server said of one recipient.
type said struct {
	status  string // as reported, "" when nobody said one
	reply   string // the SMTP reply code, "" when none
	command string // the SMTP command it answered: RCPT, DATA, MAIL, ...
	text    string // the server's words
	action  store.Action
}

// why finds the reason in a server's words. "User unknown" is believed where it
// is said of the recipient: with a status of that class or at RCPT; said after
// the message was sent it is a filter's answer.
func (s said) why() string {
	switch s.action {
	case store.ActionDelivered, store.ActionRelayed, store.ActionExpanded:
		return "delivered"
	}
	text := fold(cut(remoteWords(s.text), maxReasonText))
	byStatus := s.byStatus()
	switch byStatus {
	case "authfailure", "requireptr", "failedstarttls", "norelaying", "exceedlimit", "speeding":
		return byStatus // codes that are given for nothing else
	}
	for _, r := range reasons() {
		for _, p := range r.phrases {
			if p.in(text) {
				return s.settle(r.reason, byStatus)
			}
		}
	}
	if byStatus != "" {
		return byStatus
	}
	return s.unexplained(text)
}

// quotedMarks stand before the remote server's words where a relay quotes them.
var quotedMarks = []string{" said: ", "the other server returned was:", "response from the remote server was:"}

// remoteWords drops a relay's own words where it quotes the remote server behind
// them: "host mx.example[192.0.2.1] said: 550 User not found" is about a user, and
// "5.1.0 - Unknown address error 550-'...'", as Cisco's and Amazon's relays write,
// about what stands in the quotes.
func remoteWords(text string) string {
	for _, mark := range quotedMarks {
		if _, words, ok := strings.Cut(text, mark); ok && len(strings.TrimSpace(words)) >= 5 {
			return words
		}
	}
	label, rest, ok := strings.Cut(text, "-'")
	if !ok || !strings.Contains(label, " - ") || len(enhanced(label)) == 0 {
		return text
	}
	words, _, _ := strings.Cut(rest, "'")
	if len(strings.TrimSpace(words)) < 5 {
		return text
	}
	return words
}

// settle weighs the phrase's reason against the status.
func (s said) settle(reason, byStatus string) string {
	switch reason {
	case "userunknown-words":
		return s.settleUnknown(byStatus)
	case "securityerror", "systemerror", "mailererror", "contenterror": // any status says more
		if byStatus != "" {
			return byStatus
		}
	case "expired", "networkerror":
		if byStatus == "userunknown" {
			return byStatus
		}
	}
	return reason
}

// settleUnknown weighs the words of an unknown user, which some servers write of
// mail that they filter, too.
func (s said) settleUnknown(byStatus string) string {
	switch {
	case byStatus == "suspend" && s.command != "RCPT":
		return byStatus
	case byStatus == "hasmoved" || byStatus == "mailboxfull" || byStatus == "notaccept" ||
		byStatus == "hostunknown" || byStatus == "rejected":
		return byStatus
	case byStatus == "userunknown" || s.command == "RCPT" || s.reply == "" || s.command == "" && s.reply == "553":
		return "userunknown"
	}
	return "filtered"
}

// byStatus looks the status up by its subject and detail.
func (s said) byStatus() string {
	if len(s.status) < 5 {
		return ""
	}
	return statusReasons[s.status[2:]]
}

func (s said) unexplained(text string) string {
	switch {
	case s.action == store.ActionDelayed:
		return "expired"
	case strings.HasPrefix(s.status, "5.1"):
		return "userunknown"
	case strings.HasPrefix(s.status, "5.2"):
		return "filtered"
	case strings.HasPrefix(s.status, "4.4"):
		return "networkerror"
	case strings.HasPrefix(s.status, "5.6") || strings.HasPrefix(s.status, "4.6"):
		return "contenterror"
	case strings.HasPrefix(s.status, "5.7") || strings.HasPrefix(s.status, "4.7"):
		return "securityerror"
	case s.command == "EHLO" || s.command == "HELO" || s.command == "CONN":
		return "blocked"
	case text == "":
		return "undefined"
	}
	return "onhold"
}

// isHard tells whether the reason means that the address will never work. It is
// the reason that decides, not the class of the status: most refusals with 5.x.x
// are about us or about the moment.
func (s said) isHard(reason string) bool {
	switch reason {
	case "userunknown", "hostunknown", "hasmoved":
		return true
	case "notaccept":
		return !strings.HasPrefix(s.status, "4") && !strings.HasPrefix(s.reply, "4")
	}
	return false
}

// outcome is what we do about it: the address is dead, we are refused, it may
// work later, or it is done.
func (s said) outcome(reason string) store.Outcome {
	temporary := strings.HasPrefix(s.status, "4") || s.status == "" && strings.HasPrefix(s.reply, "4")
	switch {
	case reason == "delivered":
		return store.OutcomeDone
	case s.action == store.ActionDelayed:
		return store.OutcomeLater
	}
	if strings.Contains(fold(cut(s.text, maxReasonText)), "nxdomain") {
		return store.OutcomeDead // whatever the status: there is no such domain
	}
	switch reason {
	case "userunknown", "hostunknown", "hasmoved":
		return store.OutcomeDead
	case "filtered", "suspend", "notaccept":
		if temporary {
			return store.OutcomeLater
		}
		return store.OutcomeDead
	case "mailboxfull", "systemfull", "expired", "networkerror", "systemerror", "mailererror", "speeding", "toomanyconn":
		return store.OutcomeLater
	}
	if temporary {
		return store.OutcomeLater
	}
	return store.OutcomeRefused
}
