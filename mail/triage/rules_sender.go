package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store/addr"
)

// senderRules: where an answer would go.
var senderRules = []rule{
	stop("null-sender", "RFC 3834 section 2: no response to a null return path", func(m *message) (string, bool) {
		return "Return-Path: " + m.returnPath, m.hasReturnPath && m.null
	}),
	note("no-return-path", "RFC 3834 section 4: an automatic response goes to the return path, and this mail has none",
		func(m *message) (string, bool) { return "no Return-Path field", !m.hasReturnPath }),
	stop("bad-return-path", "RFC 3834 section 2: check the destination address for validity",
		func(m *message) (string, bool) {
			return "Return-Path: " + m.returnPath, m.hasReturnPath && !m.null && m.sender == ""
		}),
	note("wrapped-sender", "BATV and SRS write a person's own address into the envelope", func(m *message) (string, bool) {
		return "Return-Path: " + m.returnPath, m.wrapped
	}),
	stop("robot-sender", "RFC 3834 section 2, RFC 5230 section 4.6: names under which programs write",
		func(m *message) (string, bool) { return m.robot(isRobot) }),
	stop("reply-to-elsewhere", "a third party named in Reply-To, by a mail whose author and envelope differ too: "+
		"answers to it would be backscatter",
		func(m *message) (string, bool) {
			words, ok := replyToElsewhere(m)
			return words, ok && !m.sameAuthor()
		}),
	note("reply-to-ignored",
		"Reply-To names another organisation; an answer goes to the return path alone, never there",
		func(m *message) (string, bool) {
			words, ok := replyToElsewhere(m)
			return words, ok && m.sameAuthor()
		}),
	stop("broken-from", "RFC 5322 section 3.6.2: one author, named by an address", brokenFrom),
}

// robot looks for a program's name in the envelope sender, From and Sender.
func (m *message) robot(is func(address string) bool) (string, bool) {
	if m.hasReturnPath && !m.null {
		address := m.sender
		if address == "" {
			address = header.BareAddress(m.returnPath)
		}
		if is(address) {
			return "Return-Path: " + m.returnPath, true
		}
	}
	for _, a := range m.from {
		if is(a.Address) {
			return "From: " + a.Address, true
		}
	}
	for _, a := range m.addresses("Sender") {
		if is(a.Address) {
			return "Sender: " + a.Address, true
		}
	}
	return "", false
}

func isRobot(address string) bool {
	return isDaemon(address) || isNoReply(address) || isServiceName(address) || isTagged(address)
}

func localPart(address string) string {
	local, _ := addr.Split(address)
	return strings.Trim(strings.ToLower(local), `"'`)
}

// squash drops what people vary in such names: mailer-daemon, Mailer_Daemon,
// mailerdaemon.
func squash(local string) string {
	if !strings.ContainsAny(local, "-_.") {
		return local
	}
	out := make([]byte, 0, len(local))
	for i := range len(local) {
		if c := local[i]; c != '-' && c != '_' && c != '.' {
			out = append(out, c)
		}
	}
	return string(out)
}

// daemonNames begin or end the names under which mail systems report, without
// their punctuation.
var daemonNames = []string{
	"mailerdaemon", "postmaster", "maildaemon", "doublebounce", "mailadministrator", "mailsystem", "mmdf",
}

// isDaemon tells the names under which mail systems report.
func isDaemon(address string) bool {
	local := localPart(address)
	flat := squash(local)
	for _, name := range daemonNames {
		if strings.HasPrefix(flat, name) || strings.HasSuffix(flat, name) {
			return true
		}
	}
	return strings.HasPrefix(flat, "microsoftexchange") && len(flat) > 40
}

// isNoReply tells the addresses that say of themselves that nobody reads them.
func isNoReply(address string) bool {
	flat := squash(localPart(address))
	return containsAny(flat, "noreply", "donotreply", "dontreply", "noresponder", "noresponda", "norespondas",
		"noresponse", "donotrespond", "nepasrepondre", "pasdereponse", "nichtantworten", "keineantwort",
		"nichtbeantworten", "naoresponda", "naoresponder", "nonrispondere", "nietbeantwoorden", "nietantwoorden",
		"geenantwoord", "nieodpowiadaj", "neodpovidat", "neodpovidejte", "neodpovedat", "svarainte", "svarikke",
		"ikkesvar", "alavastaa", "eivastata", "neodgovarjaj", "yanitlamayin", "autoreply", "autoresponder",
		"unattended")
}

// isServiceName tells list managers, system accounts and their address forms.
func isServiceName(address string) bool {
	local := localPart(address)
	name, _, _ := strings.Cut(local, "+")
	switch name {
	case "listserv", "majordomo", "root", "daemon", "uucp", "nobody", "www-data", "abuse", "bounce", "bounces", "mailman",
		"notification", "notifications", "notify", "apache", "cron", "backup-daemon":
		return true
	}
	return isListName(address) || name == "newsletter" || name == "newsletters"
}

// listSuffixes end the names that list managers and mail programs write under.
var listSuffixes = []string{
	"-request", "-owner", "-bounces", "-bounce", "-relay", "-errors", "-confirm", "-daemon", "-return",
	"-admin-bounces",
}

// isListName tells the address forms of list managers.
func isListName(address string) bool {
	local := localPart(address)
	name, _, _ := strings.Cut(local, "+")
	for _, suffix := range listSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(local, "owner-") || strings.HasPrefix(local, "bounce-") ||
		strings.HasPrefix(local, "bounces-")
}

// isTagged tells an envelope sender that names another address or a message of
// its own: VERP and its kin, written by programs that send to many.
func isTagged(address string) bool {
	local := localPart(address)
	if strings.HasPrefix(local, "prvs=") || strings.HasPrefix(local, "btv1==") || strings.HasPrefix(local, "srs") {
		return strings.Contains(local, "=")
	}
	at := strings.LastIndexByte(local, '=')
	return at > 0 && strings.Contains(local[at:], ".") && strings.ContainsAny(local[:at], "+-")
}

// sameAuthor tells that the envelope and From name one organisation.
func (m *message) sameAuthor() bool {
	return m.sender != "" && len(m.from) == 1 && aligned(m.sender, m.from[0].Address)
}

// replyToElsewhere: we never answer a Reply-To, but one that names another
// organisation than both From and the return path shows a mail that is not what a
// person's client writes.
func replyToElsewhere(m *message) (string, bool) {
	var known []string
	for _, a := range m.from {
		known = append(known, a.Address)
	}
	if m.sender != "" {
		known = append(known, m.sender)
	}
	for _, a := range m.addresses("Reply-To") {
		if len(known) == 0 || !strings.Contains(a.Address, "@") {
			continue
		}
		same := false
		for _, k := range known {
			same = same || aligned(a.Address, k)
		}
		if !same {
			return "Reply-To: " + a.Address, true
		}
	}
	return "", false
}

func brokenFrom(m *message) (string, bool) {
	value := m.header.Value("From")
	switch {
	case m.header.Count("From") == 0:
		return "no From field", true
	case m.header.Count("From") > 1:
		return "several From fields: " + value, true
	case len(m.from) != 1:
		return "From: " + value, true
	}
	local, domain := addr.Split(m.from[0].Address)
	return "From: " + value, local == "" || domain == "" || strings.ContainsAny(domain, "()[]<>\\")
}
