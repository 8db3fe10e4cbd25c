package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"signpost/store/lang"
)

// Names of the cookies that keep a reader's choices: words from short lists,
// nothing that tells who the reader is.
const (
	cookieLang    = "lang"
	cookieTheme   = "theme"
	cookieCountry = "country"
	cookieDensity = "density"
	cookieSide    = "side"
	prefsKept     = 365 * 24 * time.Hour
)

// prefs are the reader's choices: of this request or an earlier one.
type prefs struct {
	theme   string // "light", "dark" or "" for the system's
	country string // ISO 3166 alpha-2 or ""
	density string // "compact", "comfortable" or ""
	side    string // "wide", "narrow" or ""
	chosen  bool   // the language was chosen, not guessed
}

// choosePrefs reads the choices: a query parameter is a choice made now and
// kept; then the cookies; then what the browser says of itself.
func (x *Exchange) choosePrefs() {
	query := x.Request.URL.Query()
	x.Lang, x.prefs.chosen = x.chooseLang(query.Get("lang"))
	x.prefs.theme = x.keep(cookieTheme, query.Get("theme"), func(v string) (string, bool) {
		return strings.TrimPrefix(v, "auto"), v == "light" || v == "dark" || v == "auto"
	})
	x.prefs.country = x.keep(cookieCountry, query.Get("country"), func(v string) (string, bool) {
		v = strings.ToUpper(v)
		return v, IsCountry(v)
	})
	x.prefs.density = x.keep(cookieDensity, query.Get("density"), oneOf("compact", "comfortable"))
	x.prefs.side = x.keep(cookieSide, query.Get("side"), oneOf("wide", "narrow"))
}

func oneOf(words ...string) func(string) (string, bool) {
	return func(v string) (string, bool) { return v, slices.Contains(words, v) }
}

func (x *Exchange) chooseLang(now string) (lang.Lang, bool) {
	if l, ok := x.server.langs.Match(now); ok && now != "" {
		x.setCookie(cookieLang, l.Tag())
		return l, true
	}
	if l, ok := x.server.langs.Match(x.cookie(cookieLang)); ok {
		return l, true
	}
	if l, ok := x.server.langs.Match(x.Request.Header.Get("Accept-Language")); ok {
		return l, true
	}
	return x.server.langs.Langs()[0], false
}

// keep returns the valid choice made now, which it keeps in the cookie, or the
// one kept earlier.
func (x *Exchange) keep(name, now string, valid func(string) (string, bool)) string {
	if v, ok := valid(now); ok {
		x.setCookie(name, now)
		return v
	}
	v, ok := valid(x.cookie(name))
	if !ok {
		return ""
	}
	return v
}

// Choice is one of the words that the reader chose, now by the query parameter of the name or
// earlier: it is kept in a cookie of the name. "" for none of them.
func (x *Exchange) Choice(name string, words ...string) string {
	return x.keep(name, x.Request.URL.Query().Get(name), oneOf(words...))
}

// UseLang changes the language of this answer and remembers it, as a form's lang
// field asks; an unknown tag changes nothing.
func (x *Exchange) UseLang(tag string) {
	if l, ok := x.server.langs.Match(tag); ok && tag != "" {
		x.Lang, x.prefs.chosen = l, true
		x.setCookie(cookieLang, l.Tag())
	}
}

// DefaultLang is the language of a reader who has neither chosen one nor a
// browser that names one: the region's.
func (x *Exchange) DefaultLang(tag string) {
	if l, ok := x.server.langs.Match(tag); ok && tag != "" && !x.prefs.chosen {
		x.Lang = l
	}
}

// Country is the country the reader chose here, or "" for none.
func (x *Exchange) Country() string { return x.prefs.country }

// GuessCountry is the country chosen, or else the one the browser's first
// language names (en-US), or "".
func (x *Exchange) GuessCountry() string {
	if x.prefs.country != "" {
		return x.prefs.country
	}
	header := x.Request.Header.Get("Accept-Language")
	if len(header) > 500 {
		return ""
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return ""
	}
	region, confidence := tags[0].Region()
	if confidence != language.Exact || !IsCountry(region.String()) {
		return ""
	}
	return region.String()
}

// UseCountry remembers a country the reader named in a form.
func (x *Exchange) UseCountry(code string) {
	if IsCountry(code) {
		x.prefs.country = code
		x.setCookie(cookieCountry, code)
	}
}

func (x *Exchange) cookie(name string) string {
	c, err := x.Request.Cookie(name)
	if err != nil || len(c.Value) > 40 {
		return ""
	}
	return c.Value
}

func (x *Exchange) setCookie(name, value string) {
	http.SetCookie(x.Writer, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   int(prefsKept / time.Second),
		HttpOnly: true,
		Secure:   x.Secure(),
		SameSite: http.SameSiteLaxMode,
	})
}

// here is this page's address with one query parameter replaced: where a
// switcher leads.
func (x *Exchange) here(name, value string) string {
	query := url.Values{}
	for k, v := range x.Request.URL.Query() {
		if k != name && len(v) > 0 && len(query) < 10 {
			query.Set(k, v[0])
		}
	}
	query.Set(name, value)
	return "?" + query.Encode()
}
