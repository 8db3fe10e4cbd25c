//go:build e2e || bench

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Who answers at the desk of a service, and the password of both.
const (
	agentEmail    = "agent@example.com"
	otherEmail    = "lee@example.com"
	agentPassword = "every answer finds its partner"
)

// addAgents gives a service that does not run yet two agents, and has every reply wait
// so long for undo.
func (s *service) addAgents(t *testing.T, undo string) {
	t.Helper()
	s.env = append(s.env, "SIGNPOST_UNDO="+undo)
	for email, name := range map[string]string{agentEmail: "Alex Agent", otherEmail: "Lee Agent"} {
		code, out := s.signpost(agentPassword+"\n", "agent", "add", "--config", s.config, "--password-stdin", "--role",
			"agent", "--name", name, email)
		if code != 0 {
			t.Fatalf("agent add: %s", out)
		}
	}
}

// colleague is an agent at the desk, as a program would be.
type colleague struct {
	url    string
	client *http.Client
}

// colleague signs an agent in.
func (s *service) colleague(t *testing.T, email string) *colleague {
	t.Helper()
	return signInClient(t, s.URL, email, agentPassword)
}

// signInClient signs an agent in at a door.
func signInClient(t *testing.T, door, email, password string) *colleague {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &colleague{url: door, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	t.Cleanup(c.client.CloseIdleConnections)
	resp, err := c.client.PostForm(c.url+"/sign-in", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != "/desk" {
		t.Fatalf("%s signs in: %s to %q, want 303 to /desk", email, resp.Status, got)
	}
	return c
}

// written is what the desk answers to a reply or a note.
type written struct {
	Seq   uint32      `json:"seq"`
	Undo  string      `json:"undo"`
	Until string      `json:"until"`
	Error string      `json:"error"`
	Newer []deskEntry `json:"newer"`
}

// deskTicket is a ticket as the desk, or the partner's page, shows it.
type deskTicket struct {
	Number   string      `json:"number"`
	Status   string      `json:"status"`
	Assignee string      `json:"assignee"`
	Version  uint32      `json:"version"`
	Entries  []deskEntry `json:"entries"`
}

type deskEntry struct {
	Seq      uint32 `json:"seq"`
	Kind     string `json:"kind"`
	Body     string `json:"body"`
	Delivery struct {
		State  string `json:"state"`
		Detail string `json:"detail"`
	} `json:"delivery"`
}

// deskList is a list of the desk.
type deskList struct {
	Items []struct {
		Number string `json:"number"`
		Status string `json:"status"`
	} `json:"items"`
	Counts map[string]int `json:"counts"`
}

// ask asks for JSON, fills answer with it, and returns the status.
func ask(ctx context.Context, client *http.Client, method, address string, form url.Values, answer any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if answer == nil {
		return resp.StatusCode, nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return resp.StatusCode, fmt.Errorf("%s %s: %s, and no JSON of this shape: %w\n%.300s", method, address, resp.Status,
			err, text)
	}
	return resp.StatusCode, nil
}

func (c *colleague) act(ctx context.Context, number, act string, form url.Values) (w written, status int, err error) {
	status, err = ask(ctx, c.client, "POST", c.url+"/desk/tickets/"+number+"/"+act, form, &w)
	return w, status, err
}

func (c *colleague) ticket(t *testing.T, number string) (k deskTicket) {
	t.Helper()
	status, err := ask(t.Context(), c.client, "GET", c.url+"/desk/tickets/"+number, nil, &k)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s at the desk: %d %v", number, status, err)
	}
	return k
}

func (c *colleague) list(t *testing.T, query string) (l deskList) {
	t.Helper()
	status, err := ask(t.Context(), c.client, "GET", c.url+"/desk/tickets?"+query, nil, &l)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the list %q: %d %v", query, status, err)
	}
	return l
}

// holds says whether a list holds a ticket.
func (l deskList) holds(number string) bool {
	for _, i := range l.Items {
		if i.Number == number {
			return true
		}
	}
	return false
}

// open sends the form as a partner and returns the ticket's number.
func (s *service) open(t *testing.T, partner, country string) string {
	t.Helper()
	a, _, err := partnerPost(partner, country).send(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return a.Number
}
