package form_test

import (
	"encoding/json"
	"html"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page's script asks about the address when its field is left, and hears what
// the form would say of it.
func TestThePageAsksAboutAnAddressBeforeItIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type answer struct{ Address, Fault, Fix, Sure string }
	ask := func(fields url.Values) (a answer) {
		got := w.send("POST", "/contact/address", "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
		status(t, got, 200)
		fatal(t, json.Unmarshal(got.Body.Bytes(), &a))
		return a
	}
	if got, want := ask(url.Values{"email": {"Ana <ana@Partner.example>"}}),
		(answer{Address: "ana@partner.example"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for email, want := range map[string]answer{
		"ana@example,com":      {Fault: "What comes after the @", Fix: "ana@example.com"},
		"josé@partner.example": {Fault: "We cannot write to this address", Fix: "jose@partner.example"},
		"":                     {Fault: "Please give an email"},
		"ana@gmial.com": {Address: "ana@gmial.com", Sure: "ana@gmial.com", Fault: "ana@gmial.com looks unusual",
			Fix: "ana@gmail.com"},
		"partner.support@example.com": {Fault: "That is our own address"},
	} {
		got := ask(url.Values{"email": {email}})
		if got.Address != want.Address || got.Fix != want.Fix || got.Sure != want.Sure ||
			!strings.HasPrefix(got.Fault, want.Fault) {
			t.Errorf("%q: %+v, want %+v", email, got, want)
		}
	}
	if got := ask(url.Values{"email": {"ana"}, "lang": {"es"}}).Fault; !strings.Contains(got, "falta la @") {
		t.Errorf("in Spanish it says %q", got)
	}
	refused := w.send("POST", "/contact/address", "application/x-www-form-urlencoded", strings.NewReader("email=a"),
		"Sec-Fetch-Site", "cross-site")
	status(t, refused, 403)
	few := newWorld(t, func(s *setting) { s.cfg.PostsPerNetwork = 1 })
	for range 20 {
		status(t, few.send("POST", "/contact/address", "application/x-www-form-urlencoded", strings.NewReader("email=a")),
			200)
	}
	status(t, few.send("POST", "/contact/address", "application/x-www-form-urlencoded", strings.NewReader("email=a")), 429)
}

// The page and the server refuse by one list, which the page has from the server.
func TestThePageHasTheServersListOfEndings(t *testing.T) {
	t.Parallel()
	w := filesWorld(t)
	match := regexp.MustCompile(`data-refused="([^"]*)"`).FindStringSubmatch(w.get("/contact").Body.String())
	if match == nil {
		t.Fatal("the page has no list")
	}
	endings := strings.Fields(html.UnescapeString(match[1]))
	var files []file
	for _, ending := range endings {
		files = append(files, file{"a." + ending, "text"})
	}
	got := w.asJSON(good(), files[:150]...)
	status(t, got, 422)
	contains(t, got.Body.String(), "140 more files")
	for _, f := range files[150:] {
		if ok, _ := takes(t, w, f); ok {
			t.Errorf("the page refuses %s, the server takes it", f.name)
		}
	}
	scripts, err := fs.Glob(os.DirFS("static"), "*.js")
	fatal(t, err)
	for _, name := range scripts {
		text, err := os.ReadFile("static/" + name)
		fatal(t, err)
		lacks(t, string(text), "vbs", "exe ", `"exe"`)
	}
}

func TestAFieldSaysWhatItMayHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.MinDescription, s.cfg.MaxDescription = 7, 70 })
	contains(t, w.get("/contact").Body.String(), `data-most="200"`, `data-count="70" data-least="7"`,
		`data-check="/contact/address"`)
}
