//go:build e2e

package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"signpost/intake/staff/stafftest"
)

// withAuthenticator gives the browser's page a device that keeps passkeys and knows its
// owner.
func withAuthenticator(t *testing.T, ctx context.Context) (id webauthn.AuthenticatorID) {
	t.Helper()
	err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		if err := webauthn.Enable().Do(ctx); err != nil {
			return err
		}
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// named is a demo's address by name: a passkey belongs to no number.
func (d *demoProcess) named() string { return strings.Replace(d.URL, "127.0.0.1", "localhost", 1) }

// shows waits until the page has an element.
func (k keyboard) shows(selector string) {
	k.t.Helper()
	k.says("the page shows "+selector, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
}

func (k keyboard) goTo(address string) {
	k.t.Helper()
	if err := chromedp.Run(k.ctx, chromedp.Navigate(address)); err != nil {
		k.t.Fatal(err)
	}
}

// textOf is what elements of the page say.
func (k keyboard) textOf(selector string) (all []string) {
	k.t.Helper()
	ask := fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText.trim())`, selector)
	if err := chromedp.Run(k.ctx, chromedp.Evaluate(ask, &all)); err != nil {
		k.t.Fatal(err)
	}
	return all
}

// TestE2EPasskey: by the keyboard alone an agent adds a passkey, signs in with it, loses
// it, comes in with a password, and removes it; then it opens nothing.
func TestE2EPasskey(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 1, 1)
	base, axe := d.named(), string(mustRead(t, axePath(t)))
	k := keyboard{t, openBrowser(t)}
	device := withAuthenticator(t, k.ctx)
	signInAt(t, k.ctx, base, demoAgent, demoPassword)
	k.goTo(base + "/account")
	k.to("input", "Name (optional)")
	k.press("Laptop")
	k.to("button", "Add a passkey")
	k.enter("From now on it signs you in by itself.")
	if codes := k.textOf(".door-codes code"); len(codes) != 10 {
		t.Errorf("%d recovery codes are shown", len(codes))
	}
	for _, width := range []int64{360, 1280} {
		lookWithAxe(t, k.ctx, axe, base+"/account/prove?next=/account", width)
	}
	k.shows(`form[data-passkey="get"] button`)
	k.to("button", "Confirm with a passkey")
	k.press(kb.Enter)
	k.says("the session is proved", `location.pathname === "/account" && document.readyState === "complete"`)
	lookAsItStands(t, k.ctx, axe, "the account with a passkey")
	k.to("button", "Sign out here")
	k.enter("Staff sign-in")
	k.shows(`form[data-passkey="get"] button`)
	lookAsItStands(t, k.ctx, axe, "the sign-in with a passkey")
	k.to("button", "Sign in with a passkey")
	k.press(kb.Enter)
	k.says("the passkey opens the desk", `location.pathname === "/desk"`)

	// The laptop is gone; another one knows the password.
	other := keyboard{t, openBrowser(t)}
	signInAt(t, other.ctx, base, demoAgent, demoPassword)
	other.goTo(base + "/account")
	other.to("summary", "Remove Laptop")
	other.press(kb.Enter)
	other.to("button", "Remove the passkey")
	other.enter("The passkey is removed.")
	k.goTo(base + "/desk")
	k.says("the lost laptop is signed out", `location.pathname === "/sign-in"`)
	k.shows(`form[data-passkey="get"] button`)
	k.to("button", "Sign in with a passkey")
	k.enter("That did not work. This passkey is not one of an account here")
	lookAsItStands(t, k.ctx, axe, "a passkey that is refused")

	// A device that does not answer leaves the page as it is, with a word.
	err := chromedp.Run(k.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		return webauthn.RemoveVirtualAuthenticator(device).Do(ctx)
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// codeNow is the code that an authenticator shows for the secret of an otpauth link: RFC
// 6238 with SHA-1, steps of 30 seconds, 6 digits.
func codeNow(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" {
		t.Fatalf("the code leads to %q: %v", link, err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30)))
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// TestE2EAuthenticator: a camera reads the secret from the page, its code turns two-step
// sign-in on, and when the phone is lost a recovery code signs in, once.
func TestE2EAuthenticator(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 1, 1)
	k := keyboard{t, openBrowser(t)}
	signInAt(t, k.ctx, d.URL, "lee@example.com", demoPassword)
	k.goTo(d.URL + "/account")
	var drawing string
	if err := chromedp.Run(k.ctx, chromedp.OuterHTML(`.door-qr`, &drawing)); err != nil {
		t.Fatal(err)
	}
	link, err := stafftest.ReadQR(drawing)
	if err != nil {
		t.Fatal(err)
	}
	k.to("input", "Code from the app")
	k.press(codeNow(t, link))
	k.to("button", "Turn on two-step sign-in")
	k.enter("Two-step sign-in is on.")
	codes := k.textOf(".door-codes code")
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes are shown", len(codes))
	}
	lookAsItStands(t, k.ctx, string(mustRead(t, axePath(t))), "the recovery codes")
	for i, want := range []string{"/desk", "/sign-in"} { // the second time it is spent
		lost := keyboard{t, openBrowser(t)}
		lost.goTo(d.URL + "/sign-in")
		lost.to("input", "Email address")
		lost.press("lee@example.com")
		lost.to("input", "Password")
		lost.press(demoPassword)
		lost.to("summary", "Lost your authenticator")
		lost.press(kb.Enter)
		lost.to("input", "Recovery code")
		lost.press(codes[0])
		lost.to("button", "Sign in$")
		lost.press(kb.Enter)
		lost.says(fmt.Sprintf("try %d leads to %s", i+1, want), fmt.Sprintf(
			`location.pathname === %q && (%[1]q === "/desk" || document.body.innerText.includes("That did not work"))`, want))
	}
}

// sandboxLink is the link to a page of ours in the newest mail to an address.
func (d *demoProcess) sandboxLink(t *testing.T, to, page string) (link string) {
	t.Helper()
	ours := regexp.MustCompile(`http[^"\s<]*` + page + `[A-Za-z0-9_-]+`)
	eventually(t, 20*time.Second, "a mail to "+to+" with a link to "+page, func() error {
		list := getPage(t, d.URL+"/sandbox?box="+url.QueryEscape(to))
		mail := regexp.MustCompile(`href="(/sandbox\?box=[^"]*mail=\d+)"`).FindStringSubmatch(list)
		if mail == nil {
			return errors.New("no mail is there")
		}
		link = ours.FindString(getPage(t, d.URL+html.UnescapeString(mail[1])))
		if link == "" {
			return errors.New("the newest mail has no such link")
		}
		return nil
	})
	return link
}

func getPage(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// invites has an admin invite somebody at the command line.
func (d *demoProcess) invites(t *testing.T, email string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "signpost.toml")
	for _, args := range [][]string{
		{"init", config}, {"agent", "add", email, "--invite", "--role", "agent", "--config", config},
	} {
		cmd := exec.Command(buildBinary(t), args...)
		cmd.Env = append(os.Environ(), "SIGNPOST_SERVICE__DATA="+d.Data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestE2EInvitation: an admin invites a colleague by mail, who takes the account over by
// a passkey; a password that is forgotten is chosen anew the same way.
func TestE2EInvitation(t *testing.T) {
	t.Parallel()
	d := startFilledDemo(t, 1, 1)
	axe := string(mustRead(t, axePath(t)))
	k := keyboard{t, openBrowser(t)}
	withAuthenticator(t, k.ctx)
	d.invites(t, "kim@example.com")
	link := strings.Replace(d.sandboxLink(t, "kim@example.com", "/invite/"), "127.0.0.1", "localhost", 1)
	for _, width := range []int64{360, 1280} {
		lookWithAxe(t, k.ctx, axe, link, width)
	}
	k.shows(`form[data-passkey="create"] button`)
	k.to("button", "Use a passkey")
	k.enter("Your passkey is added. Sign in with it.")
	k.to("button", "Sign in with a passkey")
	k.press(kb.Enter)
	k.says("kim is in", `location.pathname === "/desk"`)
	lookWithAxe(t, k.ctx, axe, link, 360) // used
	k.says("the link is used up", `document.body.innerText.includes("This link doesn't work")`)

	k.goTo(d.URL + "/sign-in/forgot")
	k.to("input", "Email address")
	k.press("lee@example.com")
	k.to("button", "Mail me a link")
	k.enter("If lee@example.com has an account here")
	reset := d.sandboxLink(t, "lee@example.com", "/reset/")
	for _, page := range []string{reset, d.URL + "/sign-in/forgot"} {
		lookWithAxe(t, k.ctx, axe, page, 360)
	}
	k.goTo(reset)
	k.to("input", "New password")
	k.press("plums over cold water")
	k.to("button", "Change the password")
	k.enter("Your password is set. Sign in with it.")
	signInAt(t, k.ctx, d.URL, "lee@example.com", "plums over cold water")
}
