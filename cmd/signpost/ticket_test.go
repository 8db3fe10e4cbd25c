package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
)

// script runs signpost ticket on a demo, as one of its staff, and reads what it prints.
type script struct {
	t    *testing.T
	data string
}

func (s script) run(as, input string, args ...string) (code int, answer map[string]any, errs string) {
	s.t.Helper()
	var out, said bytes.Buffer
	all := append([]string{"ticket"}, args...)
	code = run(&environment{
		args: append(all, "--demo", s.data, "--as", as), stdin: strings.NewReader(input), stdout: &out, stderr: &said,
	})
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			s.t.Fatalf("%v printed no JSON: %v\n%s", args, err, &out)
		}
	}
	return code, answer, said.String()
}

// does runs it and wants it to succeed.
func (s script) does(as, input string, args ...string) map[string]any {
	s.t.Helper()
	code, answer, errs := s.run(as, input, args...)
	if code != 0 {
		s.t.Fatalf("%v: %d %s", args, code, errs)
	}
	return answer
}

// refused runs it and wants a status, and words that say why.
func (s script) refused(want int, words, as string, args ...string) map[string]any {
	s.t.Helper()
	code, answer, errs := s.run(as, "", args...)
	if code != want || !strings.Contains(errs, words) {
		s.t.Errorf("%v as %s: %d %s, want %d and %q", args, as, code, errs, want, words)
	}
	return answer
}

// TestAScriptAnswersTickets: what the desk does, from the command line, as a person with
// their rights, and in the audit log under their name.
func TestAScriptAnswersTickets(t *testing.T) {
	t.Parallel()
	var at0 time.Duration
	d := startDemoAs(t, func(c *config.Config) { c.SetUndo(&at0) })
	const lee = "lee@example.com"
	_, opened := contact(t, d.url(), request("ana@example.net", "US"), nil)
	number := opened["number"].(string)
	s := script{t, d.app.cfg.Service.Data}

	list := s.does(lee, "", "list", "--view", "unassigned", "-q", "ana@example.net")
	if items := list["items"].([]any); len(items) != 1 || items[0].(map[string]any)["number"] != number {
		t.Fatalf("the list: %v", list)
	}
	if k := s.does(lee, "", "show", number); k["version"] != 1.0 || k["status"] != "open" {
		t.Errorf("the ticket: %v", k)
	}
	if written := s.does(lee, "Seen in the log.", "note", number, "-"); written["seq"] != 2.0 {
		t.Errorf("the note: %v", written)
	}
	stale := s.refused(3, "has changed", lee, "reply", number, "Mended.", "--version", "1", "--then", "solved")
	if newer := stale["newer"].([]any); len(newer) != 1 || newer[0].(map[string]any)["body"] != "Seen in the log." {
		t.Errorf("what is newer: %v", stale)
	}
	written := s.does(lee, "Mended, **try again**.\n", "reply", number, "--version", "2", "--then", "pending")
	if written["seq"] != 3.0 {
		t.Errorf("the reply: %v", written)
	}
	if k := s.does(lee, "", "assign", number, "agent@example.com"); k["assignee"] != "agent@example.com" {
		t.Errorf("assigned: %v", k)
	}
	if k := s.does(lee, "", "assign", number); k["assignee"] != "" {
		t.Errorf("assigned to none: %v", k)
	}
	if k := s.does(lee, "", "close", number); k["status"] != "solved" {
		t.Errorf("closed: %v", k)
	}
	admin := store.Actor{Kind: store.ActorStaff, Account: "a", Roles: []store.Role{store.RoleAdmin}}
	rows, err := store.Items(d.app.db.ListAudits(t.Context(), admin, store.AuditQuery{Account: lee},
		store.Page{Limit: 50}))
	if err != nil || len(rows) != 5 || rows[0].Network != "command line" || rows[0].Account != lee {
		t.Errorf("the audit log has %d rows: %+v %v", len(rows), rows, err)
	}
}

// TestAScriptHasThePersonsRights: nobody unknown or disabled, no role that the person
// lacks, no region that they do not see; and over HTTP nobody at all.
func TestAScriptHasThePersonsRights(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	_, opened := contact(t, d.url(), request("ana@example.net", "US"), nil)
	number := opened["number"].(string)
	s := script{t, d.app.cfg.Service.Data}
	for _, n := range []store.NewAgent{
		{Email: "intl@example.com", Roles: []store.Role{store.RoleAgent}, Regions: []string{"intl"}},
		{Email: "gone@example.com", Roles: []store.Role{store.RoleAgent}},
	} {
		if _, err := d.app.db.AddAgent(t.Context(), time.Now(), store.ByService(), n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.app.DisableAgent(t.Context(), store.ByService(), "gone@example.com"); err != nil {
		t.Fatal(err)
	}
	if list := s.does("intl@example.com", "", "list"); len(list["items"].([]any)) != 0 {
		t.Errorf("an agent of another region sees %v", list)
	}
	s.refused(1, "no such ticket", "intl@example.com", "show", number)
	s.refused(1, "no such ticket", "intl@example.com", "reply", number, "Hello")
	s.refused(1, "no such ticket", "lee@example.com", "show", "US-9999")
	s.refused(1, "is disabled", "gone@example.com", "list")
	s.refused(1, "no account has the address", "nobody@example.com", "list")
	s.refused(1, "does not answer tickets", "ops@example.com", "list")
	s.refused(1, "write something", "lee@example.com", "note", number)
	s.refused(2, "--then", "lee@example.com", "reply", number, "Hello", "--then", "closed")
	s.data = filepath.Join(t.TempDir(), "none")
	s.refused(1, "no service runs", "lee@example.com", "list")

	req, err := http.NewRequestWithContext(t.Context(), "GET", d.url()+"/desk/tickets", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Signpost-As", "lee@example.com")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("over HTTP: %s", resp.Status)
	}
}
