package web

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

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

// Country is one country in the reader's language.
type Country struct{ Code, Name string }

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

// countryLists keeps each language's sorted list once it was asked for.
type countryLists struct {
	mu    sync.Mutex
	lists map[string][]Country
}

// of lists all countries in the order in which the language sorts them. The
// list is shared: read it only.
func (c *countryLists) of(l lang.Lang) []Country {
	c.mu.Lock()
	defer c.mu.Unlock()
	if list, ok := c.lists[l.Tag()]; ok {
		return list
	}
	var list []Country
	for code := range strings.FieldsSeq(iso3166) {
		list = append(list, Country{Code: code, Name: CountryName(l, code)})
	}
	order := collate.New(language.Make(l.Tag()))
	slices.SortFunc(list, func(a, b Country) int { return order.CompareString(a.Name, b.Name) })
	if c.lists == nil {
		c.lists = make(map[string][]Country)
	}
	c.lists[l.Tag()] = list
	return list
}

// Countries lists all countries in the reader's language, sorted. Read only.
func (x *Exchange) Countries() []Country { return x.server.countries.of(x.Lang) }
