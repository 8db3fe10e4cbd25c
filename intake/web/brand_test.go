package web

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"signpost/store/lang"
)

// Whatever accent passes the check, text in it and on it can be read by day and by
// night; what does not pass comes with one near it that does.
func TestAnyAccentThatPassesCanBeRead(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	token := regexp.MustCompile(`--(accent|accent-soft|on-accent): (#[0-9a-f]{6})`)
	for range 2000 {
		n := random.Uint32()
		accent := colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}.String()
		if err := CheckAccent(accent); err != nil {
			better := regexp.MustCompile(`#[0-9a-f]{6} is the nearest`).FindString(err.Error())
			if CheckAccent(strings.TrimSuffix(better, " is the nearest")) != nil {
				t.Errorf("%s: %v", accent, err)
			}
			continue
		}
		for i, line := range strings.Split(strings.TrimSpace(Brand{Accent: accent}.style()), "\n") {
			is := map[string]colour{}
			for _, m := range token.FindAllStringSubmatch(line, -1) {
				is[m[1]], _ = parseColour(m[2])
			}
			grounds := []colour{paper, white, is["accent-soft"], is["on-accent"]}
			if i > 0 {
				grounds = []colour{paperDark, cardDark, is["accent-soft"], is["on-accent"]}
			}
			for _, ground := range grounds {
				if found := contrast(is["accent"], ground); len(is) != 3 || found < leastContrast {
					t.Errorf("%s, line %d: %s on %s stands out by %.2f", accent, i, is["accent"], ground, found)
				}
			}
		}
	}
}

func TestContrastIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#0f5f5c", "#0f5f5c", 1}, {"#ff0000", "#ffffff", 4}} {
		a, _ := parseColour(c.a)
		b, _ := parseColour(c.b)
		if found := contrast(a, b); found < c.want-0.01 || found > c.want+0.01 {
			t.Errorf("%s on %s: %.3f, not %.2f", c.a, c.b, found, c.want)
		}
	}
}

// A brand's pages load its colours and its logo; ours load neither.
func TestAPageWearsItsBrand(t *testing.T) {
	t.Parallel()
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(s *Server, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	cfg := Defaults()
	ours, err := New(cfg, langs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if page := fetch(ours, "/none").Body.String(); strings.Contains(page, "brand.css") || strings.Contains(page, "<img") {
		t.Error("our own pages load a brand")
	}
	cfg.Brand = Brand{Accent: "#7a1f5c", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}
	theirs, err := New(cfg, langs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	page := fetch(theirs, "/none").Body.String()
	for file, want := range map[string]string{"brand.css": "--accent: #7a1f5c", "logo.svg": "<svg"} {
		link := regexp.MustCompile(`"(/static/[0-9a-f]+/web/` + file + `)"`).FindStringSubmatch(page)
		if link == nil {
			t.Errorf("the page does not load %s", file)
		} else if w := fetch(theirs, link[1]); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", file, w.Code, w.Body)
		}
	}
}

func TestABrandThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []Brand{
		{Accent: "teal"}, {Accent: "#12345"}, {Accent: "#ffcc00"}, {Logo: []byte("GIF89a")}, {Logo: []byte{}},
		{Logo: append([]byte("<svg>"), make([]byte, maxLogo)...)},
	} {
		cfg := Defaults()
		cfg.Brand = b
		if cfg.Validate() == nil {
			t.Errorf("%s %.10q is taken", b.Accent, b.Logo)
		}
	}
}
