package addr_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"signpost/store/addr"
)

func TestAddressesThatPeopleHave(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"ana@example.com":                           "ana@example.com",
		"  ana@example.com\t":                       "ana@example.com",
		"Ana.Lopez+desk@Example.COM":                "Ana.Lopez+desk@example.com",
		"o'brien@example.co.uk":                     "o'brien@example.co.uk",
		"#$&'*+/=?^_`{|}~-@example.com":             "#$&'*+/=?^_`{|}~-@example.com",
		"1@2.example":                               "1@2.example",
		"root@localhost":                            "root@localhost", // an alarm's, through the machine's own relay
		"josé@example.com":                          "josé@example.com",
		"用户@例子.公益":                                  "用户@xn--fsqu00a.xn--55qw42g",
		"post@BÜCHER.example":                       "post@xn--bcher-kva.example",
		"post@xn--bcher-kva.example":                "post@xn--bcher-kva.example",
		"بريد@مثال.إختبار":                          "بريد@xn--mgbh0fb.xn--kgbechtv",
		"a@r3---sn.example.com":                     "a@r3---sn.example.com",
		strings.Repeat("a", 64) + "@b.example":      strings.Repeat("a", 64) + "@b.example",
		"a@" + strings.Repeat("b", 63) + ".example": "a@" + strings.Repeat("b", 63) + ".example",
	} {
		if address, problem := addr.Parse(given); address != want || problem != "" {
			t.Errorf("%q: %q, problem %q; want %q", given, address, problem, want)
		}
	}
}

func TestAddressesThatNoMailGoesTo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60) + "." // a label and its dot
	for given, want := range map[string]addr.Problem{
		"":                                            addr.Empty,
		" \t ":                                        addr.Empty,
		"ana":                                         addr.NoAt,
		"ana@home@example.com":                        addr.TwoAts,
		"@example.com":                                addr.NoLocal,
		"ana@":                                        addr.NoDomain,
		"ana lopez@example.com":                       addr.Local,
		"Ana <ana@example.com>":                       addr.Local,
		`"ana"@example.com`:                           addr.Local,
		`"a b"@example.com`:                           addr.Local,
		`"a@b"@c.example`:                             addr.TwoAts,
		`a\@b@c.example`:                              addr.TwoAts,
		"@hop.example,@b.example:ana@c.example":       addr.TwoAts, // a source route
		"victim%third@relay.example":                  addr.Route,
		"victim%a%b@relay.example":                    addr.Route,
		"a!b@relay.example":                           addr.Route,
		"host!other!ana@relay.example":                addr.Route,
		"-oQ/tmp@example.com":                         addr.Local,
		"host::ana@example.com":                       addr.Local,
		"ana,bo@example.com":                          addr.Local,
		"ana(work)@example.com":                       addr.Local,
		"ana\r\nBcc:x@example.com":                    addr.Local,
		"ana\x00@example.com":                         addr.Local,
		"ana\u202e@example.com":                       addr.Local, // right-to-left override
		"ana\u200b@example.com":                       addr.Local, // zero-width space
		"an\xffa@example.com":                         addr.Local,
		".ana@example.com":                            addr.Dots,
		"ana.@example.com":                            addr.Dots,
		"a..na@example.com":                           addr.Dots,
		strings.Repeat("a", 65) + "@b.example":        addr.LongLocal,
		strings.Repeat("é", 33) + "@b.example":        addr.LongLocal, // 66 bytes
		"ana@" + strings.Repeat(long, 4) + "example":  addr.Long,      // 251 bytes of domain, 255 in all
		"a@" + strings.Repeat(long, 5) + "example":    addr.Domain,
		strings.Repeat("a", 10_000):                   addr.Long,
		"ana@192.0.2.1":                               addr.Domain,
		"ana@[192.0.2.1]":                             addr.Domain,
		"ana@example..com":                            addr.Domain,
		"ana@.example.com":                            addr.Domain,
		"ana@example.com.":                            addr.Domain,
		"ana@-example.com":                            addr.Domain,
		"ana@example-.com":                            addr.Domain,
		"ana@exam ple.com":                            addr.Domain,
		"ana@exam_ple.com":                            addr.Domain,
		"ana@example.com>":                            addr.Domain,
		"ana@example.com\nX":                          addr.Domain,
		"ana@" + strings.Repeat("b", 64) + ".example": addr.Domain,
		"ana@xn--a.example":                           addr.Domain, // no Punycode
		"ana@\xff.example":                            addr.Domain,
	} {
		if address, problem := addr.Parse(given); address != "" || problem != want {
			t.Errorf("%.60q: %q, problem %q; want %q", given, address, problem, want)
		}
	}
}

// What is taken can stand in a header and an SMTP command as it is, is taken
// again, and stays the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"ana@example.com", "Ana <ana@example.com>", "a@[1.2.3.4]", "用户@例子.广告", "a@b@c", "a..b@c.d", ".@.", "@", `"a@b"@c.d`,
		"a@xn--a.b", "a%b@c.d", "a!b@c.d", "a\r\nb@c.d", "a@c.d\r\n", "\xff@\xff", "a@ß.example", "a@\u200d.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		address, problem := addr.Parse(given)
		if (address == "") != (problem != "") {
			t.Fatalf("%q: %q, problem %q", given, address, problem)
		}
		if address == "" {
			return
		}
		if again, problem := addr.Parse(address); again != address || problem != "" {
			t.Fatalf("%q: taken as %q, then %q, problem %q", given, address, again, problem)
		}
		if len(address) > 254 || !utf8.ValidString(address) || strings.Count(address, "@") != 1 ||
			strings.ContainsAny(address, "\x00\r\n\t <>()[],;:\"\\%!") {
			t.Fatalf("%q taken as %q", given, address)
		}
	})
}
