package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"

	"signpost/store/lang"
)

// iso3166 are the officially assigned alpha-2 codes of ISO 3166-1, and XK, which
// the world uses for Kosovo.
const iso3166 = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS " +
	"BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET " +
	"FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO " +
	"IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH " +
	"MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM " +
	"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG " +
	"TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

// IsCountry tells whether code is an ISO 3166-1 alpha-2 code, in capitals.
func IsCountry(code string) bool {
	i := strings.Index(iso3166, code)
	return len(code) == 2 && i >= 0 && i%3 == 0
}

// CountryName is a country's name in a language; the code itself when the
// language has none for it.
func CountryName(l lang.Lang, code string) string {
	tag, err := language.Parse(l.Tag())
	if err != nil {
		return code
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	return cmp.Or(display.Regions(tag).Name(region), code)
}

// countryLists keeps, for each language that was asked for, the options of a
// select of all countries: two hundred and fifty of them, rendered once.
type countryLists struct {
	mu      sync.Mutex
	options map[string]string
	codes   map[string]string // by countryKey; nil until it is asked for
}

// of renders all countries in the order in which the language sorts them.
func (c *countryLists) of(l lang.Lang) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if options, ok := c.options[l.Tag()]; ok {
		return options
	}
	var b strings.Builder
	for _, country := range sortedCountries(l) {
		fmt.Fprintf(&b, "<option value=%q>%s</option>\n", country.code, template.HTMLEscapeString(country.name))
	}
	if c.options == nil {
		c.options = make(map[string]string)
	}
	c.options[l.Tag()] = b.String()
	return b.String()
}

type country struct{ code, name string }

func sortedCountries(l lang.Lang) []country {
	var list []country
	for code := range strings.FieldsSeq(iso3166) {
		list = append(list, country{code: code, name: CountryName(l, code)})
	}
	order := collate.New(language.Make(l.Tag()))
	slices.SortFunc(list, func(a, b country) int { return order.CompareString(a.name, b.name) })
	return list
}

// CountryOptions are the options of a select of all countries in the reader's
// language, the chosen code selected.
func (f *Frame) CountryOptions(chosen string) template.HTML {
	options := f.x.server.countries.of(f.Lang)
	if IsCountry(chosen) {
		mark := `value="` + chosen + `"`
		options = strings.Replace(options, mark, mark+" selected", 1)
	}
	return template.HTML(options)
}

// FindCountry returns the ISO 3166-1 alpha-2 code of the country that a text names
// in another way: by another code (alpha-3, numeric, "UK") or by its name in a
// language that is offered, widely known, or spoken there.
func (x *Exchange) FindCountry(text string) (code string, ok bool) {
	if len(text) > 100 {
		return "", false
	}
	if region, err := language.ParseRegion(strings.ReplaceAll(text, ".", "")); err == nil { // "U.S.A."
		if code := region.Canonicalize().String(); IsCountry(code) {
			return code, true
		}
	}
	names, key := x.server.countries.named(x.server.langs.Langs()), countryKey(text)
	// The lists of names write "&", people write "and".
	joined := countryKey(strings.ReplaceAll(strings.ToLower(text), " and ", " "))
	code = cmp.Or(names[key], names[strings.TrimPrefix(key, "the")], names[joined])
	return code, code != ""
}

// named is the countries' codes by the keys of their names, made when it is first
// asked for. Of a name that two countries have the first keeps it.
func (c *countryLists) named(langs []lang.Lang) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes != nil {
		return c.codes
	}
	c.codes = otherNames()
	for code := range strings.FieldsSeq(iso3166) {
		spoken, _ := language.Make("und-" + code).Base()
		tags := []string{"fr", "de", "pt", spoken.String()}
		for _, l := range langs {
			tags = append(tags, l.Tag())
		}
		for _, tag := range tags {
			names := display.Regions(language.Make(tag))
			if names == nil {
				continue
			}
			key := countryKey(names.Name(language.MustParseRegion(code)))
			if _, taken := c.codes[key]; !taken && key != "" {
				c.codes[key] = code
			}
		}
	}
	return c.codes
}

// otherNames are names in use that are in no list of names.
func otherNames() map[string]string {
	return map[string]string{
		"america": "US", "unitedstatesofamerica": "US", "greatbritain": "GB", "britain": "GB", "england": "GB",
		"scotland": "GB", "wales": "GB", "northernireland": "GB", "holland": "NL", "uae": "AE", "emirates": "AE",
		"korea": "KR", "republicofkorea": "KR", "burma": "MM", "ivorycoast": "CI", "czechrepublic": "CZ",
		"russianfederation": "RU", "turkey": "TR", "macedonia": "MK", "swaziland": "SZ", "capeverde": "CV",
		"easttimor": "TL", "vietnam": "VN", "el": "GR", "prc": "CN", "ksa": "SA",
		"hongkong": "HK", "hongkongsar": "HK", "macau": "MO", "macao": "MO", "palestine": "PS", "bosnia": "BA",
		"democraticrepublicofthecongo": "CD", "drc": "CD", "drcongo": "CD", "vatican": "VA", "holysee": "VA",
		"islamicrepublicofiran": "IR", "syrianarabrepublic": "SY", "republicofmoldova": "MD", "bruneidarussalam": "BN",
	}
}

// countryKey is the form in which names of countries are compared: their letters,
// without case and accents.
func countryKey(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(name))
}
