// Package lang is the one catalogue of every text a partner reads, on pages and
// in mails. Texts lie in texts/ROOM.TAG.toml, one file a room (form, mail, date)
// and language; a key is ROOM.NAME in every language, and a test fails on a key
// that one of them lacks.
//
// A text may hold {{.name}} places, filled by T's pairs; it is plain text, and
// the code that puts it on a page or into HTML escapes it there. A key with the plural
// forms one, few, many, other is chosen by the pair "count".
//
// A call flows so: Load reads the catalogue once; Pick chooses a Lang for a reader's
// preferences; its T, Date and Instant write texts and times. Isolate keeps a value of
// another direction apart (direction.go). To add a text: its key in every language's
// file. To add a language: its tag in supported, and a file a room.
package lang

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed texts/*.toml
var texts embed.FS

// Catalogue holds all languages. It is safe for concurrent use.
type Catalogue struct {
	langs   []Lang // English first: what nothing else matches falls back to
	matcher language.Matcher
}

// Lang is one language of the catalogue.
type Lang struct {
	tag       language.Tag
	localizer *i18n.Localizer
	calendar  *calendar
}

// calendar holds the names of days and months, split once: a date is in every
// mail and on every page.
type calendar struct{ weekdays, months []string }

// supported are the languages, in the order in which they are offered.
var supported = []language.Tag{
	language.English, language.Spanish, language.SimplifiedChinese, language.Indonesian, language.Arabic,
}

// Load reads the embedded texts; an error names the file at fault.
func Load() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	files, err := fs.Glob(texts, "texts/*.toml")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(texts, file); err != nil {
			return nil, fmt.Errorf("language file %s: %w", file, err)
		}
	}
	c := &Catalogue{matcher: language.NewMatcher(supported)}
	for _, tag := range supported {
		l := Lang{tag: tag, localizer: i18n.NewLocalizer(bundle, tag.String(), "en")}
		l.calendar = &calendar{
			weekdays: strings.Split(l.T("date.weekdays"), "|"),
			months:   strings.Split(l.T("date.months"), "|"),
		}
		if len(l.calendar.weekdays) != 7 || len(l.calendar.months) != 12 {
			return nil, fmt.Errorf("language %s: not 7 weekdays or not 12 months", tag)
		}
		c.langs = append(c.langs, l)
	}
	return c, nil
}

// Langs lists the languages in the order in which they are offered.
func (c *Catalogue) Langs() []Lang { return c.langs }

// Pick returns the language for a reader's preferences, strongest first, each a
// BCP 47 tag or a whole Accept-Language list (RFC 9110 section 12.5.4). The first
// preference that any language matches decides; English when none does.
func (c *Catalogue) Pick(preferences ...string) Lang {
	for _, p := range preferences {
		if l, ok := c.Match(p); ok {
			return l
		}
	}
	return c.langs[0]
}

// Match returns the language for one preference, false when none matches.
func (c *Catalogue) Match(preference string) (Lang, bool) {
	if len(preference) > 500 { // a header from outside: no reader lists that many
		return Lang{}, false
	}
	tags, _, err := language.ParseAcceptLanguage(preference)
	if err != nil || len(tags) == 0 {
		return Lang{}, false
	}
	_, i, confidence := c.matcher.Match(tags...)
	return c.langs[i], confidence > language.No
}

// Tag is the language's BCP 47 tag, as in an HTML lang attribute.
func (l Lang) Tag() string { return l.tag.String() }

// Dir is the direction of its script: "ltr" or "rtl".
func (l Lang) Dir() string {
	if l.tag == language.Arabic {
		return "rtl"
	}
	return "ltr"
}

// Name is the language's name in itself.
func (l Lang) Name() string { return l.T("date.language") }

// T returns the text of a key with its places filled from pairs of name and
// value: T("form.promise", "date", d). A key that no language has comes back as
// itself.
func (l Lang) T(key string, pairs ...any) string {
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	text, err := l.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: data["count"]})
	if err != nil && text == "" {
		return key
	}
	return text
}

// Date writes a day with its weekday, as the zone sees it.
func (l Lang) Date(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	return l.T("date.day", "weekday", l.calendar.weekdays[t.Weekday()], "day", t.Day(),
		"month", l.calendar.months[t.Month()-1], "year", t.Year())
}

// Instant writes a day and a time of day with the zone named by its offset and
// its city: "Tuesday, 24 November 2026, 17:00 (UTC−05:00, New York)".
func (l Lang) Instant(t time.Time, zone *time.Location) string {
	return l.T("date.instant", "date", l.Date(t, zone), "time", t.In(zone).Format("15:04"), "zone", zoneName(t.In(zone)))
}

func zoneName(t time.Time) string {
	name := t.Location().String()
	city := strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
	if city == "UTC" || city == "Local" {
		return "UTC"
	}
	return "UTC" + strings.Replace(t.Format("-07:00"), "-", "−", 1) + ", " + city
}
