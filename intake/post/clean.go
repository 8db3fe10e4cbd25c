package post

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"signpost/store/text"
)

// plain tells a text without anything to clean: ASCII to be shown, and spaces;
// of the control characters only those given. Most texts are, and need no more
// than this look.
func plain(s, controls string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && strings.IndexByte(controls, c) < 0 || c > '~' {
			return false
		}
	}
	return true
}

// CleanLine joins a text into one line of valid UTF-8 without control characters, and
// without those that change the order in which others are shown.
func CleanLine(s string) string {
	if plain(s, "") {
		return oneSpaced(s)
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		if reorders(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")) // not text.Valid: a NUL parts words as other controls do
	return oneSpaced(s)
}

// oneSpaced trims a text and makes each run of spaces one.
func oneSpaced(s string) string {
	s = strings.TrimSpace(s)
	if !strings.ContainsFunc(s, unicode.IsSpace) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// CleanText makes a text valid UTF-8 without control characters but tabs and line feeds,
// and trims its ends.
func CleanText(s string) string {
	if !plain(s, "\r\n\t") {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\r' && r != '\n' && r != '\t' {
				return -1
			}
			return r
		}, text.Valid(s))
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.TrimSpace(s)
}

// reorders tells the characters that change the order in which others are shown
// (Unicode UAX 9) and those that show nothing: in a name they serve to mislead.
// Joiners (U+200C, U+200D) stay: Persian and emoji are written with them.
func reorders(r rune) bool {
	switch {
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return true
	case r == '\u200E', r == '\u200F', r == '\u061C', r == '\u200B', r == '\uFEFF', r == '\u2060':
		return true
	}
	return false
}

const (
	maxFileName  = 150 // bytes: fits every file system with room for "(2)"
	maxExtension = 12
)

// FileName makes a bare name of what a client calls its file: no path, no control
// character, no reordering, 150 bytes at most, never empty, never hidden.
func FileName(name string) string {
	name = strings.ReplaceAll(name, "\\", "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:|?*`, r) { // a partner's file system may not take these
			return '_'
		}
		return r
	}, CleanLine(name))
	name = strings.Trim(name, ". ")
	if name == "" {
		return "file"
	}
	return shortenName(name)
}

// shortenName cuts the middle, not the extension.
func shortenName(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	ext := ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && len(name)-dot <= maxExtension {
		ext = name[dot:]
	}
	stem := name[:maxFileName-len(ext)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return strings.TrimRight(stem, ". ") + ext
}
