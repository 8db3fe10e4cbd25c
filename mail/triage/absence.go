package triage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"signpost/store/addr"
)

// The shape by which absence notices without a mark in their header are told: it decides
// in languages that the weights do not know, and is among the signs that they weigh. The
// writer states an absence or a departure of their own, until
// when or whom to ask instead, and asks nothing of us. A person's letter may state
// an absence as well; then it asks for something, or speaks of an order or of what
// happened. So a request decides for the person. "Please write to my colleague" is
// none of us, "please send your answer to my colleague" is.

// Bounds of what is looked at.
const (
	maxNoticeText = 3000 // bytes; a longer text is no notice
	maxSentences  = 60
	maxStrange    = 2   // sentences of a notice that are none of its shape: "Happy holidays to all!"
	maxPointer    = 300 // bytes of a text that does no more than to name whom to ask instead
	maxLead       = 12  // bytes before the word by which a sentence without a subject begins: "On jury duty"
	maxElided     = 2   // letters before an apostrophe
	maxGreeting   = 5   // words
	maxFragment   = 8   // words: "Back on Monday", without a subject
	maxThin       = 80  // bytes of a text that says next to nothing
)

// expected tells what a notice goes on with, or a line too short to be more than a
// greeting or a name.
func (s *sentence) expected() bool { return s.once(askedExpected, s.goesOn) }

func (s *sentence) goesOn() bool {
	if s.count() <= maxGreeting || s.pointsTo() {
		return true
	}
	for _, name := range []section{awayWord, leftWord, backWord, returnWord, mailboxWord, requestElse, requestUrgent} {
		if s.has(name) {
			return true
		}
	}
	_, more := phrasebook().within(s.raw, awayMore)
	return more
}

// requests tells a question, or a request of whomever.
func (s *sentence) requests() bool { return s.question && !s.smallTalk() || s.has(request) }

// smallTalk tells a question that greets: "How are you?"
func (s *sentence) smallTalk() bool { return s.count() <= maxGreeting && s.has(smallTalk) }

// asksUs tells a request that the readers of this mailbox are to do: not one that
// points to somebody else, and not a courtesy.
func (s *sentence) asksUs() bool { return s.once(askedUs, s.wantsOfUs) }

func (s *sentence) wantsOfUs() bool {
	urgent := s.has(requestUrgent)
	switch {
	case s.smallTalk() || s.has(resendWord):
		return false
	case s.question: // "Is it urgent?" goes on with whom to ask
		return !urgent || s.count() > maxFragment || s.has(requestUs)
	case s.startsWith(imperative) || s.commands():
		return true
	case !s.has(request) && !s.startsWith(sendWord):
		return false
	case s.has(handledWord) && !s.has(requestUs): // "beställningar skickas": the passive of a request's verb
		return false
	}
	points := s.pointsTo()
	switch {
	case urgent && points:
		return false
	case s.has(requestUs):
		return true
	case s.has(sendWord): // a thing we have, not the mail that the notice answers
		return !s.sendsMessage() || s.has(matterWord)
	}
	return !points && !s.has(requestElse)
}

// commands tells an imperative behind a courtesy, of something else than the mail
// itself: "Please move the account".
func (s *sentence) commands() bool {
	courtesy, ok := phrasebook().heads[request].at(s.words)
	if !ok || s.has(requestElse) || s.has(messageWord) {
		return false
	}
	_, ok = phrasebook().heads[imperative].at(s.words[len(strings.TrimSuffix(courtesy, " ")):])
	return ok
}

// sendsMessage tells that what is to be sent is the mail the sentence answers. At the
// head of a sentence "mail" is the verb.
func (s *sentence) sendsMessage() bool {
	rest := s.words
	if verb, at, ok := phrasebook().find(rest, sendWord); ok && at == 0 {
		rest = rest[len(verb):]
	}
	_, ok := phrasebook().within(rest, messageWord)
	return ok
}

// pointsTo tells that the sentence names an address or a telephone number.
func (s *sentence) pointsTo() bool { return s.once(askedPoints, s.namesContact) }

func (s *sentence) namesContact() bool {
	if strings.Contains(s.raw, "@") {
		return true
	}
	if !hasDigit(s.raw) && addr.IsASCII(s.raw) {
		return false
	}
	runs := strings.FieldsFunc(s.raw, func(r rune) bool {
		return !unicode.IsDigit(r) && !strings.ContainsRune(" -/()+.", r)
	})
	return slices.ContainsFunc(runs, isTelephone)
}

// redirects tells a sentence that points to an address or a number, and says little
// more or to turn there.
func (s *sentence) redirects() bool {
	return s.pointsTo() && (s.count() <= maxFragment ||
		s.has(requestElse) || s.has(requestUrgent) || s.has(mailboxWord) || s.has(request))
}

// isTelephone tells six digits or more that are no dates: those are made of numbers
// up to 31 and of years.
func isTelephone(run string) bool {
	all, dated := 0, true
	for _, number := range strings.FieldsFunc(run, func(r rune) bool { return !unicode.IsDigit(r) }) {
		all += len(number)
		day := len(number) == 1 || len(number) == 2 && number <= "31"
		dated = dated && (day || len(number) == 4 && number >= "1990" && number < "2100")
	}
	return all >= 6 && !dated
}

// personal tells what only a person writes about: an order of theirs, what arrived
// or did not, thanks for an answer.
func (s *sentence) personal() bool { return s.once(askedPersonal, s.ofPerson) }

func (s *sentence) ofPerson() bool {
	switch {
	case s.has(resendWord):
		return false
	case s.has(letterWord) || s.has(troubleWord) && s.has(matterWord):
		return true
	case s.has(handledWord) && !longNumber(s.words): // "Orders of these days will be processed on 5 May"
		return false
	}
	return s.has(goodsOwn) || s.numbersGoods() || s.troublesGoods()
}

// troublesGoods tells a fault of goods, or goods that an absence is set against: "I am
// on holiday, but the orders arrive twice". Who names an address tells whom to ask.
func (s *sentence) troublesGoods() bool {
	if s.pointsTo() || s.has(requestUrgent) {
		return false
	}
	goods := s.has(goodsWord)
	return goods && s.has(troubleWord) || (goods || s.has(matterWord)) && s.has(contrastWord) && s.has(awayWord)
}

// longNumber tells three digits or more that are no year: an order's, not a date's.
func longNumber(words string) bool {
	return slices.ContainsFunc(strings.Fields(words), func(word string) bool {
		return len(word) > 2 && strings.Trim(word, "0123456789") == "" && !(len(word) == 4 && strings.HasPrefix(word, "20"))
	})
}

// numberSigns stand between goods and their number.
var numberSigns = []string{"number ", "numéro ", "número ", "numero ", "nummer ", "numer ", "no ", "nr ", "n ", "num "}

// numbersGoods tells goods named by their number: "order 5512", "Rechnung Nr. 77".
func (s *sentence) numbersGoods() bool {
	rest := s.words
	for range 20 {
		word, at, ok := phrasebook().find(rest, goodsWord)
		if !ok {
			return false
		}
		rest = rest[at+len(word):]
		next := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
		if len(rest)-len(next) > 3 { // more than an ending: another word
			continue
		}
		next = strings.TrimSpace(next)
		for _, sign := range numberSigns {
			next = strings.TrimPrefix(next, sign)
		}
		if next != "" && next[0] >= '0' && next[0] <= '9' {
			return true
		}
	}
	return false
}

// asks tells whether the mail asks for anything, of whomever.
func (m *message) asks() bool { return m.anySentence((*sentence).requests) || m.subjectAsks() }

// asksUs tells whether the mail asks something of its readers, or speaks of what
// only a person writes about.
func (m *message) asksUs() bool {
	return m.anySentence(func(s *sentence) bool { return s.asksUs() || s.personal() }) || m.subjectAsks()
}

// subjectAsks tells a question in a subject of the writer's own: that of an answer
// is the other side's.
func (m *message) subjectAsks() bool {
	if m.replySubject() {
		return false
	}
	if _, auto := phrasebook().prefix(m.folded, autoSubject); auto {
		return false
	}
	return strings.ContainsAny(m.folded, questionMarks)
}

func (m *message) anySentence(is func(*sentence) bool) bool {
	list := m.sentences()
	for i := range list {
		if is(&list[i]) {
			return true
		}
	}
	return false
}

// states tells a sentence in which the writer is away, or gone.
func (m *message) states(s *sentence) bool {
	return s.once(askedStates, func() bool { return m.statesAbsence(s) })
}

func (m *message) statesAbsence(s *sentence) bool {
	switch {
	case s.ofColleague() && !m.namesAuthor(s):
		return false
	case s.tellsEnd() && m.anySentence((*sentence).pointsTo):
		return true // a project or a team; only beside whom to ask instead
	case s.has(leftWord):
		return s.has(firstPerson) || m.namesAuthor(s) || s.has(mailboxWord)
	case s.isOver():
		return false
	case s.has(returnWord):
		return true
	}
	_, whole := phrasebook().within(s.raw, awayText)
	return whole || s.has(awayWord) && m.isAway(s)
}

// tellsEnd tells a sentence in which a house or a mailbox ends.
func (s *sentence) tellsEnd() bool {
	return s.has(endedWord) && (s.has(houseWord) || s.has(mailboxWord))
}

// isOver tells an absence that is over, or not begun.
func (s *sentence) isOver() bool {
	return s.has(pastWord) || s.has(laterWord) && !s.has(returnWord) && !hasDigit(s.raw)
}

// isAway tells whose absence a sentence with a word of one speaks of: the writer's.
func (m *message) isAway(s *sentence) bool {
	_, at, away := phrasebook().find(s.words, awayWord)
	own := s.has(firstPerson) || s.has(firstHouse) || s.count() <= maxFragment || at <= maxLead && m.answers()
	return away && (own || s.has(thirdPerson) && m.namesAuthor(s))
}

// ofColleague tells a sentence on a colleague of the writer's, or of ours: by the job,
// or as it begins with "our" and names no part of the house: "our office is closed".
func (s *sentence) ofColleague() bool {
	return s.has(jobWord) || s.startsWith(ourWord) && !s.has(houseWord)
}

// namesAuthor tells a sentence that names the author of the mail: notices are often
// written in the third person.
func (m *message) namesAuthor(s *sentence) bool {
	for _, a := range m.from[:min(len(m.from), 1)] {
		local, _ := addr.Split(a.Address)
		for _, name := range strings.Fields(bareWords(fold(a.Name + " " + squashName(local)))) {
			if (utf8.RuneCountInString(name) > 2 || !addr.IsASCII(name)) && strings.Contains(s.words, " "+name) {
				return true
			}
		}
	}
	return false
}

// squashName splits a local part where names are joined.
func squashName(local string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("._+-", r) {
			return ' '
		}
		return r
	}, local)
}

// away tells an absence notice, and by which words.
func (m *message) away() (string, bool) {
	if len(m.openingWords()) > maxNoticeText {
		return "", false
	}
	words, strange := m.absence()
	if words == "" {
		return "", false
	}
	list := m.sentences()
	for i := range list {
		if !list[i].expected() {
			strange--
		}
	}
	return words, strange >= 0 && !m.asksUs() && !m.cites()
}

// absence finds the words that make a text a notice, "" for none, and how many
// sentences that are none of its shape may stand beside them.
func (m *message) absence() (words string, strange int) {
	list := m.sentences()
	stated, back, later := "", false, false
	for i := range list {
		s := &list[i]
		if stated == "" && m.states(s) {
			stated = s.raw
		}
		later = later || s.has(laterWord)
		back = back || s.has(backWord) || hasDigit(s.raw) || s.pointsTo()
	}
	subject, named := m.namesAbsence()
	more, goesOn := m.opening(awayMore, maxNoticeText, 0)
	brief := len(m.openingWords()) <= maxPointer
	switch {
	case stated != "" && (back || goesOn || named || m.answers()):
		return strings.TrimSuffix(stated+"; "+more, "; "), maxStrange
	case named && (goesOn || back):
		return "Subject: " + subject + "; " + more, maxStrange
	case !later && brief && m.answers() && m.anySentence((*sentence).redirects):
		return "it answers, and only names whom to ask instead", maxStrange - 1
	}
	return "", 0
}

// namesAbsence tells a subject that is an absence notice's: its phrase stands alone,
// is set apart, or goes on with a time.
func (m *message) namesAbsence() (string, bool) {
	p, ok := phrasebook().prefix(m.folded, awaySubject)
	if !ok {
		return "", false
	}
	rest := bareWords(strings.TrimPrefix(trimHead(m.folded), p))
	if rest == " " || endsThere(m.folded, p) || hasDigit(rest[1:2]) {
		return p, true
	}
	_, at, timed := phrasebook().find(rest, backWord)
	return p, timed && at == 0
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }
