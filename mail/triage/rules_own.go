package triage

import (
	"strings"

	"signpost/mail/header"
)

// ownRules: the mail is ours, or about an automatic answer of ours.
var ownRules = []rule{
	stop("own-address", "RFC 5230 section 4.5, RFC 3834 section 2: never answer ourselves", ownAddress),
	stop("own-instance", "RFC 5230 section 4.6: a mark of our own shows that our mail came back", ownInstance),
	stop("answers-auto-response",
		"a loop between two responders, seen from the thread: it answers one of our automatic answers",
		func(m *message) (string, bool) { return m.answersOurs(true) }),
	note(RuleOwnList, "RFC 5230 section 4.6: a list is not answered, so that one which is our own address silences us",
		ownList),
	note("answers-our-mail", "it answers a mail of ours", func(m *message) (string, bool) { return m.answersOurs(false) }),
}

func ownAddress(m *message) (string, bool) {
	if _, ok := m.isOurs(m.sender); ok {
		return "Return-Path: " + m.returnPath, true
	}
	for _, name := range []string{"From", "Sender", "Reply-To"} {
		for _, a := range m.addresses(name) {
			if _, ok := m.isOurs(a.Address); ok {
				return name + ": " + a.Address, true
			}
		}
	}
	return "", false
}

// RuleOwnList tells that a mail came through a list or group of our own address.
const RuleOwnList = "list-of-ours"

// ownList looks in what lists and groups write for an address of ours that the mail
// was sent to: as an address or, in a List-Id (RFC 2919), with a dot for the at sign.
func ownList(m *message) (string, bool) {
	if _, _, listed := m.header.First(listFields...); !listed {
		return "", false
	}
	for _, ours := range m.ours {
		address := strings.ToLower(ours)
		id := "<" + strings.Replace(address, "@", ".", 1) + ">"
		for _, name := range listFields {
			if words, found := m.valued(name, func(v string) bool {
				v = strings.ToLower(v)
				return strings.Contains(v, address) || strings.Contains(v, id)
			}); found {
				return words, true
			}
		}
	}
	return "", false
}

func ownInstance(m *message) (string, bool) {
	if m.env.OwnInstance != "" {
		if words, ok := m.valued("X-Signpost-Instance", func(v string) bool { return v == m.env.OwnInstance }); ok {
			return words, true
		}
	}
	if m.env.OwnMessageID == nil {
		return "", false
	}
	id := header.FirstID(m.header.Value("Message-ID"))
	_, ok := m.env.OwnMessageID(id)
	return "Message-ID: " + id, id != "" && ok
}

// answersOurs looks for one of our Message-IDs in the thread: with ofAnswer of
// a mail that answers one, else of any other.
func (m *message) answersOurs(ofAnswer bool) (string, bool) {
	if m.env.OwnMessageID == nil {
		return "", false
	}
	for _, name := range []string{"In-Reply-To", "References"} {
		for _, id := range m.references(name) {
			if !strings.Contains(id, ".") { // ours have three labels
				continue
			}
			if kind, ok := m.env.OwnMessageID(id); ok && kind.Answers() == ofAnswer {
				return name + ": " + id, true
			}
		}
	}
	return "", false
}
