package form_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"signpost/store"
)

// Every page, in every language, with and without faults: no missing text, no
// dead static file, nothing inline that the policy forbids, a label for every
// field and no id twice.
func TestEveryPageIsWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) {
		s.cfg.Categories, s.cfg.ConfirmationsPerAddressDay, s.cfg.ConfirmationsPerDomain = []string{"Orders"}, 1, 1
	})
	received := w.post(good()).Header().Get("Location")
	suppressed := w.post(good(), file{"notes.txt", "x"}).Header().Get("Location")
	later := w.post(with(good(), "email", "bo@partner.example")).Header().Get("Location")
	ask, ticket := w.link(w.ticket("US-1001")), w.proven(w.ticket("US-1002"))
	_, err := w.db.SuppressAddress(t.Context(), time.Now(), store.ByCommandLine("ops"),
		store.Suppression{Address: "ana@partner.example", Scope: store.ScopeAll})
	fatal(t, err)
	dead := w.post(with(good(), "idempotency_key", "dead")).Header().Get("Location")
	forged := "/t/x"
	for _, lang := range []string{"en", "es", "zh-Hans", "id", "ar"} {
		pages := map[string]string{}
		for _, path := range []string{
			"/", "/contact", received, suppressed, later, dead, ask, ticket, "/link/asked", "/link/renewed", forged, "/nowhere",
		} {
			pages[path] = w.get(path + "?lang=" + lang).Body.String()
		}
		for _, path := range []string{"/link", dead + "/address", ticket + "/address"} {
			bad := strings.NewReader(url.Values{"lang": {lang}, "email": {"ana@"}}.Encode())
			got := w.send("POST", path, "application/x-www-form-urlencoded", bad)
			status(t, got, 422)
			pages["POST "+path] = got.Body.String()
		}
		bad := url.Values{"lang": {lang}, "name": {strings.Repeat("x", 300)}, "email": {"a@gmial.com"}, "category": {"?"}}
		pages["faults"] = w.post(bad, file{"a.txt", "a"}, file{"b.exe", "b"}).Body.String()
		for name, page := range pages {
			checkPage(t, w, lang+" "+name, page, lang)
		}
	}
}

var rawKey = regexp.MustCompile(`\b(form|web|date)\.[a-z_0-9]+\b|<no value>|%!`)

func checkPage(t *testing.T, w *world, name, page, lang string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	fatal(t, err)
	ids, labels, fields := map[string]int{}, map[string]bool{}, []string{}
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			if m := rawKey.FindString(n.Data); m != "" {
				t.Errorf("%s: text %q", name, m)
			}
			continue
		}
		if n.Type != html.ElementNode {
			continue
		}
		attr := attributes(n)
		for key := range attr {
			if key == "style" || strings.HasPrefix(key, "on") {
				t.Errorf("%s: <%s %s> is forbidden by the policy", name, n.Data, key)
			}
		}
		if id := attr["id"]; id != "" {
			ids[id]++
		}
		switch n.Data {
		case "html":
			if attr["lang"] != lang || (attr["dir"] == "rtl") != (lang == "ar") {
				t.Errorf("%s: lang %q dir %q", name, attr["lang"], attr["dir"])
			}
		case "script", "link":
			src := attr["src"] + attr["href"]
			if src == "" || w.get(src).Code != 200 {
				t.Errorf("%s: <%s> leads to %q", name, n.Data, src)
			}
		case "label":
			labels[attr["for"]] = true
		case "input", "select", "textarea":
			if attr["type"] != "hidden" && attr["type"] != "checkbox" {
				fields = append(fields, attr["id"])
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: id %q stands %d times", name, id, n)
		}
	}
	for _, id := range fields {
		if !labels[id] {
			t.Errorf("%s: the field %q has no label", name, id)
		}
	}
	for _, m := range regexp.MustCompile(`aria-describedby="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		for id := range strings.FieldsSeq(m[1]) {
			if ids[id] == 0 {
				t.Errorf("%s: aria-describedby names %q, which is not there", name, id)
			}
		}
	}
}

func attributes(n *html.Node) map[string]string {
	attr := make(map[string]string, len(n.Attr))
	for _, a := range n.Attr {
		attr[a.Key] = a.Val
	}
	return attr
}
