package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"signpost/cmd/signpost/config/configtest"
	"signpost/store"
)

// signIn signs a browser in and returns the page it ends on.
func signIn(t *testing.T, base, email, password string) (*http.Client, *http.Response, string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.PostForm(base+"/sign-in", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return browser, resp, string(page)
}

func TestTheDemosStaffSignIn(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	var said bytes.Buffer
	d.welcome(&said)
	if !strings.Contains(said.String(),
		"/sign-in     password demo\n                  agent@example.com    agent, lead, ops\n") {
		t.Errorf("the demo says:\n%s", said.String())
	}
	if _, resp, _ := signIn(t, d.url(), "agent@example.com", "wrong"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password: %s", resp.Status)
	}
	for _, n := range demoStaff {
		browser, resp, _ := signIn(t, d.url(), n.Email, "demo")
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("signing in as %s: %s", n.Email, resp.Status)
		}
		account, err := browser.Get(d.url() + "/account")
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(account.Body)
		account.Body.Close()
		for _, role := range n.Roles {
			if !strings.Contains(string(page), `<span class="badge teal">`+string(role)) {
				t.Errorf("%s lacks the role %s", n.Email, role)
			}
		}
	}
}

// TestAgentsAreAddedListedAndDisabled types the commands beside a service that
// runs and, since it is the same folder, after it has ended.
func TestAgentsAreAddedListedAndDisabled(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "signpost.toml")
	if code, _, errs := typed(t, nil, "init", file); code != 0 {
		t.Fatal(errs)
	}
	environ := append(configtest.Secrets(), "SIGNPOST_SERVICE__DATA="+filepath.Join(folder, "data"))
	agent := func(input string, args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(&environment{args: append([]string{"agent"}, append(args, "--config", file)...), environ: environ,
			stdin: strings.NewReader(input), stdout: &out, stderr: &errs})
		return code, out.String() + errs.String()
	}
	for _, c := range []struct {
		input string
		args  []string
		code  int
		says  string
	}{
		{"", []string{"add", "ana@desk.example", "--name", "Ana", "--role", "ops,agent"}, 0, "Password: "},
		{"", []string{"add", "ANA@desk.example"}, 1, "--update"},
		{"a long password\n", []string{"add", "bob@desk.example", "--password-stdin"}, 0,
			"bob@desk.example may sign in as agent.\nThe pages at /ops are for the role ops: --update --role agent,ops " +
				"gives it, with a new password.\n"},
		{"short\n", []string{"add", "eve@desk.example", "--password-stdin"}, 1, "at least 10 characters"},
		{"", []string{"add", "no address"}, 1, "no mail address"},
		{"", []string{"add", `"a@b"@c.example`}, 1, "more than one @"},
		{"", []string{"add", "victim%third@relay.example"}, 1, "through another server"},
		{"", []string{"add", "a!b@relay.example"}, 1, "through another server"},
		{"", []string{"add", "eve@desk.example", "--role", "king"}, 2, "king"},
		{"", []string{"list"}, 0, "ana@desk.example  agent, ops  all regions  password  Ana\n" +
			"bob@desk.example  agent       all regions  password  \n"},
		{"", []string{"add", "cy@desk.example", "--role", "lead", "--region", "uk"}, 1, "there is no [region.uk]"},
		{"", []string{"add", "cy@desk.example", "--role", "lead", "--region", "us"}, 0, "as lead"},
		{"", []string{"list"}, 0, "cy@desk.example   lead        us           password"},
		{"", []string{"add", "cy@desk.example", "--update", "--role", "agent"}, 0, "as agent"},
		{"", []string{"list"}, 0, "cy@desk.example   agent       us           password"},
		{"", []string{"add", "cy@desk.example", "--update", "--region", "all"}, 0, "as agent"},
		{"", []string{"list", "--json"}, 0, `"email":"cy@desk.example","name":"","roles":["agent"],"regions":[]`},
		{"", []string{"disable", "BOB@desk.example"}, 0, "bob@desk.example may no longer sign in"},
		{"", []string{"disable", "eve@desk.example"}, 1, "nobody signs in with eve@desk.example"},
		{"", []string{"list", "--json"}, 0, `"disabled":true`},
		{"", []string{"add", "bob@desk.example", "--update", "--role", "admin"}, 0, "as admin"},
		{"", []string{"list"}, 0, "bob@desk.example  admin       all regions  password"},
		{"", []string{"add", "dee@desk.example", "--invite", "--password-stdin"}, 2, "can't be used together"},
		{"", []string{"add", "dee@desk.example", "--invite"}, 0, "An invitation is on its way to dee@desk.example. Its " +
			"link works once, within 72 hours.\n"},
		{"", []string{"list"}, 0, "dee@desk.example  agent       all regions  invited"},
	} {
		if code, said := agent(c.input, c.args...); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("agent %v: %d %q", c.args, code, said)
		}
	}
}

// TestTheSocketCarriesAgents speaks to a service that runs.
func TestTheSocketCarriesAgents(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	control, ok := dialControl(d.app.cfg.Service.Data)
	if !ok {
		t.Fatal("no service answers")
	}
	req := agentRequest{Email: "ana@desk.example", Roles: nil,
		Hash: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"}
	if _, err := control.AddAgent(t.Context(), store.ByCommandLine("a test"), req); err != nil {
		t.Fatal(err)
	}
	if all, err := control.Agents(t.Context()); err != nil || len(all) != 5 || all[4].Email != "ana@desk.example" {
		t.Errorf("%+v, %v", all, err)
	}
	browser, resp, _ := signIn(t, d.url(), "ana@desk.example", "password")
	if resp.Request.URL.Path != "/account" {
		t.Errorf("signed in at %s", resp.Request.URL)
	}
	if _, err := control.DisableAgent(t.Context(), store.ByCommandLine("a test"), "ana@desk.example"); err != nil {
		t.Fatal(err)
	}
	if resp, err := browser.Get(d.url() + "/account"); err != nil || resp.Request.URL.Path != "/sign-in" {
		t.Errorf("a disabled agent is at %v, %v", resp.Request.URL, err)
	}
}
