package doctor

import (
	"signpost/cmd/signpost/config"
	"signpost/store/brand"
)

// checkLook says how pages and mails look; what cannot be read or drawn is a fault of the
// configuration, with its line, before anything is examined.
func checkLook(cfg config.Config, r *report) {
	const heading = "Look of pages and mails"
	look := cfg.Look()
	if look.Accent != "" {
		day, night := brand.Contrasts(look.Accent)
		r.good(heading, "brand.accent %s stands out from pages and mails: %.1f to 1, and %.1f to 1 on dark screens",
			look.Accent, day, night)
	}
	if look.Logo == nil {
		return
	}
	p, mailed := brand.PictureOf(look.Logo)
	if !mailed {
		r.warn(heading, "brand.logo %s is on pages alone: few mail programs draw SVG\n"+
			"Name a PNG or JPEG file of at most 100 KiB to have it in mails too.", cfg.Brand.Logo)
		return
	}
	r.good(heading, "brand.logo %s is on pages and in mails: %s of %d x %d", cfg.Brand.Logo, p.Type, p.Width, p.Height)
}
