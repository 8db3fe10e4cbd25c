package form_test

import (
	"net/url"
	"strings"
	"testing"

	"signpost/store"
)

// part writes one part of a multipart body whose boundary is b.
func part(disposition, content string, head ...string) string {
	head = append([]string{"--b", "Content-Disposition: form-data; " + disposition}, head...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + content + "\r\n"
}

func TestACountryByAnotherNameIsAnsweredWithItsCode(t *testing.T) {
	t.Parallel()
	w := filesWorld(t)
	for given, code := range map[string]string{
		"UK": "GB", "uk": "GB", "deu": "DE", "Germany": "DE", "Deutschland": "DE", "Alemania": "DE", "USA": "US",
		"United States": "US", "United States of America": "US",
		"840": "US", "Côte d’Ivoire": "CI", "Cote d'Ivoire": "CI", "Österreich": "AT", "中国": "CN", "Jerman": "DE",
		"ألمانيا": "DE", "日本": "JP", "Brasil": "BR", "South Korea": "KR",
		"Great Britain": "GB", "The Netherlands": "NL", "Россия": "RU", "Czech Republic": "CZ", "IDN": "ID", "España": "ES",
		"U.S.A.": "US", "U.K.": "GB", "Hong Kong": "HK", "Macau": "MO", "Palestine": "PS", "DR Congo": "CD",
		"Bosnia and Herzegovina": "BA", "Bosnia": "BA", "Trinidad and Tobago": "TT", "Trinidad & Tobago": "TT",
		"Republic of Korea":   "KR",
		"Republic of Moldova": "MD", "Saint Lucia": "LC", "St. Lucia": "LC", "Macedonia": "MK", "Cape Verde": "CV",
		"Laos":  "LA",
		"Syria": "SY", "Czechia": "CZ", "Antigua and Barbuda": "AG", "Timor-Leste": "TL", "Polska": "PL", "Italia": "IT",
		"Nederland": "NL", "Danmark": "DK", "Ελλάδα": "GR", "대한민국": "KR",
	} {
		got := w.asJSON(with(good(), "country", given))
		status(t, got, 422)
		contains(t, got.Body.String(), `{"errors":{"country":`, "ISO 3166): "+code)
	}
	for _, given := range []string{"XX", "EU", "Atlantis", "!", "12345", strings.Repeat("x", 5000)} {
		got := w.asJSON(with(good(), "country", given))
		status(t, got, 422)
		contains(t, got.Body.String(), `"country":`, "two letters")
		if got.Body.Len() > 1000 {
			t.Errorf("the answer to %.20q… has %d bytes", given, got.Body.Len())
		}
	}
	contains(t, w.asJSON(url.Values{}).Body.String(), "Please choose your country")
}

// What no relay takes is refused at the field, with what is probably meant.
func TestAnAddressThatNoMailReachesIsRefusedAtItsField(t *testing.T) {
	t.Parallel()
	takes := false
	w := newWorld(t, func(s *setting) { s.deps.BeyondASCII = func() bool { return takes } })
	for email, says := range map[string]string{
		`"a@b"@c.example`: "more than one @", "victim%third@relay.example": "by way of another server",
		"a!b@relay.example":    "by way of another server",
		"josé@partner.example": "our mail server does not take", "ana@example,com": "Did you mean ana@example.com?",
		"ana@@example.com":   "Did you mean ana@example.com?",
		"ana at example.com": "Did you mean ana@example.com?", "ana@gmailcom": "Did you mean ana@gmail.com?",
		"ana@раypal.com": "Did you mean ana@paypal.com?",
	} {
		got := w.asJSON(with(good(), "email", email))
		status(t, got, 422)
		contains(t, got.Body.String(), `{"errors":{"email":`, says)
	}
	for email, want := range map[string]string{
		"Ana <ana@partner.example>": "ana@partner.example", "mailto:ana@partner.example?x": "ana@partner.example",
		"a\u00adna\u200b@partner.example": "ana@partner.example",
		"\u202aana@partner.example\u202c": "ana@partner.example", "Ａna＿1＠partner。example": "Ana_1@partner.example",
	} {
		world := newWorld(t)
		status(t, world.asJSON(with(good(), "email", email)), 201)
		if got := world.ticket("US-1001").Requester.Email; got != want {
			t.Errorf("%q became %q, want %q", email, got, want)
		}
	}
	takes = true
	status(t, w.asJSON(with(good(), "email", "jose\u0301@partner.example")), 201)
	if got := w.ticket("US-1001").Requester.Email; got != "josé@partner.example" {
		t.Errorf("the address became %q", got)
	}
}

func TestAnAddressThatPassesForAnotherIsAskedBackAlsoOfAProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := with(good(), "email", "ana@gооgle.com")
	page := w.post(post)
	status(t, page, 422)
	contains(t, page.Body.String(), "different alphabets", `data-fix="ana@google.com"`)
	status(t, w.asJSON(post), 422)
	sure := hidden(page.Body.String(), "sure")
	if len(sure) != 1 {
		t.Fatalf("the form carries %q as asked about", sure)
	}
	status(t, w.asJSON(with(post, "sure", sure[0])), 201)
	if got := w.ticket("US-1001").Requester.Email; !strings.HasPrefix(got, "ana@xn--") ||
		got == store.AddressKey("ana@google.com") {
		t.Errorf("the address became %q", got)
	}
}
