package compose

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"strings"
	"testing"

	"signpost/store"
	"signpost/store/brand"
)

// branded is an installation with an accent and a logo of its own.
func branded(t testing.TB) *Composer {
	t.Helper()
	logo, err := os.ReadFile("testdata/logo.png")
	if err != nil {
		t.Fatal(err)
	}
	return composer(t, func(c *Config) { c.Brand = brand.Brand{Accent: "#7a1f5c", Logo: logo} })
}

// A mail with a logo stands in testdata as it leaves, byte for byte.
func TestMailsWithALogoLeaveAsKept(t *testing.T) {
	t.Parallel()
	c := branded(t)
	checkKept(t, "confirmation.logo.en", mustCompose(t, c, confirmationRow("en")))
	checkKept(t, "confirmation.logo.ar", mustCompose(t, c, confirmationRow("ar")))
	checkKept(t, "reply.logo.en", mustReply(t, c, replyRow("en"), replyWords()))
}

// leaf is one part of a mail that holds no further ones.
type leaf struct {
	within    string // the kinds of the parts that it stands in, outermost first
	mediaType string
	id        string
	body      string // decoded where it is base64
}

func leaves(t *testing.T, within string, header func(string) string, body io.Reader) (all []leaf) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(mediaType, "multipart/") {
		if header("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return []leaf{{within, mediaType, header("Content-Id"), string(raw)}}
	}
	if mediaType == "multipart/related" && params["type"] != "text/html" {
		t.Errorf("the type of its root is %q", params["type"])
	}
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leaves(t, within+strings.TrimPrefix(mediaType, "multipart/")+" ", part.Header.Get, part)...)
	}
}

func leavesOf(t *testing.T, m Message) []leaf {
	t.Helper()
	read, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	return leaves(t, "", read.Header.Get, read.Body)
}

// The logo stands beside the HTML within the alternative, so that who reads the text has a
// mail without files; the text is that of a mail without a logo.
func TestTheLogoGoesAlongWithTheHTMLAlone(t *testing.T) {
	t.Parallel()
	c, bare := branded(t), composer(t)
	words := replyWords()
	words.Attached = []Attachment{{File: store.File{Name: "a.txt", Type: "text/plain"}}}
	for within, m := range map[string][2]Message{
		"alternative ":       {mustCompose(t, c, solvedRow("es")), mustCompose(t, bare, solvedRow("es"))},
		"mixed alternative ": {mustReply(t, c, replyRow("ar"), words), mustReply(t, bare, replyRow("ar"), words)},
	} {
		parts, without := leavesOf(t, m[0]), leavesOf(t, m[1])
		if parts[0] != without[0] || parts[0].within != within || parts[0].mediaType != "text/plain" {
			t.Errorf("the text is %+v, and was %+v", parts[0], without[0])
		}
		html, logo := parts[1], parts[2]
		if html.within != within+"related " || html.mediaType != "text/html" || logo.within != html.within {
			t.Errorf("the HTML stands in %s, the logo in %s", html.within, logo.within)
		}
		if logo.mediaType != "image/png" || logo.body != string(c.config.Brand.Logo) {
			t.Errorf("the logo is %s of %d bytes", logo.mediaType, len(logo.body))
		}
		page := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(html.body)
		for _, want := range []string{
			`src="cid:` + strings.Trim(logo.id, "<>") + `"`, `width="120" height="40"`, `alt="Partner Support, United States"`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the HTML lacks %s", want)
			}
		}
		if strings.Contains(page, `src="http`) || len(html.body)+len(parts[0].body) > 100<<10 {
			t.Errorf("the HTML loads from elsewhere, or has %d bytes", len(html.body))
		}
	}
}

// The answer to a stray mail goes to a stranger and stays small; SVG is drawn by pages alone.
func TestSomeMailsShowNoLogo(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]Message{
		"auto-response": mustCompose(t, branded(t), autoResponseRow("en")),
		"svg": mustCompose(t, composer(t, func(c *Config) {
			c.Brand.Logo = []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
		}), confirmationRow("en")),
	} {
		if parts := leavesOf(t, m); len(parts) != 2 || strings.Contains(parts[1].body, "cid:") {
			t.Errorf("%s: %d parts", name, len(parts))
		}
	}
}

// No mail keeps our colour where the brand has another.
func TestTheAccentIsTheBrands(t *testing.T) {
	t.Parallel()
	c := branded(t)
	mails := []Message{mustReply(t, c, replyRow("en"), replyWords())}
	for _, row := range []store.Outbound{
		confirmationRow("en"), linksRow("en", 3), solvedRow("en"), invitationRow("en"), promiseRow("en"),
		autoResponseRow("en"),
	} {
		mails = append(mails, mustCompose(t, c, row))
	}
	for _, m := range mails {
		page := strings.ReplaceAll(leavesOf(t, m)[1].body, "=\r\n", "")
		for _, ours := range []string{"#0f5e5b", "#82cdc7", "#10211f"} {
			if strings.Contains(page, ours) {
				t.Errorf("%s holds our %s", m.ID, ours)
			}
		}
		if !strings.Contains(page, "#7a1f5c") {
			t.Errorf("%s lacks the accent", m.ID)
		}
	}
	conf := config(t)
	conf.Brand.Accent = "#ffcc00"
	if _, err := New(conf, ring(t), c.texts); err == nil {
		t.Error("an accent that cannot be read is taken")
	}
}

func TestALogoIsShownWithinItsBox(t *testing.T) {
	t.Parallel()
	for _, c := range [][4]int{
		{120, 40, 120, 40}, {240, 80, 120, 40}, {24, 24, 24, 24}, {4000, 100, 240, 6}, {1, 5000, 1, 40}, {9000, 1, 240, 1},
	} {
		if w, h := within(c[0], c[1]); w != c[2] || h != c[3] {
			t.Errorf("%d x %d is shown as %d x %d", c[0], c[1], w, h)
		}
	}
}
