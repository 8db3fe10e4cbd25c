package web

import "html/template"

// strokes are the drawings, each the inside of a 20 by 20 SVG.
func strokes(name string) string {
	switch name {
	case "envelope":
		return `<rect x="2.5" y="4.5" width="15" height="11" rx="1.5"/><path d="m3 6 7 5 7-5"/>`
	case "clip":
		return `<path d="m14.5 8.5-5.6 5.6a2.1 2.1 0 0 1-3-3l6-6a3.5 3.5 0 0 1 5 5l-6.2 6.2a5 5 0 0 1-7-7L9.2 3.8"/>`
	case "clock":
		return `<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>`
	case "check":
		return `<path d="m4 10.5 4 4 8-9"/>`
	case "cross":
		return `<path d="m5 5 10 10M15 5 5 15"/>`
	case "warning":
		return `<path d="M10 3 2.5 16.5h15zM10 8v4M10 14.3v.2"/>`
	case "arrow":
		return `<path d="M3 10h13m-5-5 5 5-5 5"/>`
	case "download":
		return `<path d="M10 3v9m-4-4 4 4 4-4M3.5 16.5h13"/>`
	case "globe":
		return `<circle cx="10" cy="10" r="7.5"/><path d="M2.5 10h15M10 2.5c5 5 5 10 0 15-5-5-5-10 0-15"/>`
	case "pen":
		return `<path d="m3.5 16.5 1-4L13.5 3.5l3 3-9 9z"/>`
	case "sign":
		return `<path d="M10 2.5v15M5 4.5h9l2.5 2-2.5 2H5zM6.5 17.5h7"/>`
	case "chart":
		return `<path d="M3 16.5h14M5.5 13.5v-4M10 13.5v-9M14.5 13.5v-6"/>`
	case "search":
		return `<circle cx="8.5" cy="8.5" r="5.5"/><path d="m12.5 12.5 4.5 4.5"/>`
	}
	return ""
}

func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" ` +
		`stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">` + strokes(name) + `</svg>`)
}
