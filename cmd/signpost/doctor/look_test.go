package doctor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signpost/cmd/signpost/config"
)

// The check says what the brand comes to, and that mails go without a logo that their
// programs do not draw.
func TestTheCheckSaysHowPagesAndMailsLook(t *testing.T) {
	t.Parallel()
	png, err := os.ReadFile("../../../mail/compose/testdata/logo.png")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want []string
	}{
		"logo.png": {png, []string{
			"ok    brand.accent #7a1f5c stands out", "dark screens", "in mails: image/png of 240 x 80",
		}},
		"logo.svg": {[]byte("<svg/>"), []string{"note  brand.logo", "on pages alone", "Name a PNG or JPEG"}},
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		// The rest of the file is missing, which is no matter here.
		cfg, _ := config.Parse("f.toml", fmt.Appendf(nil, "[brand]\naccent = \"#7a1f5c\"\nlogo = %q\n", file), nil)
		var out bytes.Buffer
		checkLook(cfg, &report{out: &out})
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: it lacks %q:\n%s", name, want, &out)
			}
		}
	}
}
