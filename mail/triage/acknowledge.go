package triage

import "strings"

// acknowledgement needs two signs: the sentence that a request has arrived, and
// the subject of an acknowledgement, a new ticket's mark, or what they promise.
// The mark of a mail that answers may be ours.
func acknowledgement(m *message) (string, bool) {
	subject, named := phrasebook().prefix(m.folded, ackSubject)
	words, told := m.opening(ackText, 1500, 0)
	more, promised := m.opening(ackMore, 1500, 0)
	thanks, thanked := m.opening(ackThanks, 1500, 0)
	switch {
	case named && told:
		return "Subject: " + subject + "; " + words, true
	case named && promised:
		return "Subject: " + subject + "; " + more, !m.questions()
	case told && promised:
		return words + "; " + more, true
	case told && thanked:
		return words + "; " + thanks, !m.questions()
	case told && ticketMark(m.folded) && !m.answers():
		return words, true
	}
	return m.filed(named)
}

// filed tells an acknowledgement by its shape, whatever its sentences: its subject
// bears a ticket's mark, a sentence says of the reader's mail or of a ticket that it
// was received, filed, opened, and nothing is asked. In a mail that answers the mark
// may be ours, so there the text must name the number too, or the subject must be an
// acknowledgement's.
func (m *message) filed(named bool) (string, bool) {
	if !ticketMark(m.folded) || len(m.openingWords()) > maxNoticeText || m.anySentence((*sentence).wants) {
		return "", false
	}
	subject := sentence{raw: m.folded, words: bareWords(m.folded)}
	ofPerson := m.replySubject() || m.anySentence(func(s *sentence) bool { return s.has(firstPerson) })
	if subject.acknowledges() && !ofPerson {
		return "Subject: " + m.folded, true
	}
	for i := range m.sentences() {
		if s := &m.sentences()[i]; s.acknowledges() {
			return s.raw, named || !m.answers() || m.repeatsNumber()
		}
	}
	return "", false
}

// acknowledges tells a sentence by which a request is said to have arrived.
func (s *sentence) acknowledges() bool { return s.has(ackNoun) && s.has(ackDone) }

// wants tells a request that is none of those acknowledgements make, or what only a
// person writes.
func (s *sentence) wants() bool { return s.asksUs() && !s.has(ackCourtesy) || s.personal() }

// repeatsNumber tells a text that names a number of four digits or more of the
// subject's.
func (m *message) repeatsNumber() bool {
	text := m.openingWords()
	for rest := m.folded; rest != ""; {
		i := strings.IndexAny(rest, "0123456789")
		if i < 0 {
			return false
		}
		n := digits(rest[i:])
		if n >= 4 && strings.Contains(text, rest[i:i+n]) {
			return true
		}
		rest = rest[i+n:]
	}
	return false
}
