package main

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/cookiejar"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/sandbox"
	"signpost/store"
)

// colleague is one of the demo's staff at the desk, as a program would be.
type colleague struct {
	t      *testing.T
	url    string
	client *http.Client
}

// signIn signs somebody in.
func (d *demo) signIn(t *testing.T, email string) *colleague {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &colleague{t: t, url: d.url(), client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	resp, err := c.client.PostForm(c.url+"/sign-in", url.Values{"email": {email}, "password": {demoPassword}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != "/desk" {
		t.Fatalf("signing in: %s to %q, want 303 to /desk", resp.Status, got)
	}
	return c
}

// do asks for JSON and returns the status and the answer.
func (c *colleague) do(method, path string, form url.Values) (int, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		c.t.Fatalf("%s %s: %s, and no JSON: %v", method, path, resp.Status, err)
	}
	return resp.StatusCode, answer
}

// plain is the text part of a mail.
func plain(t *testing.T, raw []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	var body io.Reader = part
	if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(part)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}

func header(t *testing.T, raw []byte, name string) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get(name)
}

// TestAnAgentAnswersInTheThread is the desk's job from end to end: a partner writes, an
// agent answers, and the answer arrives in the thread of the confirmation.
func TestAnAgentAnswersInTheThread(t *testing.T) {
	t.Parallel()
	var at0 time.Duration
	d := startDemoAs(t, func(c *config.Config) { c.SetUndo(&at0) })
	const partner = "ana@example.net"
	status, opened := contact(t, d.url(), request(partner, "US"), nil)
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, opened)
	}
	number := opened["number"].(string)
	path := "/desk/tickets/" + number
	confirmation := d.await(t, partner, anyMail)
	agent, lee := d.signIn(t, "agent@example.com"), d.signIn(t, "lee@example.com")

	status, list := agent.do("GET", "/desk/tickets?view=unassigned", nil)
	items, _ := list["items"].([]any)
	counts, _ := list["counts"].(map[string]any)
	if status != http.StatusOK || len(items) != 1 || items[0].(map[string]any)["number"] != number ||
		counts["unassigned"] != 1.0 {
		t.Fatalf("the list: %d %v", status, list)
	}
	status, ticket := agent.do("GET", path, nil)
	if status != http.StatusOK || ticket["version"] != 1.0 || ticket["status"] != "open" {
		t.Fatalf("the ticket: %d %v", status, ticket)
	}

	words := url.Values{"body": {"Please try **once more** tonight."}, "then": {"pending"}, "version": {"1"}}
	status, seen := agent.do("POST", path+"/preview", words)
	if status != http.StatusOK {
		t.Fatalf("the preview: %d %v", status, seen)
	}
	status, written := agent.do("POST", path+"/reply", words)
	if status != http.StatusCreated || written["seq"] != 2.0 || written["undo"] != "" {
		t.Fatalf("the reply: %d %v", status, written)
	}
	reply := d.await(t, partner, func(m sandbox.Mail) bool { return bytes.Contains(m.Raw, []byte("once more")) })
	if text := plain(t, reply.Raw); !strings.HasPrefix(text, "Please try once more tonight.\n") ||
		strings.Contains(text, "first thousand orders") {
		t.Errorf("the words must come first, and nothing of the thread goes to an address that is not proven:\n%s", text)
	}
	if seen["text"] != plain(t, reply.Raw) || seen["to"] != partner {
		t.Errorf("the mail is not what the preview showed: %q", seen["text"])
	}
	if !bytes.Contains(reply.Raw, []byte("<strong>once more</strong>")) || header(t, reply.Raw, "Auto-Submitted") != "" {
		t.Errorf("the mail:\n%s", reply.Raw)
	}
	first := header(t, confirmation.Raw, "Message-ID")
	if header(t, reply.Raw, "In-Reply-To") != first || !strings.Contains(header(t, reply.Raw, "References"), first) ||
		header(t, reply.Raw, "Subject") != header(t, confirmation.Raw, "Subject") {
		t.Errorf("the reply does not thread under the confirmation:\n%s", reply.Raw)
	}

	status, stale := lee.do("POST", path+"/reply", words)
	newer, _ := stale["newer"].([]any)
	if status != http.StatusConflict || len(newer) != 1 || newer[0].(map[string]any)["seq"] != 2.0 {
		t.Fatalf("a reply without the newest: %d %v", status, stale)
	}
	comesAbout(t, func() bool {
		_, ticket = lee.do("GET", path, nil)
		entries := ticket["entries"].([]any)
		return entries[1].(map[string]any)["delivery"].(map[string]any)["state"] == "sent"
	})
	promise := ticket["promise"].(map[string]any)
	if ticket["status"] != "pending" || ticket["assignee"] != "agent@example.com" || promise["paused"] != true {
		t.Errorf("after the reply: %v", ticket)
	}
}

// TestAReplyIsTakenBack: its text is a draft again, the ticket as it was, and nothing left.
func TestAReplyIsTakenBack(t *testing.T) {
	t.Parallel()
	wait := store.MaxUndo
	d := startDemoAs(t, func(c *config.Config) { c.SetUndo(&wait) })
	_, opened := contact(t, d.url(), request("bo@example.net", "DE"), nil)
	path := "/desk/tickets/" + opened["number"].(string)
	agent, lee := d.signIn(t, "agent@example.com"), d.signIn(t, "lee@example.com")
	words := url.Values{"body": {"Too early."}, "then": {"solved"}, "version": {"1"}}
	status, written := agent.do("POST", path+"/reply", words)
	id, _ := written["undo"].(string)
	until, err := time.Parse(time.RFC3339, written["until"].(string))
	if status != http.StatusCreated || id == "" || err != nil || time.Until(until) > wait {
		t.Fatalf("the reply: %d %v", status, written)
	}
	if status, _ := lee.do("POST", path+"/undo", url.Values{"id": {id}}); status != http.StatusForbidden {
		t.Errorf("a colleague takes it back: %d", status)
	}
	status, ticket := agent.do("POST", path+"/undo", url.Values{"id": {id}})
	asBefore := ticket["status"] == "open" && ticket["assignee"] == "" && ticket["version"] == 1.0
	if entries := ticket["entries"].([]any); status != http.StatusOK || !asBefore || len(entries) != 1 {
		t.Errorf("taken back: %d %v", status, ticket)
	}
	resp, err := agent.client.Get(d.url() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if page, _ := io.ReadAll(resp.Body); !bytes.Contains(page, []byte("\nToo early.</textarea>")) {
		t.Errorf("the text is no draft again:\n%.4000s", page)
	}
	if status, _ := agent.do("POST", path+"/undo", url.Values{"id": {id}}); status != http.StatusConflict {
		t.Errorf("taken back twice: %d", status)
	}
}
