package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"signpost/store/brand"
	"signpost/store/lang"
)

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
	cfg.Brand = brand.Brand{Accent: "#7a1f5c", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}
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

func TestABrandThatCannotBeShownIsNoConfiguration(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.Brand = brand.Brand{Accent: "#ffcc00"}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "brand: #ffcc00 stands out") {
		t.Errorf("it says %v", err)
	}
}
