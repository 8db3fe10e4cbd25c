package triage

import (
	"strings"
	"unicode/utf8"

	"signpost/store/addr"
)

// People cite what a notice or a bounce said, in quotation marks. What stands there is
// not the writer's own, so it states no absence and asks nothing; and who cites a
// notice writes about it.

const (
	maxSpeech = 400 // bytes between two quotation marks
	maxName   = 3   // words there that may be a name: "Hotel am See"
	minOwn    = 3   // words that must stand outside
)

// closingMarks are the quotation marks that end what another begins.
var closingMarks = map[rune]string{
	'"': "\"", '“': "”“", '„': "“”\"", '«': "»", '»': "«", '‹': "›", '「': "」", '『': "』", '”': "”",
}

// speeches lists what stands between quotation marks in folded text, with the marks.
func speeches(text string) (list []string) {
	if !strings.Contains(text, "\"") && addr.IsASCII(text) {
		return nil
	}
	for at := 0; at < len(text); {
		open := strings.IndexAny(text[at:], "\"“„«»‹「『”")
		if open < 0 {
			return list
		}
		open += at
		mark, size := utf8.DecodeRuneInString(text[open:])
		end := strings.IndexAny(cut(text[open+size:], maxSpeech), closingMarks[mark])
		if end < 0 {
			at = open + size
			continue
		}
		end += open + size
		_, last := utf8.DecodeRuneInString(text[end:])
		list = append(list, text[open:end+last])
		at = end + last
	}
	return list
}

// withoutSpeech leaves out what a folded paragraph cites, unless it does nothing else:
// some responders put their whole text between quotation marks.
func withoutSpeech(text string) string {
	rest := text
	for _, speech := range speeches(text) {
		if isSpeech(speech) {
			rest = strings.Replace(rest, speech, " ", 1)
		}
	}
	if rest == text || len(strings.Fields(bareWords(rest))) < minOwn && !unspacedText(rest) {
		return text
	}
	return rest
}

// isSpeech tells more than a name, or what a notice or a bounce says.
func isSpeech(speech string) bool {
	return len(strings.Fields(speech)) > maxName || citesNotice(speech)
}

// citesNotice tells words of a notice's, or of a bounce's.
func citesNotice(speech string) bool {
	s := sentence{raw: speech, words: bareWords(speech)}
	for _, name := range []section{awayWord, leftWord, returnWord} {
		if s.has(name) {
			return true
		}
	}
	_, subject := phrasebook().prefix(speech, autoSubject, bounceSubject, delaySubject)
	return subject || smtpReply(speech) != "" || len(enhanced(speech)) > 0
}

// cites tells whether the mail cites a notice or a bounce beside words of its own.
func (m *message) cites() bool {
	text := m.openingWords()
	if withoutSpeech(text) == text {
		return false
	}
	for _, speech := range speeches(text) {
		if citesNotice(speech) {
			return true
		}
	}
	return false
}

func unspacedText(s string) bool { return strings.ContainsFunc(s, unspaced) }
