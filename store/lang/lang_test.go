package lang

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func load(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func in(t testing.TB, tag string) Lang {
	t.Helper()
	l, ok := load(t).Match(tag)
	if !ok || l.Tag() != tag {
		t.Fatalf("no language %s", tag)
	}
	return l
}

// The languages are offered in their own names, English first.
func TestLanguagesNameThemselves(t *testing.T) {
	t.Parallel()
	var got []string
	for _, l := range load(t).Langs() {
		got = append(got, l.Tag()+" "+l.Dir()+" "+l.Name())
	}
	want := "en ltr English, es ltr Español, zh-Hans ltr 简体中文, id ltr Bahasa Indonesia, ar rtl العربية"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// A browser's list, a chosen language, a region's default: the first of them
// that we speak decides.
func TestReadersGetTheFirstLanguageWeSpeak(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, test := range []struct {
		preferences []string
		want        string
	}{
		{nil, "en"},
		{[]string{""}, "en"},
		{[]string{"es"}, "es"},
		{[]string{"es-MX,es;q=0.9,en;q=0.8"}, "es"},
		{[]string{"de-DE,de;q=0.9,es;q=0.5"}, "es"},
		{[]string{"en;q=0.2,ar;q=0.9"}, "ar"},
		{[]string{"zh-CN"}, "zh-Hans"},
		{[]string{"zh"}, "zh-Hans"},
		{[]string{"zh-TW"}, "zh-Hans"}, // nearer to its reader than English
		{[]string{"in"}, "id"},         // the tag Indonesian had before 1989; Java sends it still
		{[]string{"ar-EG"}, "ar"},
		{[]string{"de", "es"}, "es"}, // nothing chosen that we speak: the region's default
		{[]string{"id", "es"}, "id"},
		{[]string{"xx-invalid-", "es"}, "es"},
		{[]string{"*", "es"}, "es"},
		{[]string{strings.Repeat("en,", 1000), "es"}, "es"},
	} {
		if got := c.Pick(test.preferences...).Tag(); got != test.want {
			t.Errorf("%.60q: %s, want %s", test.preferences, got, test.want)
		}
	}
}

func FuzzAcceptLanguage(f *testing.F) {
	for _, seed := range []string{
		"", "*", "en-US,en;q=0.5", "zh-Hant-TW;q=0.1,ar;q=1.0", ";q=", "en;q=nan", "a-b-c-d-e-f-g", "x-private", "i-klingon",
		"en\x00", "\xff", strings.Repeat("-", 400), strings.Repeat("a-", 240), "ar-u-nu-latn", "es;q=0",
	} {
		f.Add(seed)
	}
	c := load(f)
	f.Fuzz(func(t *testing.T, header string) {
		l, ok := c.Match(header)
		if again, ok2 := c.Match(header); ok != ok2 || again != l {
			t.Errorf("%q is matched differently twice", header)
		}
		picked := c.Pick(header, "es")
		if ok && picked != l || !ok && picked.Tag() != "es" {
			t.Errorf("%q: picked %s, matched %s %v", header, picked.Tag(), l.Tag(), ok)
		}
		if ok && l.Name() == "" {
			t.Errorf("%q: a language without a name", header)
		}
	})
}

func TestInstantsNameTheirZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	for _, test := range []struct{ tag, zone, want string }{
		{"en", "America/New_York", "Tuesday, 24 November 2026, 17:00 (UTC−05:00, New York)"},
		{"en", "UTC", "Tuesday, 24 November 2026, 22:00 (UTC)"},
		{"en", "Asia/Kolkata", "Wednesday, 25 November 2026, 03:30 (UTC+05:30, Kolkata)"},
		{"en", "Europe/London", "Tuesday, 24 November 2026, 22:00 (UTC+00:00, London)"},
		{"en", "America/Argentina/Buenos_Aires", "Tuesday, 24 November 2026, 19:00 (UTC−03:00, Buenos Aires)"},
		{"es", "Europe/Madrid", "martes, 24 de noviembre de 2026, 23:00 (UTC+01:00, Madrid)"},
		{"zh-Hans", "Asia/Shanghai", "2026年11月25日 星期三 06:00（UTC+08:00, Shanghai）"},
		{"id", "Asia/Jakarta", "Rabu, 25 November 2026, pukul 05:00 (UTC+07:00, Jakarta)"},
		{"ar", "Asia/Dubai", "الأربعاء، 25 نوفمبر 2026، الساعة 02:00 (\u2066UTC+04:00, Dubai\u2069)"},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := in(t, test.tag).Instant(at, zone); got != test.want {
			t.Errorf("%s in %s:\n %s, want\n %s", test.tag, test.zone, got, test.want)
		}
	}
}

// Each weekday and month has its own name, in every language.
func TestDatesNameTheRightDayAndMonth(t *testing.T) {
	t.Parallel()
	sunday := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for _, l := range load(t).Langs() {
		seen := map[string]bool{}
		for i := range 7 {
			seen[l.calendar.weekdays[(sunday.AddDate(0, 0, i).Weekday())]] = true
		}
		for m := time.January; m <= time.December; m++ {
			seen[l.calendar.months[m-1]] = true
			day := l.Date(time.Date(2026, m, 1, 12, 0, 0, 0, time.UTC), time.UTC)
			if !strings.Contains(day, l.calendar.months[m-1]) || !strings.Contains(day, "2026") {
				t.Errorf("%s: %s 2026 reads %q", l.Tag(), m, day)
			}
		}
		if len(seen) != 19 {
			t.Errorf("%s: %d names of days and months, want 19", l.Tag(), len(seen))
		}
	}
}

func TestUnknownKeysComeBackAsThemselves(t *testing.T) {
	t.Parallel()
	if got := in(t, "ar").T("nowhere.nothing", "count", 3); got != "nowhere.nothing" {
		t.Errorf("%q", got)
	}
}

// In Arabic a number stays whole and in its place; in English it stays bare, so
// that it can be copied, unless it holds a name in Arabic.
func TestValuesAreIsolatedWhereTheyCouldTurnTheLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ tag, value, want string }{
		{"en", "US-1042", "US-1042"},
		{"ar", "US-1042", "\u2068US-1042\u2069"},
		{"en", "دعم الشركاء", "\u2068دعم الشركاء\u2069"},
		{"zh-Hans", "支持", "支持"},
		{"ar", "", ""},
		{"en", "user\u202egnp.exe", "usergnp.exe"},
		{"ar", "a\u2069b\u2068", "\u2068ab\u2069"},
	} {
		if got := in(t, test.tag).Isolate(test.value); got != test.want {
			t.Errorf("%s: %q gives %q, want %q", test.tag, test.value, got, test.want)
		}
	}
}

// Whatever a value holds, what Isolate gives is closed in itself.
func TestIsolatedValuesReachNoFurther(t *testing.T) {
	t.Parallel()
	languages := load(t).Langs()
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(languages).Draw(t, "language")
		runes := rapid.OneOf(rapid.Rune(), rapid.RuneFrom(nil, unicode.Bidi_Control, unicode.Arabic))
		value := rapid.StringOf(runes).Draw(t, "value")
		got := l.Isolate(value)
		inner := strings.TrimSuffix(strings.TrimPrefix(got, firstStrongIsolate), popIsolate)
		if strings.ContainsFunc(inner, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
			t.Fatalf("%q gives %q", value, got)
		}
		if strings.HasPrefix(got, firstStrongIsolate) != strings.HasSuffix(got, popIsolate) || !utf8.ValidString(got) {
			t.Fatalf("%q gives %q", value, got)
		}
		if l.Dir() == "rtl" && inner != "" && inner == got {
			t.Fatalf("%q stands bare in %s", value, l.Tag())
		}
	})
}

func BenchmarkInstant(b *testing.B) {
	l := in(b, "en")
	at := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	for b.Loop() {
		l.Instant(at, time.UTC)
	}
}

func BenchmarkMatch(b *testing.B) {
	c := load(b)
	for b.Loop() {
		c.Match("de-DE,de;q=0.9,es;q=0.5,en;q=0.3")
	}
}
