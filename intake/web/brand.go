package web

import (
	"fmt"

	"signpost/store/brand"
)

// logoFile names the static file of a logo by what it holds; "" for none.
func logoFile(raw []byte) string {
	if ext := brand.LogoExt(raw); ext != "" {
		return "logo." + ext
	}
	return ""
}

// add makes the static files of a brand that is not ours.
func (a *assets) add(b brand.Brand) {
	if b.Logo != nil {
		name := logoFile(b.Logo)
		mediaType, _ := kind(name)
		a.files["web/"+name] = asset{kind: mediaType, body: b.Logo, gzip: a.compress(b.Logo)}
	}
	if b.Accent != "" {
		body := []byte(style(b.Accent))
		a.files["web/brand.css"] = asset{kind: "text/css; charset=utf-8", body: body, gzip: a.compress(body)}
	}
}

// style is the stylesheet that replaces the accent of web.css.
func style(accent string) string {
	light, dark := brand.Schemes(accent)
	day, night := tokens(light), tokens(dark)
	return ":root {" + day + "}\n" +
		"@media screen { [data-theme=\"dark\"] {" + night + "} }\n" +
		"@media screen and (prefers-color-scheme: dark) { :root:not([data-theme]) {" + night + "} }\n"
}

func tokens(s brand.Scheme) string {
	return fmt.Sprintf(" --accent: %s; --accent-deep: %s; --accent-soft: %s; --on-accent: %s; ",
		s.Accent, s.Deep, s.Soft, s.On)
}
