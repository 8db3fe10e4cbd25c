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
	"unicode/utf8"

	"signpost/intake/guard"
)

func TestAddressesThatPartnersHave(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"ana@example.com":                           "ana@example.com",
		"  ana@example.com\t":                       "ana@example.com",
		"Ana.Lopez+desk@Example.COM":                "Ana.Lopez+desk@example.com",
		"o'brien@example.co.uk":                     "o'brien@example.co.uk",
		"!#$%&'*+-/=?^_`{|}~@example.com":           "!#$%&'*+-/=?^_`{|}~@example.com",
		"1@2.example":                               "1@2.example",
		"josé@example.com":                          "josé@example.com",
		"用户@例子.公益":                                  "用户@xn--fsqu00a.xn--55qw42g",
		"post@bücher.example":                       "post@xn--bcher-kva.example",
		"post@BÜCHER.example":                       "post@xn--bcher-kva.example",
		"post@xn--bcher-kva.example":                "post@xn--bcher-kva.example",
		"بريد@مثال.إختبار":                          "بريد@xn--mgbh0fb.xn--kgbechtv",
		"a@r3---sn.example.com":                     "a@r3---sn.example.com",
		strings.Repeat("a", 64) + "@b.example":      strings.Repeat("a", 64) + "@b.example",
		"a@" + strings.Repeat("b", 63) + ".example": "a@" + strings.Repeat("b", 63) + ".example",
	} {
		if address, problem := guard.ParseAddress(typed); address != want || problem != "" {
			t.Errorf("%q: %q, problem %q; want %q", typed, address, problem, want)
		}
	}
}

func TestAddressesThatNobodyHas(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60) + "." // a label and its dot
	for typed, want := range map[string]guard.Problem{
		"":                                     guard.ProblemEmpty,
		" \t ":                                 guard.ProblemEmpty,
		"ana":                                  guard.ProblemNoAt,
		"ana.example.com":                      guard.ProblemNoAt,
		"ana@home@example.com":                 guard.ProblemTwoAts,
		"@example.com":                         guard.ProblemNoLocal,
		"ana@":                                 guard.ProblemNoDomain,
		"ana lopez@example.com":                guard.ProblemLocal,
		"<ana@example.com>":                    guard.ProblemLocal,
		"Ana <ana@example.com>":                guard.ProblemLocal,
		`"ana"@example.com`:                    guard.ProblemLocal,
		"ana,bo@example.com":                   guard.ProblemLocal,
		"ana\r\nBcc:x@example.com":             guard.ProblemLocal,
		"ana\x00@example.com":                  guard.ProblemLocal,
		"ana\u202e@example.com":                guard.ProblemLocal, // right-to-left override
		"ana\u200b@example.com":                guard.ProblemLocal, // zero-width space
		"an\xffa@example.com":                  guard.ProblemLocal,
		".ana@example.com":                     guard.ProblemDots,
		"ana.@example.com":                     guard.ProblemDots,
		"a..na@example.com":                    guard.ProblemDots,
		strings.Repeat("a", 65) + "@b.example": guard.ProblemLongLocal,
		strings.Repeat("é", 33) + "@b.example": guard.ProblemLongLocal, // 66 bytes
		"ana@" + strings.Repeat(long, 4) + "example":  guard.ProblemLong, // 251 bytes of domain, 255 in all
		"a@" + strings.Repeat(long, 5) + "example":    guard.ProblemDomain,
		strings.Repeat("a", 10_000):                   guard.ProblemLong,
		"ana@example":                                 guard.ProblemNoEnding,
		"ana@localhost":                               guard.ProblemNoEnding,
		"ana@192.0.2.1":                               guard.ProblemDomain,
		"ana@[192.0.2.1]":                             guard.ProblemDomain,
		"ana@example..com":                            guard.ProblemDomain,
		"ana@.example.com":                            guard.ProblemDomain,
		"ana@example.com.":                            guard.ProblemDomain,
		"ana@-example.com":                            guard.ProblemDomain,
		"ana@example-.com":                            guard.ProblemDomain,
		"ana@exam ple.com":                            guard.ProblemDomain,
		"ana@exam_ple.com":                            guard.ProblemDomain,
		"ana@example.com>":                            guard.ProblemDomain,
		"ana@example.com\r\nBcc: b@b.example":         guard.ProblemTwoAts,
		"ana@example.com\nX":                          guard.ProblemDomain,
		"ana@" + strings.Repeat("b", 64) + ".example": guard.ProblemDomain,
		"ana@xn--a.example":                           guard.ProblemDomain, // no Punycode
		"ana@\xff.example":                            guard.ProblemDomain,
	} {
		if address, problem := guard.ParseAddress(typed); address != "" || problem != want {
			t.Errorf("%.60q: %q, problem %q; want %q", typed, address, problem, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"ana@gmial.com":     "ana@gmail.com",
		"Ana.L@GMAIL.CON":   "Ana.L@gmail.com",
		"ana@gmail.co":      "ana@gmail.com",
		"ana@gmail.cm":      "ana@gmail.com",
		"ana@gmailcom":      "ana@gmail.com",
		"ana@gmail,com":     "ana@gmail.com",
		"ana@gmail.com.":    "ana@gmail.com",
		"ana@gmail":         "ana@gmail.com",
		"ana@gamil.con":     "ana@gmail.com",
		"ana@hotmial.com":   "ana@hotmail.com",
		"ana@homtail.con":   "ana@hotmail.com",
		"ana@hotmai.co":     "ana@hotmail.com",
		"ana@yaho.com":      "ana@yahoo.com",
		"ana@yahooo.com":    "ana@yahoo.com",
		"ana@outlok.com":    "ana@outlook.com",
		"ana@outllok.com":   "ana@outlook.com",
		"ana@icoud.com":     "ana@icloud.com",
		"ana@example.con":   "ana@example.com",
		"ana@example.ogr":   "ana@example.org",
		"ana@gmail.com":     "",
		"ana@ymail.com":     "",
		"ana@mail.com":      "",
		"ana@example.com":   "",
		"ana@acme.co":       "",
		"ana@smail.example": "",
		"ana@web.dev":       "",
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
	a := guard.NewAddresses(z)
	for domain, want := range map[string]guard.Problem{
		"mail.example":     "",
		"bare.example":     "", // no MX, an address: RFC 5321 section 5.1
		"bücher.de":        "",
		"oddly.example":    "",
		"halfodd.example":  "",
		"servfail.example": "",
		"refused.example":  "",
		"late.example":     "",
		"halffail.example": "", // no MX, and nobody knows about the address
		"null.example":     guard.ProblemNoMail,
		"nowhere.example":  guard.ProblemNoSuchDomain,
	} {
		for range 2 { // the second time from memory
			if v := a.Check(t.Context(), "ana@"+domain); v.Problem != want || v.Address == "" {
				t.Errorf("%s: %+v, want problem %q", domain, v, want)
			}
		}
	}
	if v := guard.NewAddresses(nil).Check(t.Context(), "ana@nowhere.example"); !v.OK() {
		t.Errorf("without a resolver: %+v", v)
	}
}

func TestAMisspeltProviderIsRefusedWithTheRightOne(t *testing.T) {
	t.Parallel()
	a := guard.NewAddresses(&zone{})
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
		a := guard.NewAddresses(z)
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
		for domain, kept := range map[string]time.Duration{"good.example": time.Hour, "bad.example": 5 * time.Minute, "down.example": 30 * time.Second} {
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
		a := guard.NewAddresses(s)
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
		guard.NewAddresses(&silent{}).Check(ctx, "ana@slow.example")
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		time.Sleep(2 * time.Second) // the question itself ends
	})
}

// What is accepted can stand in a header and an SMTP command as it is, is
// accepted again, and stays the same.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"ana@example.com", "Ana <ana@example.com>", "a@[1.2.3.4]", "用户@例子.广告", "a@b@c", "a..b@c.d", ".@.", "@",
		"a@xn--a.b", "a@gmial.con", "a\r\nb@c.d", "a@c.d\r\n", "\xff@\xff", "a@ß.example", "a@\u200d.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		address, problem := guard.ParseAddress(typed)
		if (address == "") != (problem != "") {
			t.Fatalf("%q: %q, problem %q", typed, address, problem)
		}
		if s := guard.Suggest(typed); s != "" {
			if again, problem := guard.ParseAddress(s); again != s || problem != "" {
				t.Fatalf("%q: suggested %q, which is %q, problem %q", typed, s, again, problem)
			}
		}
		if address == "" {
			return
		}
		if again, problem := guard.ParseAddress(address); again != address || problem != "" {
			t.Fatalf("%q: accepted as %q, then %q, problem %q", typed, address, again, problem)
		}
		if len(address) > 254 || !utf8.ValidString(address) || strings.Count(address, "@") != 1 || strings.ContainsAny(address, "\x00\r\n\t <>()[],;:\"\\") {
			t.Fatalf("%q accepted as %q", typed, address)
		}
	})
}
