package header

import (
	"strings"
	"unicode"

	"signpost/store/addr"
)

// Clean makes text fit to be shown and stored: valid UTF-8, no control
// characters, white space folded.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] > ' ' && s[i] != 0x7f || s[i] == ' ' && i > 0 && i+1 < len(s) && s[i-1] != ' '
	}
	if plain && addr.IsASCII(s) {
		return s
	}
	var out strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = out.Len() > 0
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(r)
	}
	return out.String()
}
