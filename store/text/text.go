// Package text shortens texts, and says what a text in the store is: valid UTF-8
// without NUL. The verbs of the store refuse other texts (store.ErrInvalid); the doors by
// which texts come in from outside, the form, the watcher and the sender, clean them.
//
// The functions are pure and safe for concurrent use.
package text

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Cut shortens text to at most n bytes without splitting a character; nothing of
// it for n below 1.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:max(n, 0)]
}

// IsValid tells a text as the store should hold it: valid UTF-8 without NUL.
func IsValid(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Valid is a text as the store should hold it: U+FFFD (Unicode 16 section 3.9) in place of bytes
// that are no UTF-8, and no NUL. A text that is valid comes back as it is.
func Valid(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// CutAny splits s at its first byte that is one of chars, as strings.Cut does at a
// separator.
func CutAny(s, chars string) (before, after string, found bool) {
	i := strings.IndexAny(s, chars)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Size writes a number of bytes for people: "20 MB". The unit is 1,024 based, as every
// computer's file window shows it.
func Size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000<<10:
		return fmt.Sprintf("%d KB", (n+1<<9)>>10)
	case n < 10<<20 && n%(1<<20) != 0:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d MB", (n+1<<19)>>20)
}
