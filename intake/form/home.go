package form

import (
	"net/http"
	"strings"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/lang"
)

// homeData is what the help centre shows.
type homeData struct {
	Region regionFacts
	Chosen string // the reader's country, chosen or guessed, "" for none
	// Of the form that asks for a link again.
	Email  string
	Faults post.Sentences
}

// regionFacts are what a reader is told of a region.
type regionFacts struct {
	ID        string
	Address   string
	For       string // "Support for partners in Spain"
	Countries string // codes with spaces between, "" for all others
	Hours     string // when support works, in words
	Within    int    // hours of support time to a first answer
	// FirstBy is when a request sent now is answered at the latest; zero when
	// nothing is promised.
	FirstBy time.Time
	Zone    *time.Location
}

// ZoneName is the city the zone is named for.
func (r regionFacts) ZoneName() string { return web.City(r.Zone) }

func (f *Form) showHome(x *web.Exchange) error {
	return f.home.Show(x, http.StatusOK, f.homeData(x, &draft{}))
}

func (f *Form) homeData(x *web.Exchange, d *draft) homeData {
	country := x.GuessCountry()
	region := f.regionFor(country)
	x.DefaultLang(defaultLang(region))
	return homeData{
		Region: f.facts(x, region, country, time.Now()),
		Chosen: country,
		Email:  d.Email,
		Faults: d.Sentences(x.Lang),
	}
}

// defaultLang is a region's own language; "" leaves the choice to the reader's
// browser.
func defaultLang(r store.Region) string {
	if len(r.Languages) == 0 {
		return ""
	}
	return r.Languages[0]
}

// facts tells of a region to a reader from a country ("" for unknown).
func (f *Form) facts(x *web.Exchange, r store.Region, country string, now time.Time) regionFacts {
	facts := regionFacts{
		ID:        r.ID,
		Address:   r.Address,
		For:       x.Lang.T("form.for_world"),
		Countries: strings.Join(r.Countries, " "),
		Hours:     hoursInWords(x.Lang, r.Hours),
		Within:    int(r.FirstResponse / time.Hour),
		Zone:      f.zone(r.ID),
	}
	if country == "" && len(r.Countries) == 1 {
		country = r.Countries[0]
	}
	if country != "" {
		facts.For = x.Lang.T("form.for_country", "country", web.CountryName(x.Lang, country))
	}
	if promise, err := f.deps.Promise(r.ID, now); err == nil && r.FirstResponse > 0 {
		facts.FirstBy = promise.FirstResponseBy
	} else if err != nil {
		x.Log.Warn("no promise to show", "region", r.ID, "err", err)
	}
	return facts
}

// hoursInWords writes a region's hours with the language's days: the rest of
// the notation ("09:00-18:00; ...") reads the same everywhere.
func hoursInWords(l lang.Lang, hours string) string {
	days := strings.Split(l.T("date.weekdays"), "|")
	var pairs []string
	for i, short := range []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"} {
		if i < len(days) {
			pairs = append(pairs, short, days[i])
		}
	}
	pairs = append(pairs, "-", "–", ",", ", ")
	return strings.NewReplacer(pairs...).Replace(hours)
}
