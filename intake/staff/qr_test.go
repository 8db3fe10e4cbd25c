package staff

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"signpost/intake/staff/stafftest"
)

func TestAQRCodeHoldsTheLinkToTheSecret(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"S", "Signpost", "Example Partner Support", "Długa nazwa pomocy dla partnerów"} {
		link := secretLink(issuer, "agent.with.a.long.name@example.com", newSecret())
		svg, err := qrCode(link)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := stafftest.ReadQR(string(svg)); err != nil || got != link {
			t.Errorf("%d bytes: read %q, %v, want %q", len(link), got, err, link)
		}
	}
}

// TestTheCodeOnThePageIsThatOfItsForm: what the camera reads is what the form sends back.
func TestTheCodeOnThePageIsThatOfItsForm(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	b.signIn(ana, password, "")
	page := b.get("/account").Body.String()
	_, drawing, _ := strings.Cut(page, `class="door-qr"`)
	link, err := stafftest.ReadQR(drawing)
	if err != nil {
		t.Fatal(err)
	}
	typed := regexp.MustCompile(`name="secret" value="([^"]+)"`).FindStringSubmatch(page)[1]
	secret, _ := readSecret(html.UnescapeString(typed))
	if want := secretLink(b.door.cfg.Issuer, ana, secret); link != want {
		t.Errorf("the code says %q, the form has %q", link, want)
	}
}
