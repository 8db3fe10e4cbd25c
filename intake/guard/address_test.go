package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/guard"
	"signpost/store/addr"
)

// checked is what the check of an address alone says, without DNS and for a relay
// that takes ASCII only.
func checked(t *testing.T, typed string) guard.Verdict {
	return guard.NewAddresses(nil, nil).Check(t.Context(), typed)
}

func TestAnAddressIsTakenOutOfWhatWasPasted(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"ana@example.com", "  ana@EXAMPLE.com\t", "<ana@example.com>", "Ana <ana@example.com>",
		`"Ruiz, Ana" <ana@example.com>;`,
		"Ana Ruiz<ana@example.com>", "mailto:ana@example.com", "MAILTO:ana@example.com?subject=x&body=a@b.example",
		"mailto://ana@example.com",
		"mailto:ana%40example.com", "<mailto:ana@example.com>", "Ana <mailto:ana@example.com?x>",
		"Ana Ruiz [mailto:ana@example.com]",
		"ana@example.com<mailto:ana@example.com>", "ana@example.com <ana@example.com>",
		"[ana@example.com](mailto:ana@example.com)",
		"ana@example.com (Ana Ruiz)", `"ana@example.com"`, "'ana@example.com'", "\u201Cana@example.com\u201D",
		"(ana@example.com)",
		"ana\u200B@example.com", "\u200Eana@example.com\u200F", "\u202Aana@example.com\u202C", "\u2068ana@example.com\u2069",
		"a\u00ADna@exam\u00ADple.com",
		"ana@example\uFE0F.com", "\uFEFFana@example.com", "a\u200D\u200Cna@example.com", "ana\u2060@example.com",
		"ana@example.com\U000E0100", "ana\u034F@example.com",
		"ana@example.com\u00A0", "\u3000ana@example.com", "ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ana@example。com", "ana@example｡com",
		"𝐚𝐧𝐚@example.com",
	} {
		if v := checked(t, typed); v.Address != "ana@example.com" || !v.OK() || v.Suggestion != "" || v.Alike {
			t.Errorf("%q: %+v", typed, v)
		}
	}
	for typed, want := range map[string]string{
		"o\u2019brien@example.com": "o'brien@example.com", "ana\u2011ruiz@example.com": "ana-ruiz@example.com",
		"post@bu\u0308cher.example": "post@xn--bcher-kva.example",
	} {
		if v := checked(t, typed); v.Address != want || !v.OK() {
			t.Errorf("%q: %+v, want %q", typed, v, want)
		}
	}
}

func TestWhatLeavesAChoiceIsNotTakenOut(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]addr.Problem{
		"bo@example.org <ana@example.com>":             addr.TwoAts,
		"Ana <ana@example.com>, Bo <bo@example.com>":   addr.TwoAts,
		"mailto:ana@example.com,bo@example.com":        addr.TwoAts,
		"ana@example.com\r\nBcc: b@b.example":          addr.TwoAts,
		"Ana <Ana>":                                    addr.NoAt,
		"ana@[192.0.2.1]":                              addr.Domain,
		`"a@b"@c.example`:                              addr.TwoAts,
		"victim%third@relay.example":                   addr.Route,
		"mailto:victim%25third@relay.example":          addr.Route,
		"Ana <a!b@relay.example>":                      addr.Route,
		"ana@example":                                  guard.ProblemNoEnding,
		"ana@localhost":                                guard.ProblemNoEnding,
		strings.Repeat("<", 5000) + "ana@example.com>": addr.Long,
	} {
		if v := checked(t, typed); v.Address != "" || v.Problem != want {
			t.Errorf("%.60q: %+v; want problem %q", typed, v, want)
		}
	}
}

func TestALocalPartBeyondASCIIWaitsForARelayThatTakesIt(t *testing.T) {
	t.Parallel()
	takes := false
	a := guard.NewAddresses(nil, func() bool { return takes })
	for typed, meant := range map[string]string{
		"jose\u0301@example.com": "jose@example.com", "Łukasz.Ørsted@example.com": "Lukasz.Orsted@example.com",
		"用户@例子.公益": "", "groß@bücher.example": "gross@xn--bcher-kva.example", "Ана@example.com": "",
		"аnа@example.com": "ana@example.com", // two letters are Cyrillic
	} {
		if v := a.Check(t.Context(), typed); v.Problem != guard.ProblemBeyondASCII || v.Suggestion != meant {
			t.Errorf("%q: %+v, want %q offered", typed, v, meant)
		}
	}
	takes = true
	if v := a.Check(t.Context(), "jose\u0301@bücher.example"); !v.OK() || v.Address != "josé@xn--bcher-kva.example" ||
		v.Suggestion != "" || v.Alike {
		t.Errorf("%+v, want the local part composed", v)
	}
}

func TestALabelThatPassesForAnotherIsAskedAbout(t *testing.T) {
	t.Parallel()
	takes := guard.NewAddresses(nil, func() bool { return true })
	for typed, meant := range map[string]string{
		"ana@раypal.com":         "ana@paypal.com",  // two letters are Cyrillic
		"ana@gооgle.com":         "ana@google.com",  // so are these
		"ana@xn--ggle-55da.com":  "ana@google.com",  // the same in A-labels
		"ana@аррӏе.com":          "ana@apple.com",   // all of them are
		"аna@example.com":        "ana@example.com", // before the @ too
		"ana@ехаmple.com":        "ana@example.com",
		"ana@ex\u03B1mple.com":   "ana@example.com", // Greek
		"ana@mail.micrοsoft.com": "ana@mail.microsoft.com",
		"ana@sberбанк.com":       "", // mixed, and no Latin word
	} {
		if v := takes.Check(t.Context(), typed); !v.OK() || !v.Alike || v.Suggestion != meant {
			t.Errorf("%q: %+v, want it asked back with %q", typed, v, meant)
		}
	}
	for _, typed := range []string{
		"ana@bücher.example", "post@почта.рф", "post@сор.рф", "ana@例子.com", "ana@東京タワー.jp", "ana@tokyoタワー.jp",
		"ana@한국어abc.kr", "بريد@مثال.إختبار",
		"ana@ελλάδα.gr", "ana@straße.example", "иван@почта.рф", "ana2024@example.com", "josé@example.com",
	} {
		if v := takes.Check(t.Context(), typed); !v.OK() || v.Alike || v.Suggestion != "" {
			t.Errorf("%q: %+v, want it taken", typed, v)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"ana@gmial.com":   "ana@gmail.com",
		"Ana.L@GMAIL.CON": "Ana.L@gmail.com",
		"ana@gmail.co":    "ana@gmail.com",
		"ana@gmail.cm":    "ana@gmail.com",
		"ana@gmailcom":    "ana@gmail.com",
		"ana@gmail,com":   "ana@gmail.com",
		"ana@gmail.com.":  "ana@gmail.com",
		"ana@gmail":       "ana@gmail.com",
		"ana@gamil.con":   "ana@gmail.com",
		"ana@hotmial.com": "ana@hotmail.com",
		"ana@homtail.con": "ana@hotmail.com",
		"ana@hotmai.co":   "ana@hotmail.com",
		"ana@yaho.com":    "ana@yahoo.com",
		"ana@yahooo.com":  "ana@yahoo.com",
		"ana@outlok.com":  "ana@outlook.com",
		"ana@outllok.com": "ana@outlook.com",
		"ana@icoud.com":   "ana@icloud.com",
		"ana@example.con": "ana@example.com",
		"ana@example.ogr": "ana@example.org",
		// The "@": beside its key, doubled, in words, left out.
		"ana@@example.com":                "ana@example.com",
		"ana @@ example.com":              "ana@example.com",
		"ana @ example.com":               "ana@example.com",
		"ana at example.com":              "ana@example.com",
		"Ana AT example DOT com":          "Ana@example.com",
		"ana (at) example (dot) com":      "ana@example.com",
		"ana[at]mail[dot]example[dot]com": "ana@mail.example.com",
		"ana(arroba)example.com":          "ana@example.com",
		`ana"example.com`:                 "ana@example.com",
		"ana#example.com":                 "ana@example.com",
		"anagmail.com":                    "ana@gmail.com",
		"ana.hotmail.com":                 "ana@hotmail.com",
		"www.gmail.com":                   "",
		"ana@example.com@example.com":     "ana@example.com",
		"ana@example.comana@example.com":  "ana@example.com",
		// The dots: another sign, a space, none, too many.
		"ana@example,com":                 "ana@example.com",
		"ana@example;com":                 "ana@example.com",
		"ana@mail,example;com":            "ana@mail.example.com",
		"ana@example:com":                 "ana@example.com",
		"ana@example com":                 "ana@example.com",
		"ana@example. com":                "ana@example.com",
		"ana@examplecom":                  "ana@example.com",
		"ana@examplecouk":                 "ana@example.co.uk",
		"ana@example.couk":                "ana@example.co.uk",
		"ana@examplecomau":                "ana@example.com.au",
		"ana@examplenet":                  "ana@example.net",
		"ana@example..com":                "ana@example.com",
		"ana@.example.com":                "ana@example.com",
		"ana.@example.com":                "ana@example.com",
		"a..na@example.com":               "a.na@example.com",
		"ana@exam_ple.com":                "ana@exam-ple.com",
		"ana@example.com.":                "ana@example.com",
		"ana@example.com,":                "ana@example.com",
		"ana@example.com>":                "ana@example.com",
		"ana@example.com;":                "ana@example.com",
		"E-mail: ana@example.com":         "ana@example.com",
		"www.ana@example.com":             "ana@example.com",
		"ana@gmail.com.com":               "ana@gmail.com",
		"ana@example":                     "",
		"ana lopez@example.com":           "",
		"ana@example.com, bo@example.com": "",
		"ana@example.com bo@example.com":  "",
		"victim%third@relay.example":      "",
		"a!b@relay.example":               "",
		`"a@b"@c.example`:                 "",
		"ana@gmail.com":                   "",
		"ana@ymail.com":                   "",
		"ana@mail.com":                    "",
		"ana@example.com":                 "",
		"ana@acme.co":                     "",
		"ana@smail.example":               "",
		"ana@web.dev":                     "",
		// At home in another country, and no slip.
		"ana@yahoo.com.sg":  "",
		"ana@yahoo.com.ar":  "",
		"ana@yahoo.co.nz":   "",
		"ana@yahoo.se":      "",
		"ana@hotmail.ca":    "",
		"ana@hotmail.co.jp": "",
		"ana@hotmail.gr":    "",
		"ana@outlook.cl":    "",
		"ana@fastmail.fm":   "",
		"ana@protonmail.ch": "",
		"ana@yahoo.com.co":  "",
		"ana@yaho.co.uk":    "ana@yahoo.co.uk",
		"ana@hotmial.es":    "ana@hotmail.es",
		"ana@yahoo.co":      "ana@yahoo.com",
		"a na@gmial.com":    "", // would not be an address even so
		"gmial.com":         "",
		"@gmial.com":        "",
		"":                  "",
		"ana@" + strings.Repeat("gmial.com.", 2000): "",
	} {
		if got := guard.Suggest(typed); got != want {
			t.Errorf("%.60q: %q, want %q", typed, got, want)
		}
	}
}

// zone is a small DNS. A name it does not hold does not exist.
type zone struct {
	mx    map[string][]*net.MX
	ip    map[string][]netip.Addr
	fail  map[string]error
	asked atomic.Int32
}

func (z *zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	z.asked.Add(1)
	if err := z.fail["mx "+name]; err != nil || len(z.mx[name]) > 0 {
		return z.mx[name], err
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z *zone) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	z.asked.Add(1)
	if err := z.fail["ip "+name]; err != nil || len(z.ip[name]) > 0 {
		return z.ip[name], err
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestADomainIsRefusedOnlyByDNSItself(t *testing.T) {
	t.Parallel()
	servfail := &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	z := &zone{
		mx: map[string][]*net.MX{
			"mail.example.":     {{Host: "mx.mail.example.", Pref: 10}},
			"null.example.":     {{Host: ".", Pref: 0}},
			"oddly.example.":    {{Host: ".", Pref: 0}, {Host: "mx.oddly.example.", Pref: 10}},
			"halfodd.example.":  {{Host: "mx.halfodd.example.", Pref: 10}},
			"xn--bcher-kva.de.": {{Host: "mx.example.", Pref: 10}},
		},
		ip: map[string][]netip.Addr{"bare.example.": {netip.MustParseAddr("2001:db8::1")}},
		fail: map[string]error{
			"mx servfail.example.": servfail,
			"mx refused.example.":  errors.New("connection refused"),
			"mx late.example.":     &net.DNSError{Err: "i/o timeout", IsTimeout: true, IsNotFound: true},
			"ip halffail.example.": servfail,
			"mx halfodd.example.":  &net.DNSError{Err: "DNS response contained records which contain invalid names"},
		},
	}
	a := guard.NewAddresses(z, nil)
	for domain, want := range map[string]addr.Problem{
		"mail.example":     "",
		"bare.example":     "", // no MX, an address: RFC 5321 section 5.1
		"bücher.de":        "",
		"oddly.example":    "",
		"halfodd.example":  "",
		"servfail.example": "",
		"refused.example":  "",
		"late.example":     "",
		"halffail.example": "", // no MX, and the question for the address failed
		"null.example":     guard.ProblemNoMail,
		"nowhere.example":  guard.ProblemNoSuchDomain,
	} {
		for range 2 { // the second time from memory
			if v := a.Check(t.Context(), "ana@"+domain); v.Problem != want || v.Address == "" {
				t.Errorf("%s: %+v, want problem %q", domain, v, want)
			}
		}
	}
	if v := guard.NewAddresses(nil, nil).Check(t.Context(), "ana@nowhere.example"); !v.OK() {
		t.Errorf("without a resolver: %+v", v)
	}
}

func TestAMisspeltProviderIsRefusedWithTheRightOne(t *testing.T) {
	t.Parallel()
	a := guard.NewAddresses(&zone{}, nil)
	v := a.Check(t.Context(), "ana@gmail.con")
	if v.Problem != guard.ProblemNoSuchDomain || v.Suggestion != "ana@gmail.com" || v.Address != "ana@gmail.con" {
		t.Errorf("%+v", v)
	}
}

func TestDNSIsAskedOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{
			mx:   map[string][]*net.MX{"good.example.": {{Host: "mx."}}},
			fail: map[string]error{"mx down.example.": errors.New("down")},
		}
		a := guard.NewAddresses(z, nil)
		askedAfter := func(domain string, quiet time.Duration) bool {
			before := z.asked.Load()
			a.Check(t.Context(), "ana@"+domain)
			time.Sleep(quiet)
			a.Check(t.Context(), "bo@"+strings.ToUpper(domain))
			first := z.asked.Load() - before
			a.Check(t.Context(), "cy@"+domain)
			if z.asked.Load()-before != first {
				t.Errorf("%s: asked again at once", domain)
			}
			return first > 2 || domain != "bad.example" && first > 1
		}
		for domain, kept := range map[string]time.Duration{
			"good.example": time.Hour, "bad.example": 5 * time.Minute, "down.example": 30 * time.Second,
		} {
			if askedAfter(domain, kept-time.Second) {
				t.Errorf("%s: asked again within %v", domain, kept)
			}
			time.Sleep(2 * time.Hour)
			if !askedAfter(domain, kept) {
				t.Errorf("%s: not asked again after %v", domain, kept)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}

// silent never answers.
type silent struct{ asked atomic.Int32 }

func (s *silent) LookupMX(ctx context.Context, _ string) ([]*net.MX, error) {
	s.asked.Add(1)
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *silent) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestASilentResolverCostsTwoSecondsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &silent{}
		a := guard.NewAddresses(s, nil)
		start := time.Now()
		var posts sync.WaitGroup
		for i := range 50 {
			posts.Go(func() {
				if v := a.Check(t.Context(), fmt.Sprintf("partner%d@slow.example", i)); !v.OK() {
					t.Errorf("%+v", v)
				}
			})
		}
		posts.Wait()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("50 posts waited %v", took)
		}
		synctest.Wait()
		if v := a.Check(t.Context(), "late@slow.example"); !v.OK() || time.Since(start) != 2*time.Second {
			t.Errorf("the next post waited again: %+v after %v", v, time.Since(start))
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAPostThatGoesAwayDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		guard.NewAddresses(&silent{}, nil).Check(ctx, "ana@slow.example")
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		time.Sleep(2 * time.Second) // the question itself ends
	})
}

// What is taken stays the same when it is taken again, and so does what is offered.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"ana@example.com", "Ana <ana@example.com>", "a@[1.2.3.4]", "用户@例子.广告", "a@b@c", "a..b@c.d", ".@.", "@",
		"a at b dot c", `"a@b"@c.d`,
		"a@xn--a.b", "a@gmial.con", "a\r\nb@c.d", "a@c.d\r\n", "\xff@\xff", "a@ß.example", "a@\u200d.example",
		"mailto:<a%40b.c>", "ana@раypal.com", "[((<a@b.c", "a@b,c@@d;e",
	} {
		f.Add(seed)
	}
	a := guard.NewAddresses(nil, func() bool { return true })
	f.Fuzz(func(t *testing.T, typed string) {
		if s := guard.Suggest(typed); s != "" {
			if again, problem := addr.Parse(s); again != s || problem != "" {
				t.Fatalf("%q: suggested %q, which is %q, problem %q", typed, s, again, problem)
			}
		}
		v := a.Check(t.Context(), typed)
		if (v.Address == "") == v.OK() {
			t.Fatalf("%q: %+v", typed, v)
		}
		if again := a.Check(t.Context(), v.Address); v.OK() && again.Address != v.Address {
			t.Fatalf("%q: taken as %q, then as %+v", typed, v.Address, again)
		}
	})
}
