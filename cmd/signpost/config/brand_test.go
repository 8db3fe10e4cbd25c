package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The logo is read at the start, and an accent that could not be read on the page is
// refused there with one that can.
func TestABrandIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	logo := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(logo, []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("[brand]\naccent = \"#7a1f5c\"\nlogo = %q\n", logo)
	cfg, err := Parse("f.toml", []byte(file), nil)
	if err != nil && strings.Contains(err.Error(), "brand") {
		t.Error(err)
	}
	if brand := cfg.ForWeb().Brand; brand.Accent != "#7a1f5c" || !strings.HasPrefix(string(brand.Logo), "<svg") {
		t.Errorf("the pages get %+v", brand)
	}
	_, err = Parse("f.toml", []byte("[brand]\naccent = \"#ffcc00\"\nlogo = \"/none/logo.svg\"\n"), nil)
	for _, want := range []string{
		"f.toml:2: brand.accent: #ffcc00 stands out", "is the nearest darker one", "f.toml:3: brand.logo: ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
