package config

import (
	"os"

	"signpost/intake/web"
)

// Brand is how the pages look, where not like ours.
type Brand struct {
	Accent string `toml:"accent"`
	Logo   string `toml:"logo"` // a file

	logo []byte // what it holds
}

// brand checks the colour and reads the logo.
func (c *collector) brand(b *Brand) {
	if err := web.CheckAccent(b.Accent); err != nil {
		c.add("brand.accent", err.Error(), "")
	}
	if b.Logo == "" {
		return
	}
	raw, err := os.ReadFile(b.Logo)
	if err == nil {
		err = web.CheckLogo(raw)
	}
	if err != nil {
		c.add("brand.logo", err.Error(), "Name an SVG or PNG file of at most 64 KiB that Signpost may read.")
	}
	b.logo = raw
}
