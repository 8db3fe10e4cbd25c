package outbox

import (
	"slices"
	"strings"

	"signpost/mail/triage"
	"signpost/store"
)

// Verdict is what becomes of a mail after a try that failed.
type Verdict string

// The verdicts. The zero Verdict, of a fault that is no reply to a mail, is as Retry.
const (
	Retry Verdict = "retry" // the same mail may go out another time
	Hold  Verdict = "hold"  // the reply speaks of us: the mail waits until that is mended
	Fail  Verdict = "fail"  // the mail, or its recipient, is refused for good
)

// Parties are whom a reply may name: the recipient, and our own addresses. Empty
// ones are not known, and the words alone decide.
type Parties struct {
	To   string
	Ours []string
}

// Judgement is what a relay's reply means for the mail it answers.
type Judgement struct {
	Verdict Verdict
	// Report is what the reply says of the recipient or of our standing, as a bounce
	// with the same words would; its Outcome is "" where it blames neither.
	Report store.Report
}

// OutcomeNone is what a reply says of the recipient that says nothing of it.
const OutcomeNone store.Outcome = "none"

// Told is the outcome of a judgement: dead, refused, later, or none.
func (j Judgement) Told() store.Outcome {
	if j.Verdict == Retry || j.Report.Outcome == "" {
		return OutcomeNone
	}
	return j.Report.Outcome
}

// Judge tells what a reply at a stage of the dialogue means, by whom it speaks of.
// lines are the reply as it came, codes included. It is pure.
//
// A reply of class 4 asks for another try (RFC 5321 section 4.2.1). One of class 5
// is final only where it clearly speaks of the recipient or of the mail itself;
// what speaks of us (sender, relaying, limits, login, standing), or of nothing
// that can be told, holds the mail and blames no recipient. At MAIL no recipient
// was named yet: nothing but the size of the mail can be refused there for good.
func Judge(at Stage, lines []string, who Parties) Judgement {
	return judge(at, parseReply(lines), who)
}

func judge(at Stage, r reply, who Parties) Judgement {
	w := readWords(at, r, who)
	about := w.subject()
	switch {
	case r.code/100 != 5 && about == aboutRecipient:
		return Judgement{Retry, w.report()}
	case r.code/100 != 5:
		return Judgement{Verdict: Retry}
	}
	switch about {
	case aboutParameters:
		return Judgement{Verdict: Retry}
	case aboutRecipient:
		return Judgement{Fail, w.report()}
	case aboutMail:
		return Judgement{Verdict: Fail}
	case aboutStanding:
		report := w.report()
		report.Outcome, report.Hard = store.OutcomeRefused, false
		return Judgement{Hold, report}
	}
	return Judgement{Verdict: Hold}
}

// subject is whom or what a reply speaks of.
type subject int

const (
	aboutNothing    subject = iota // it cannot be told
	aboutUs                        // our sender, right to relay, limits, login
	aboutStanding                  // what receiving servers think of us
	aboutParameters                // parameters of ours that we can do without
	aboutMail
	aboutRecipient
)

// words are a reply, prepared for reading.
type words struct {
	at       Stage
	reply    reply
	to       string
	statuses []string // the enhanced codes in it that say something, without their class: "1.1"
	text     string   // all of it, lower case, without links; addresses as named below
	plain    string   // text without host names and without what is said of tables and boilerplate
	quotes   mentions
}

// mentions tells whose addresses a reply quotes.
type mentions struct{ recipient, ours, unknown bool }

// subject looks for who is meant: the first of the signs that the reply bears decides.
func (w words) subject() subject {
	for _, sign := range signs {
		if sign.in(w) {
			return sign.of
		}
	}
	return aboutNothing
}

// sign is what tells of whom a reply speaks.
type sign struct {
	of subject
	in func(words) bool
}

// signs stand in their order. What is said of us counts before what is said of the
// recipient, since relays begin a refusal of ours with the words that RFC 5321 has for an
// unknown mailbox.
var signs = []sign{
	{aboutMail, words.ofSize},
	{aboutParameters, words.asksForLess},
	{aboutRecipient, func(w words) bool { return w.at != StageMail && suppressedThere.MatchString(w.plain) }},
	{aboutUs, func(w words) bool {
		return ofRelaying.MatchString(w.plain) || w.has(usStatuses...) || w.hasTenant()
	}},
	{aboutStanding, func(w words) bool {
		return ofStanding.MatchString(w.text) || w.has(standingStatuses...) || w.hasBannedIP()
	}},
	{aboutUs, func(w words) bool { return w.at == StageMail }},
	{aboutRecipient, func(w words) bool { return receivingLimit.MatchString(w.plain) }},
	{aboutMail, func(w words) bool { return w.at == StageDot && badFile.MatchString(w.plain) }},
	{aboutUs, func(w words) bool { return ofUs.MatchString(w.plain) || w.quotes.ours && !w.quotes.recipient }},
	{aboutRecipient, func(w words) bool { return w.has(recipientStatuses...) }},
	{aboutMail, func(w words) bool {
		return w.at == StageDot && (contentRefused.MatchString(w.plain) || w.hasContent())
	}},
	{aboutNothing, words.ofDialogue},
	{aboutRecipient, words.ofRecipient},
}

// ofSize tells a mail that is too large, and no limit on how much is sent.
func (w words) ofSize() bool {
	said := tooLarge.MatchString(w.plain) && !sendingLimit.MatchString(w.plain)
	return w.has("3.4") || said && !w.has(recipientStatuses...)
}

// ofDialogue tells a reply to the commands and their order, whoever is named in it.
func (w words) ofDialogue() bool { return slices.Contains([]int{500, 502, 503}, w.reply.code) }

// asksForLess tells a refusal of our optional parameters (RFC 5321 section 4.1.1.11)
// from other faults of syntax, which name an address or a sender.
func (w words) asksForLess() bool {
	if w.at != StageMail && w.at != StageRcpt || !slices.Contains([]int{500, 501, 504, 555}, w.reply.code) {
		return false
	}
	if ourParameters.MatchString(w.plain) {
		return true
	}
	for _, s := range w.statuses {
		if !strings.HasPrefix(s, "5.") {
			return false
		}
	}
	return ofParameters.MatchString(w.plain) && !ofAddress.MatchString(w.plain)
}

// ofRecipient: by the address quoted, or by the words. After the message was sent
// the milder words say too little: whose account?
func (w words) ofRecipient() bool {
	switch {
	case w.quotes.recipient, noMailbox.MatchString(w.plain):
		return true
	case w.at != StageRcpt:
		return false
	case closedMailbox.MatchString(w.plain), boilerplate.MatchString(w.plain):
		return true
	}
	// An address that may be anyone's: what is said of it has to be what is said of
	// recipients.
	said := w.report().Outcome
	return w.quotes.unknown && (said == store.OutcomeDead || said == store.OutcomeLater)
}

// has tells whether one of the statuses is said.
func (w words) has(statuses ...string) bool {
	return slices.ContainsFunc(w.statuses, func(s string) bool { return slices.Contains(statuses, s) })
}

// hasContent: X.6.Z speaks of the message's content (RFC 3463 section 3.7), X.2.3 of
// its length.
func (w words) hasContent() bool {
	return w.has("2.3") || slices.ContainsFunc(w.statuses, func(s string) bool { return strings.HasPrefix(s, "6.") })
}

// hasTenant: Microsoft's codes from 5.7.700 on, but for one, speak of the customer
// who sends.
func (w words) hasTenant() bool {
	return slices.ContainsFunc(w.statuses, func(s string) bool {
		return len(s) == 5 && strings.HasPrefix(s, "7.7") && s != "7.708"
	})
}

// hasBannedIP: Microsoft's codes 5.7.606 to 5.7.649 name an address of ours that is
// banned.
func (w words) hasBannedIP() bool {
	return slices.ContainsFunc(w.statuses, func(s string) bool { return s >= "7.606" && s <= "7.649" && len(s) == 5 })
}

// report reads the words as those of a bounce.
func (w words) report() store.Report {
	command := map[Stage]string{StageMail: "MAIL", StageRcpt: "RCPT"}[w.at]
	if command == "" {
		command = "DATA"
	}
	r := triage.ReadReply(triage.Reply{
		Recipient: w.to, Command: command, Code: w.reply.code, Enhanced: w.reply.enhanced, Text: w.reply.text,
	})
	denied := strings.Contains(w.plain, "access denied")
	switch {
	case w.has("4.1") && strings.Contains(w.plain, "recipient"): // Microsoft's word for an address it does not know
		r.Reason, r.Hard, r.Outcome = "userunknown", true, store.OutcomeDead
	case r.Outcome == store.OutcomeDead && denied && w.has("7.1"): // a rule about the recipient, which may be good
		r.Reason, r.Hard, r.Outcome = "rejected", false, store.OutcomeRefused
	case r.Outcome == store.OutcomeRefused && mailboxFull.MatchString(w.plain):
		r.Reason, r.Outcome = "mailboxfull", store.OutcomeLater
	case r.Outcome == store.OutcomeRefused && mailboxGone.MatchString(w.plain):
		r.Reason, r.Outcome = "suspend", store.OutcomeDead
	}
	return r
}

// parseReply reads the lines of a reply, also those of which a log has cut the code.
func parseReply(lines []string) (out reply) {
	var texts []string
	for _, line := range lines {
		code, text, _, err := parseReplyLine(strings.TrimRight(line, "\r\n"))
		if err != nil {
			texts = append(texts, line)
			continue
		}
		enhanced, text := cutEnhanced(code, text)
		if out.code = code; enhanced != "" {
			out.enhanced = enhanced
		}
		texts = append(texts, text)
	}
	out.text = strings.Join(texts, "\n")
	return out
}
