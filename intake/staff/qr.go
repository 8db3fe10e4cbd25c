package staff

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// quietZone is the empty edge around a QR code, in modules (ISO/IEC 18004 section 9.1).
const quietZone = 4

// qrCode draws a text as a QR code in SVG, a path of the dark modules on white: readers
// want dark on light, whatever colours the page has.
func qrCode(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	var dark strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&dark, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, x-from, x-from)
			}
		}
	}
	size := code.Size + 2*quietZone
	// Safe: numbers alone stand in it.
	return template.HTML(fmt.Sprintf(`<svg class="door-qr" viewBox="0 0 %[1]d %[1]d" role="img" `+
		`aria-label="QR code of the secret" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/>`+
		`<path fill="#000" d="%[2]s"/></svg>`, size, dark.String())), nil
}
