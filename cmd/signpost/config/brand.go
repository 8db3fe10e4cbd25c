package config

import (
	"fmt"
	"io"
	"os"

	"signpost/store/brand"
)

// Brand is how pages and mails look, where not like ours. Your name is service.product.
type Brand struct {
	Accent string `toml:"accent"`
	Logo   string `toml:"logo"` // a file

	logo []byte // what it holds
}

// brand checks the colour and reads the logo.
func (c *collector) brand(b *Brand) {
	if err := brand.CheckAccent(b.Accent); err != nil {
		c.add("brand.accent", err.Error(), "Write a darker colour as \"#rrggbb\", or leave it empty for a deep teal.")
	}
	if b.Logo == "" {
		return
	}
	raw, err := readLogo(b.Logo)
	if err != nil {
		c.add("brand.logo", err.Error(), "Name an SVG, PNG or JPEG file of at most 100 KiB that Signpost may read.")
		return
	}
	b.logo = raw
}

// readLogo reads a file no further than tells that it is too long.
func readLogo(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, brand.MaxLogo+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > brand.MaxLogo:
		return nil, fmt.Errorf("it has more than the %d bytes that a logo may have", brand.MaxLogo)
	}
	return raw, brand.CheckLogo(raw)
}

// Look is what pages and mails wear.
func (c Config) Look() brand.Brand { return brand.Brand{Accent: c.Brand.Accent, Logo: c.Brand.logo} }
