package guard

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"signpost/store/addr"
)

// alike tells an address of which a label can be taken for another: its letters
// are of alphabets that no language mixes (UTS 39 section 5.2), or each of those
// beyond ASCII looks like a letter within.
func alike(address string) bool {
	local, domain := addr.Split(address)
	readable, err := idna.ToUnicode(domain)
	if err != nil {
		readable = domain
	}
	if addr.IsASCII(local) && addr.IsASCII(readable) {
		return false
	}
	// Under an ending of its own script a name is read in that script.
	foreign := !addr.IsASCII(readable[strings.LastIndexByte(readable, '.')+1:])
	for label := range strings.SplitSeq(local+"."+readable, ".") {
		if mixes(label) || !foreign && !addr.IsASCII(label) && addr.IsASCII(latin(label)) {
			return true
		}
	}
	return false
}

// mixes tells a label whose letters are of scripts that do not go together.
func mixes(label string) bool {
	var letters []rune
	for _, r := range label {
		if unicode.IsLetter(r) && !unicode.In(r, unicode.Common, unicode.Inherited) {
			letters = append(letters, r)
		}
	}
	of := func(scripts ...*unicode.RangeTable) bool {
		return !slices.ContainsFunc(letters, func(r rune) bool { return !unicode.In(r, scripts...) })
	}
	// Japanese, Chinese and Korean are written with several, and with Latin letters.
	return !of(unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana) &&
		!of(unicode.Latin, unicode.Han, unicode.Bopomofo) &&
		!of(unicode.Latin, unicode.Han, unicode.Hangul) &&
		!of(scriptOf(letters[0]))
}

// scriptOf is the script of a letter.
func scriptOf(r rune) *unicode.RangeTable {
	for _, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return table
		}
	}
	return unicode.Common
}

// Letters that look like the Latin ones below them, of Cyrillic, Greek, Armenian
// and the phonetic alphabet (after the confusables of UTS 39).
const (
	lookalikes = "аеорсухіјѕԁԛԝһӏкАВЕКМНОРСТУХІЈЅҮү" + "οανρυικτγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "օսոհցԼՕՍ" + "ɡɑ"
	latins     = "aeopcyxijsdqwhlkABEKMHOPCTYXIJSYy" + "oavpuiktyABEZHIKMNOPTYX" + "ounhgLOU" + "ga"
)

// latin writes the letters that look like Latin ones as those.
func latin(word string) string {
	of := []rune(lookalikes)
	return strings.Map(func(r rune) rune {
		for i := range of {
			if r == of[i] {
				return rune(latins[i])
			}
		}
		return r
	}, word)
}

// unaccented writes a local part as its owner would on a keyboard that has no
// other letters than ASCII's; what has no such form stays.
func unaccented(local string) string {
	whole := strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "Ae", "œ", "oe", "ø", "o", "Ø", "O",
		"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ı", "i")
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(whole.Replace(latin(local))))
}
