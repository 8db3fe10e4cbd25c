package guard

import (
	"strings"

	"signpost/store/origin"
)

// repair makes an address of what is none by undoing one slip or several of those
// that fingers, keyboards and pasting make; what it returns may still be none.
func repair(typed string) string {
	s := typed
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.Contains(s[:i], "@") {
		s = s[i+1:] // "E-mail: ana@example.com"
	}
	s = strings.Trim(s, " ,;:.<>()[]\"'")
	s = once(withAt(s))
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	local := strings.Trim(strings.TrimSpace(s[:at]), ".,;<\"")
	for strings.Contains(local, "..") {
		local = strings.ReplaceAll(local, "..", ".")
	}
	return local + "@" + repairDomain(strings.ToLower(s[at+1:]))
}

// once undoes what was written twice: the "@", the part behind it, the whole.
func once(s string) string {
	for _, twice := range []string{"@@", "@ @", "@.@"} {
		for strings.Contains(s, twice) {
			s = strings.ReplaceAll(s, twice, "@")
		}
	}
	if half := len(s) / 2; strings.Count(s, "@") == 2 && s[:half] == s[len(s)-half:] {
		return s[:half]
	}
	if parts := strings.Split(s, "@"); len(parts) == 3 && strings.EqualFold(parts[1], parts[2]) {
		return parts[0] + "@" + parts[1]
	}
	return s
}

// withAt finds the "@" of a text that has none: written as a word, on the key
// beside, or left out before a provider's name.
func withAt(s string) string {
	low := strings.ToLower(s)
	if strings.Contains(s, "@") || len(low) != len(s) {
		return s
	}
	for _, word := range []string{
		" (at) ", " [at] ", " at ", "(at)", "[at]", "{at}", "<at>", "_at_", "(a)", "[a]", "(ät)", " arroba ", "(arroba)",
		"[arroba]",
	} {
		if i := strings.Index(low, word); i > 0 && strings.Count(low, word) == 1 {
			return s[:i] + "@" + withDots(s[i+len(word):])
		}
	}
	for _, key := range []string{`"`, "#", "&", "*"} {
		local, domain, ok := strings.Cut(s, key)
		if ok && !strings.Contains(domain, key) && strings.Contains(domain, ".") {
			return local + "@" + domain
		}
	}
	provider := ""
	for _, p := range origin.LargeHosts() {
		name, _, _ := strings.Cut(p, ".")
		if len(name) >= shortName && len(p) > len(provider) && strings.HasSuffix(low, p) {
			provider = p
		}
	}
	local := strings.TrimRight(s[:len(s)-len(provider)], ".-_ ")
	if provider == "" || local == "" || strings.EqualFold(local, "www") {
		return s
	}
	return local + "@" + provider
}

// withDots writes the dots of a domain that were written as words.
func withDots(domain string) string {
	low := strings.ToLower(domain)
	for _, word := range []string{
		" (dot) ", " [dot] ", " dot ", "(dot)", "[dot]", "{dot}", "_dot_", " punto ", "(punto)", " punkt ", "(punkt)",
	} {
		if low = strings.ReplaceAll(low, word, "."); len(low) < len(domain) {
			domain = low
		}
	}
	return domain
}

// repairDomain mends what separates the labels of a domain in lower case.
func repairDomain(domain string) string {
	signs := strings.NewReplacer(",", ".", ";", ".", "_", "-", "·", ".", " . ", ".", ". ", ".", " .", ".")
	domain = signs.Replace(strings.TrimSpace(domain))
	if !strings.Contains(domain, ".") {
		domain = strings.NewReplacer(":", ".", "/", ".", " ", ".").Replace(domain)
	}
	for strings.Contains(domain, "..") {
		domain = strings.ReplaceAll(domain, "..", ".")
	}
	domain = strings.Trim(domain, ".-<>()[]:/ \"'")
	last := strings.LastIndexByte(domain, '.') + 1
	return domain[:last] + parted(domain[last:], last > 0)
}

// parted puts the dot back into a last label that ends in an ending or two. Behind
// another label only those of two are looked for: many a label ends in "com".
func parted(label string, behind bool) string {
	for _, ending := range []string{
		"co.uk", "org.uk", "ac.uk", "com.au", "com.br", "com.mx", "com.ar", "com.co", "com.sg", "com.my", "com.tr", "com.cn",
		"com.hk", "com.tw", "co.id", "co.jp", "co.kr", "co.nz", "co.za", "com", "net", "org", "info", "edu", "gov",
	} {
		run := strings.ReplaceAll(ending, ".", "")
		stem, ok := strings.CutSuffix(label, run)
		switch {
		case ok && behind && stem == "" && run != ending:
			return ending
		case ok && !behind && len(stem) > 1:
			return stem + "." + ending
		}
	}
	return label
}
