package triage

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// sentenceSections are those whose phrases are looked for in a sentence. One pass over
// a sentence tells all of them that it bears.
var sentenceSections = []section{firstPerson, firstHouse, thirdPerson, mailboxWord, awayWord, leftWord, backWord,
	pastWord, returnWord, request, requestUs, requestElse, requestUrgent, letterWord, goodsWord, goodsOwn, senderVoice,
	ackNoun, ackDone, ackCourtesy, imperative, sendWord, messageWord, laterWord, matterWord, troubleWord, jobWord,
	ourWord, houseWord, programNoun, handledWord, resendWord, contrastWord, smallTalk, disclaimer, endedWord}

func (s section) ofSentences() bool { return slices.Contains(sentenceSections, s) }

// sectionSet is sections of sentenceSections, a bit each.
type sectionSet uint64

// marked is a phrase with the section that lists it.
type marked struct {
	phrase
	in sectionSet
}

// markedPhrases finds phrases by their first four bytes; the few that are shorter, by
// three.
type markedPhrases struct {
	groups [][]marked
	table  [1 << 15]uint16 // of a head: its group's place, counted from 1; 0 for none
}

// markSections lists the phrases of all sections for sentences.
func (b *phrases) markSections() {
	b.ofSentence, b.places = &markedPhrases{}, map[section]sectionSet{}
	for i, s := range sentenceSections {
		b.places[s] = 1 << i
		for _, whole := range b.lists[s] {
			if pieces := strings.Split(whole, "*"); len(pieces[0]) >= 3 {
				b.ofSentence.add(marked{phrase{whole, pieces[0], pieces[1:]}, 1 << i})
			}
		}
	}
}

func (l *markedPhrases) add(p marked) {
	place := &l.table[markedHead(p.head)]
	if *place == 0 {
		l.groups = append(l.groups, nil)
		*place = uint16(len(l.groups))
	}
	l.groups[*place-1] = append(l.groups[*place-1], p)
}

// markedHead is the place of the first four bytes of text, or of its three.
func markedHead(text string) uint32 {
	n := uint32(text[0])<<16 | uint32(text[1])<<8 | uint32(text[2])
	if len(text) > 3 {
		n |= uint32(text[3]) << 24
	}
	n *= 0x9e3779b1
	return n >> 17
}

// in tells of which sections words bear a phrase.
func (l *markedPhrases) in(words string) (set sectionSet) {
	for i := range max(len(words)-2, 0) {
		rest := words[i:]
		set |= l.at(markedHead(rest), rest, set)
		if (rest[0] == ' ' || rest[0] >= utf8.RuneSelf) && len(rest) > 3 { // two letters, or one of three bytes
			set |= l.at(markedHead(rest[:3]), rest, set)
		}
	}
	return set
}

func (l *markedPhrases) at(head uint32, text string, known sectionSet) (set sectionSet) {
	place := l.table[head]
	if place == 0 {
		return 0
	}
	for i := range l.groups[place-1] {
		p := &l.groups[place-1][i]
		if p.in&^(known|set) != 0 && strings.HasPrefix(text, p.head) && p.goesOn(text[len(p.head):]) {
			set |= p.in
		}
	}
	return set
}
