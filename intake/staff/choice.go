package staff

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds on a password. A long one needs no rules about its letters, but must
// not be among those that are tried first (NIST SP 800-63B-4 section 3.1.1.2); one
// without end is an attack.
const (
	MinPassword = 10  // characters
	maxPassword = 512 // bytes
	minDigits   = 20  // characters of a password without any letter
)

// What a guesser pays for each part of a password, in parts that have to be
// guessed: digits and rows of keys are tried with everything, then the words of
// the account, then common words. cheapest is the most that is refused: two
// common words, or one and two more characters.
const (
	rowCost    = 0
	ownCost    = 1
	letterCost = 1
	commonCost = 2
	cheapest   = 4
)

//go:embed common.txt
var commonText string

var commonWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if !strings.HasPrefix(line, "#") {
			for _, word := range strings.Fields(line) {
				words[word] = true
			}
		}
	}
	return words
})

// keyRows are what hands and heads run along, read either way.
var keyRows = []string{
	"01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"1q2w3e4r5t6y7u8i9o0p", "a1b2c3d4e5f6g7h8i9j0", "1a2b3c4d5e6f7g8h9i0j", "q1w2e3r4t5y6u7i8o9p0", "zaq12wsxcde34rfv",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "zaq1xsw2cde3vfr4bgt5nhy6mju7",
}

// CheckPassword says in words for its owner what is wrong with a new password;
// "" when nothing is. own is what a guesser knows of the account: its name and
// address, what this site is called and where it is.
func CheckPassword(password string, own ...string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Sprintf("Choose a password of at least %d characters. A few words in a row are good.", MinPassword)
	case len(password) > maxPassword:
		return fmt.Sprintf("Choose a password of at most %d bytes.", maxPassword)
	case price(password, nil) <= cheapest:
		return "Choose another password: common words, dates and rows of keys are guessed first, also with digits " +
			"behind them. A few words in a row are good."
	case price(password, ownWords(own)) <= cheapest:
		return "Choose another password: your name, your address and the name of this site are guessed first. " +
			"A few other words in a row are good."
	}
	return ""
}

// price is what a guesser pays for the cheapest reading of a password.
func price(password string, own map[string]bool) int {
	folded := unrepeated(fold(password))
	bare := strings.TrimFunc(folded, notLetter)
	if bare == "" && utf8.RuneCountInString(folded) >= minDigits {
		return utf8.RuneCountInString(folded)
	}
	least := partsPrice(bare, own)
	spelt := strings.TrimRightFunc(folded, notLetter)
	for _, one := range []string{"i", "l"} { // the letters that a 1 stands for
		letters := strings.NewReplacer("0", "o", "1", one, "!", one, "3", "e", "4", "a", "@", "a",
			"5", "s", "$", "s", "7", "t", "8", "b", "9", "g")
		least = min(least, partsPrice(letters.Replace(spelt), own))
	}
	return least
}

// fold is a text in lower case without accents.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// partsPrice is the cheapest way to put a text together, read forwards or
// backwards, of words, rows and single characters. Signs between them are free.
func partsPrice(text string, own map[string]bool) int {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	forwards := []rune(unrepeated(text))
	backwards := make([]rune, len(forwards))
	for i, r := range forwards {
		backwards[len(forwards)-1-i] = r
	}
	return min(cheapestParts(forwards, own), cheapestParts(backwards, own))
}

// unrepeated is the part whose repetitions make up the text.
func unrepeated(text string) string {
	if text == "" {
		return ""
	}
	return text[:strings.Index((text + text)[1:], text)+1]
}

// Bounds on a part that is looked up.
const (
	minPart = 3
	maxPart = 40
)

func cheapestParts(text []rune, own map[string]bool) int {
	price := make([]int, len(text)+1) // of the first so many runes
	for end := 1; end <= len(text); end++ {
		price[end] = price[end-1] + letterCost
		for size := minPart; size <= min(end, maxPart); size++ {
			if cost, ok := partCost(string(text[end-size:end]), own); ok {
				price[end] = min(price[end], price[end-size]+cost)
			}
		}
	}
	return price[len(text)]
}

func partCost(part string, own map[string]bool) (cost int, ok bool) {
	switch {
	case isRow(part) || isYear(part):
		return rowCost, true
	case own[part]:
		return ownCost, true
	case commonWords()[part]:
		return commonCost, true
	}
	return 0, false
}

// isRow tells one character again and again, and characters that lie in a row.
func isRow(part string) bool {
	if len(unrepeated(part)) == utf8.RuneLen([]rune(part)[0]) {
		return true
	}
	for _, row := range keyRows {
		if strings.Contains(row, part) {
			return true
		}
	}
	return false
}

func isYear(part string) bool {
	return len(part) == 4 && (part[:2] == "19" || part[:2] == "20") && strings.Trim(part, "0123456789") == ""
}

// ownWords are the words of the texts, and each text as one word.
func ownWords(texts []string) map[string]bool {
	words := map[string]bool{}
	for _, text := range texts {
		parts := strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range append(parts, strings.Join(parts, "")) {
			if utf8.RuneCountInString(word) >= minPart {
				words[word] = true
			}
		}
	}
	return words
}
