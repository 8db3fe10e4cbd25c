package guard

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"signpost/store/addr"
	"signpost/store/origin"
)

// slip returns what a last label stands for that no domain has and fingers make,
// "" for any other.
func slip(ending string) string {
	switch ending {
	case "con", "cmo", "ocm", "comm", "coom", "ccom", "conm", "comn", "come", "comcom", "vom", "xom", "cpm", "c0m", "clm":
		return "com"
	case "nte", "ent", "nett", "ner":
		return "net"
	case "ogr", "rog", "orgg", "prg":
		return "org"
	}
	if two := parted(ending, true); two != ending {
		return two
	}
	return ""
}

// A name as short as "aol" has too many honest neighbours to suspect one of
// them, one as long as "hotmail.com" allows for two slips.
const (
	shortName  = 5  // bytes up to the first dot
	longDomain = 11 // bytes
	maxSuspect = 40 // bytes; longer than any provider with its slips
)

// Suggest returns the address that was probably meant, or "": with the domain of a
// large provider or an ending spelled right, without what fingers and pasting add,
// in one alphabet. It looks at the spelling alone, and also at what addr.Parse
// refuses.
func Suggest(typed string) string {
	typed = Tidy(typed)
	address, _ := parse(typed)
	return suggest(typed, address)
}

// suggest is Suggest for a tidied text and the address that parse made of it.
func suggest(typed, address string) string {
	if typed == "" || len(typed) > maxAddress {
		return ""
	}
	meant := address
	if meant == "" {
		meant = repair(typed)
	}
	local, domain := addr.Split(meant)
	if local == "" || domain == "" {
		return ""
	}
	if alike(meant) {
		readable, _ := idna.ToUnicode(domain)
		if local, domain = latin(local), latin(readable); !addr.IsASCII(local + domain) {
			return ""
		}
	}
	local = strings.TrimPrefix(local, "www.")
	meant, problem := parse(local + "@" + cmp.Or(meantDomain(strings.ToLower(domain)), domain))
	if problem != "" || meant == address {
		return ""
	}
	return meant
}

// meantDomain returns domain itself when nothing is suspicious about it.
func meantDomain(domain string) string {
	for strings.HasSuffix(domain, ".com.com") {
		domain = strings.TrimSuffix(domain, ".com")
	}
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		if ending := slip(domain[dot+1:]); ending != "" {
			domain = domain[:dot+1] + ending
		}
	}
	known := origin.LargeHosts()
	if len(domain) > maxSuspect || slices.Contains(known, domain) {
		return domain
	}
	best, least := domain, 3
	abroad := countryEnding(domain)
	for _, p := range known {
		name, ending, _ := strings.Cut(p, ".")
		if domain == name {
			return p // "@gmail": the first of that name
		}
		if len(name) < shortName || abroad != "" && abroad != ending {
			continue
		}
		allowed := 1
		if len(p) >= longDomain {
			allowed = 2
		}
		if len(domain) > len(p)+allowed || len(domain) < len(p)-allowed {
			continue // each slip adds or drops one byte at most
		}
		if d := distance(domain, p); d <= allowed && d < least {
			best, least = p, d
		}
	}
	return best
}

// countryEnding returns what follows a domain's first label where that ends in a
// country's two letters, "" for any other ending. The large providers are at home
// in half the world: yahoo.com.sg is no slip of yahoo.com.br, so of such a name
// only what stands before the ending is suspected. The three that fingers make of
// ".com" are no country's here: no provider has its mail there.
func countryEnding(domain string) string {
	_, ending, _ := strings.Cut(domain, ".")
	if last := ending[strings.LastIndexByte(ending, '.')+1:]; len(last) != 2 {
		return ""
	}
	switch ending {
	case "co", "cm", "om":
		return ""
	}
	return ending
}

// distance counts the slips between two words: a letter more, less or wrong, or
// two neighbours swapped (optimal string alignment). It works on bytes: what is
// not ASCII is not close to any provider. b has at most maxSuspect bytes.
func distance(a, b string) int {
	var rows [3][maxSuspect + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			wrong := 1
			if a[i] == b[j] {
				wrong = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+wrong)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
