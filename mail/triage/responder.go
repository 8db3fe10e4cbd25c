package triage

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"signpost/mail/header"
	"signpost/store"
)

// Programs and people use the same words: both write "I am on vacation", "thank
// you for contacting" and "delivery failed". So a phrase decides alone only where
// no person begins a subject so, or where a program speaks of itself; every other
// needs a second sign, and one that people write too is believed only of a mail
// that asks nothing.

// autoSubjectRule judges the subject's beginning.
func autoSubjectRule(m *message) (string, bool) {
	book := phrasebook()
	p, ok := book.prefix(m.folded, autoSubject)
	if ok {
		ok = endsThere(m.folded, p) || !m.asksUs()
	} else if p, ok = book.prefix(m.folded, bounceSubject, delaySubject); ok {
		_, system := m.systemSender()
		ok = m.report != "" || system || !m.aboutGoods(p) && !m.ownVoice()
	}
	if !ok && m.report != "" {
		p, ok = book.prefix(m.folded, receiptSubject)
	}
	if !ok {
		p, ok = m.awaySubject()
	}
	return "Subject: " + m.subject + " [" + p + "]", ok
}

// endsThere tells that a subject's phrase is set apart from what follows, as
// programs write it: "Automatic reply: ...", "[Auto-reply] ...". People make it a
// part of their sentence: "Automatic reply instead of an answer".
func endsThere(subject, phrase string) bool {
	rest := strings.TrimSpace(strings.TrimPrefix(trimHead(subject), phrase))
	mark, _ := utf8.DecodeRuneInString(rest)
	return strings.HasSuffix(phrase, ":") || rest != "" && strings.ContainsRune(":：-–—|])】", mark)
}

// aboutGoods tells a bounce's subject that may speak of parcels as well, as far as
// the phrase it was known by says, in a text without a server's reply or an address.
func (m *message) aboutGoods(phrase string) bool {
	if goods, ok := phrasebook().prefix(m.folded, goodsSubject); !ok || len(phrase) > len(goods) {
		return false
	}
	words := m.openingWords()
	return smtpReply(words) == "" && len(enhanced(words)) == 0 && !strings.Contains(words, "@")
}

// awaySubject knows the short subjects of absence notices, where the subject goes on
// with the one that is answered or the text says next to nothing. Beside more text
// that decides, see away.
func (m *message) awaySubject() (string, bool) {
	p, ok := phrasebook().prefix(m.folded, awaySubject)
	if !ok {
		p, ok = phrasebook().within(m.folded, awayNamed)
		return p, ok && !m.replySubject() && !m.asksUs()
	}
	if len(m.openingWords()) > maxThin || m.asks() || m.asksUs() {
		return p, false
	}
	rest := strings.TrimSpace(strings.TrimPrefix(trimHead(m.folded), p))
	return p, rest == "" || strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "：")
}

// questions tells whether the mail's own words hold a question mark.
func (m *message) questions() bool {
	opening := m.openingWords()
	return strings.ContainsAny(m.folded, questionMarks) || strings.ContainsAny(opening, questionMarks) ||
		strings.Contains(opening, "か。")
}

// programTextRule finds a sentence in which a program says that it wrote the mail; it
// stands at the head or at the foot.
func programTextRule(m *message) (string, bool) {
	if m.program == nil {
		words, ok := m.programText()
		m.program = &programWords{words, ok}
	}
	return m.program.words, m.program.ok
}

// programWords is what programTextRule found.
type programWords struct {
	words string
	ok    bool
}

func (m *message) programText() (string, bool) {
	text := m.text()
	if p, ok := phrasebook().within(withoutSpeech(fold(cut(text, 3000))), programText); ok {
		return p, true
	}
	if len(text) <= 3000 {
		return m.programNoun()
	}
	foot := text[max(3000, len(text)-1500):]
	return phrasebook().within(fold(strings.ToValidUTF8(foot, " ")), programText)
}

// programNoun finds a sentence that begins with the name of such a mail, in one that
// asks nothing: "Automatic reply. ..."; people write "your automatic reply".
func (m *message) programNoun() (string, bool) {
	list := m.sentences()
	for i := range list {
		if list[i].startsWith(programNoun) {
			return list[i].raw, !m.asks()
		}
	}
	return "", false
}

// answers tells a mail that answers another, as far as its header shows. Exchange
// keeps the thread's first subject in Thread-Topic.
func (m *message) answers() bool {
	if m.header.Count("In-Reply-To") > 0 || m.header.Count("References") > 0 || m.replySubject() {
		return true
	}
	topic := fold(header.DecodeWords(m.header.Value("Thread-Topic")))
	return topic != "" && topic != m.folded && strings.HasSuffix(m.folded, ": "+topic)
}

// replySubject tells a subject as mail programs write it above an answer: "Re:",
// "AW:", "Odp:", "回复:".
func (m *message) replySubject() bool {
	head, _, ok := strings.Cut(m.folded, ":")
	return ok && len([]rune(strings.TrimSpace(head))) <= 4
}

// challenge: a known service, or a text that asks for proof beside a link.
func challenge(m *message) (string, bool) {
	if words, ok := challengeService(m); ok {
		return words, true
	}
	words, ok := m.opening(challengeText, 2000, 0)
	if !ok {
		return "", false
	}
	return words, m.hasLink() || containsAny(m.folded, "verif", "confirm", "conferm", "bestätig", "authenti",
		"potwierd", "подтвер", "確認", "确认", "action required", "challenge")
}

// challengeService tells a sender at one of the services that send challenges.
func challengeService(m *message) (string, bool) {
	for _, a := range append(m.addresses("Sender"), m.from...) {
		domain := store.Domain(a.Address)
		for _, host := range phrasebook().list(challengeHost) {
			if domain == host || strings.HasSuffix(domain, "."+host) {
				return "From: " + a.Address, true
			}
		}
	}
	return "", false
}

// hasLink tells whether any of the mail's texts holds a link; a page's stand in its
// tags.
func (m *message) hasLink() bool {
	for i := range m.parts {
		p := &m.parts[i]
		if !p.isText() {
			continue
		}
		raw := bytes.ToLower(decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText))
		if bytes.Contains(raw, []byte("http://")) || bytes.Contains(raw, []byte("https://")) {
			return true
		}
	}
	return false
}

// opening looks for a phrase in the first window bytes of what the sender wrote;
// when short is not 0 only in a text of at most that length, since programs are
// brief and a person's long letter may hold any sentence.
func (m *message) opening(section section, window, short int) (string, bool) {
	text := m.openingWords()
	if short > 0 && len(text) > short {
		return "", false
	}
	return phrasebook().within(cut(text, window), section)
}

// maxOpening is how much of a text the rules on its opening see.
const maxOpening = 4000

// openingWords is the opening of the text without its signature, folded.
func (m *message) openingWords() string {
	if !m.hasOpening {
		m.hasOpening = true
		m.first = fold(cut(withoutSignature(m.text()), maxOpening))
	}
	return m.first
}

func withoutSignature(text string) string {
	for _, mark := range []string{"\n-- \n", "\n--\n"} {
		if i := strings.Index(text, mark); i >= 0 {
			text = text[:i]
		}
	}
	return text
}

// maxWords is how much of a text is looked through for what it quotes.
const maxWords = 64 << 10

// text is the mail's first readable text, what it quotes left out.
func (m *message) text() string {
	if m.hasText {
		return m.words
	}
	m.hasText = true
	for i := range m.parts {
		p := &m.parts[i]
		if p.isText() && p.filename() == "" {
			if t := strings.TrimSpace(p.text()); t != "" {
				m.words = withoutQuotes(cut(t, maxWords))
				break
			}
		}
	}
	return m.words
}

// withoutQuotes leaves out quoted lines, and ends where another mail begins: below
// a marker or a line of attribution, or where a mail's header was pasted, in
// whatever language.
func withoutQuotes(s string) string {
	var out strings.Builder
	for at := 0; at < len(s); {
		line, _, _ := strings.Cut(s[at:], "\n")
		next := min(at+len(line)+1, len(s))
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, ">"), attributes(trimmed, s[next:]):
		case startsQuote(trimmed, s[at:]):
			return out.String()
		default:
			out.WriteString(s[at:next])
		}
		at = next
	}
	return out.String()
}

// attributes tells the line above quoted lines that dates them: "On 3.5.2026 09:15, Ana
// wrote:". Its date is no number to call.
func attributes(line, below string) bool {
	if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") || !hasDigit(line) {
		return false
	}
	head := strings.TrimRight(line, ":")
	return strings.HasPrefix(strings.TrimLeft(below, " \t\r\n"), ">") &&
		(strings.ContainsAny(head, ":@") || strings.Contains(head, " 20")) // or a year
}

// startsQuote tells the line above a quoted mail: "-----Original Message-----",
// "On Sunday Ana <a@b.example> wrote:", or the first of the fields that mail
// programs paste (From, Sent, To, Subject).
func startsQuote(line, text string) bool {
	if line == "" {
		return false
	}
	if line[0] == '-' || line[0] == 'B' || line[0] == '_' {
		if _, ok := phrasebook().prefix(fold(cut(line, 200)), returnedMark); ok {
			return true
		}
	}
	if line[len(line)-1] == ':' && len(line) < 300 &&
		strings.Contains(line, "@") && strings.ContainsAny(line, "0123456789") {
		return true
	}
	if _, below, _ := strings.Cut(text, "\n"); strings.HasPrefix(line, "---") && strings.HasSuffix(line, "---") &&
		pastedFields(below) {
		return true
	}
	return pastedHeader(text)
}

// pastedFields tells two lines of "Word: value" under a marker line.
func pastedFields(text string) bool {
	fields, _ := countFields(text)
	return fields >= 2
}

// pastedHeader tells three to eight lines of "Word: value", an address among them.
func pastedHeader(text string) bool {
	fields, address := countFields(text)
	return fields >= 3 && address
}

// countFields counts the lines of "Word: value", up to eight, that text begins with,
// and tells whether a value holds an address.
func countFields(text string) (fields int, address bool) {
	for line := range strings.Lines(cut(text, 1200)) {
		if fields == 8 {
			break
		}
		line = strings.Trim(strings.TrimSpace(line), "*")
		if line == "" && fields == 0 {
			return 0, false
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || len([]rune(name)) > 16 || name == "" || strings.ContainsAny(name, ".,;@/") {
			break
		}
		fields++
		address = address || strings.Contains(value, "@")
	}
	return fields, address
}
