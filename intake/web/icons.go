package web

import (
	"fmt"
	"html/template"
)

// strokes are the drawings, each the inside of a 20 by 20 SVG.
var strokes = map[string]string{
	"envelope": `<rect x="2.5" y="4.5" width="15" height="11" rx="1.5"/><path d="m3 6 7 5 7-5"/>`,
	"clip":     `<path d="m14.5 8.5-5.6 5.6a2.1 2.1 0 0 1-3-3l6-6a3.5 3.5 0 0 1 5 5l-6.2 6.2a5 5 0 0 1-7-7L9.2 3.8"/>`,
	"clock":    `<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>`,
	"check":    `<path d="m4 10.5 4 4 8-9"/>`,
	"cross":    `<path d="m5 5 10 10M15 5 5 15"/>`,
	"warning":  `<path d="M10 3 2.5 16.5h15zM10 8v4M10 14.3v.2"/>`,
	"arrow":    `<path d="M3 10h13m-5-5 5 5-5 5"/>`,
	"up":       `<path d="M10 16.5v-13m-5 5 5-5 5 5"/>`,
	"down":     `<path d="M10 3.5v13m5-5-5 5-5-5"/>`,
	"download": `<path d="M10 3v9m-4-4 4 4 4-4M3.5 16.5h13"/>`,
	"globe":    `<circle cx="10" cy="10" r="7.5"/><path d="M2.5 10h15M10 2.5c5 5 5 10 0 15-5-5-5-10 0-15"/>`,
	"pen":      `<path d="m3.5 16.5 1-4L13.5 3.5l3 3-9 9z"/>`,
	"sign":     `<path d="M10 2.5v15M5 4.5h9l2.5 2-2.5 2H5zM6.5 17.5h7"/>`,
	"chart":    `<path d="M3 16.5h14M5.5 13.5v-4M10 13.5v-9M14.5 13.5v-6"/>`,
	"search":   `<circle cx="8.5" cy="8.5" r="5.5"/><path d="m12.5 12.5 4.5 4.5"/>`,
	"menu":     `<path d="M3 5.5h14M3 10h14M3 14.5h14"/>`,
	"sliders":  `<path d="M3 6h8m4 0h2M3 14h2m4 0h8"/><circle cx="13" cy="6" r="2"/><circle cx="7" cy="14" r="2"/>`,
	"out":      `<path d="M11.5 3.5h-7v13h7M8.5 10H17m-3-3 3 3-3 3"/>`,
	"inbox":    `<path d="m3 11 2.5-6.5h9L17 11v5H3zM3 11h4l1.5 2h3L13 11h4"/>`,
	"send":     `<path d="M17 3 2.5 9l6 2.5zm0 0-5.5 14-3-5.5z"/>`,
	"heart":    `<path d="M2.5 10h4l2-5 3 10 2-5h4"/>`,
	"pause":    `<circle cx="10" cy="10" r="7.5"/><path d="M8 7v6M12 7v6"/>`,
	"bell":     `<path d="M4.5 14h11l-1.5-2V8.5a4 4 0 0 0-8 0V12zM8.5 16.5h3"/>`,
	"key":      `<circle cx="6.5" cy="13.5" r="3.5"/><path d="M9 11 17 3m-4.5 4.5 3 3M15 5l2 2"/>`,
	"person":   `<circle cx="10" cy="6.5" r="3.5"/><path d="M3.5 17c0-3.5 2.9-5.5 6.5-5.5s6.5 2 6.5 5.5"/>`,
	"people": `<circle cx="7.5" cy="7" r="3"/><path d="M2 16.5c0-3 2.4-5 5.5-5s5.5 2 5.5 5` +
		`M13 4.3a3 3 0 0 1 0 5.4M15 12c2 .6 3 2.2 3 4.5"/>`,
	"list":  `<path d="M7 5.5h10M7 10h10M7 14.5h10M3 5.5h.5M3 10h.5M3 14.5h.5"/>`,
	"note":  `<path d="M3.5 3.5h13v9l-4 4h-9zM16.5 12.5h-4v4M6.5 7h7M6.5 10h4"/>`,
	"reply": `<path d="m8 4.5-5 5 5 5v-3c4 0 7 1 9 4 0-5-3-9-9-9z"/>`,
	"tag":   `<path d="M3 3.5h7l7 7-6.5 6.5-7.5-7zM6.5 7v.1"/>`,
	"flag":  `<path d="M5 17.5v-14h10l-2 3.5 2 3.5H5"/>`,
	"undo":  `<path d="M4 4.5v4.5h4.5M4.5 8.5A6.5 6.5 0 1 1 4 12.5"/>`,
	"dots":  `<path d="M4.5 10h.1M10 10h.1M15.5 10h.1" stroke-width="2.5"/>`,
	"eye": `<path d="M2 10c2-3.5 4.7-5.5 8-5.5s6 2 8 5.5c-2 3.5-4.7 5.5-8 5.5s-6-2-8-5.5z"/>` +
		`<circle cx="10" cy="10" r="2.5"/>`,
	"envelope-cross": `<path d="M17.5 10V6a1.5 1.5 0 0 0-1.5-1.5H4A1.5 1.5 0 0 0 2.5 6v8A1.5 1.5 0 0 0 4 15.5h7` +
		`M3 6l7 5 7-5M14 13l4 4m0-4-4 4"/>`,
}

// icon draws one; an error for a name that is none of them.
func icon(name string) (template.HTML, error) {
	drawn, known := strokes[name]
	if !known {
		return "", fmt.Errorf("no icon is called %q", name)
	}
	const begin = `<svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" ` +
		`stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">`
	return template.HTML(begin + drawn + `</svg>`), nil // safe: both are constants of this file
}
