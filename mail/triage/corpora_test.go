package triage

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signpost/store"
)

// corpora is a collection of labelled real mail. It is no part of this project;
// the test runs where it stands beside the checkout.
const corpora = "../../../shared/corpora"

// floors are what triage must reach on it. The collection holds oddities from
// many hosts, one vote each; ordinary traffic is easier.
var floors = map[string]float64{
	"silent to reports and replies": 0.995,
	"answers people":                1,
	"people's mail is no report":    1,
	"bounces seen":                  0.99,
	"all recipients":                0.975,
	"no recipient made up":          0.98,
	"hard or soft":                  0.95,
	"status":                        0.99,
	"reason's group":                0.97,
	"original Message-ID":           0.99,
}

// groups of reasons, since collections differ in the exact word for one refusal.
var reasonGroups = map[string]string{
	"address": "userunknown hostunknown hasmoved filtered suspend notaccept suppressed",
	"full":    "mailboxfull exceedlimit mesgtoobig emailtoolarge systemfull",
	"reputation": "blocked badreputation spamdetected rejected policyviolation authfailure requireptr " +
		"notcompliantrfc speeding toomanyconn norelaying securityerror virusdetected contenterror failedstarttls",
	"transient": "expired networkerror systemerror mailererror syntaxerror",
}

func groupOf(reason string) string {
	for group, reasons := range reasonGroups {
		if contains(strings.Fields(reasons), reason) {
			return group
		}
	}
	return ""
}

type expectation struct {
	File        string `json:"file"`
	Recipient   string `json:"recipient"`
	Placeholder bool   `json:"recipient_placeholder"`
	Status      string `json:"status"`
	Pseudo      bool   `json:"status_pseudo"`
	Reason      string `json:"reason"`
	Hard        bool   `json:"hard"`
	MessageID   string `json:"message_id"`
}

// tally counts hits by figure.
type tally struct{ hit, of map[string]int }

func (c tally) add(figure string, ok bool) {
	c.of[figure]++
	if ok {
		c.hit[figure]++
	}
}

func TestRealMailReachesTheFloors(t *testing.T) {
	t.Parallel()
	var labels []struct{ Path, Label string }
	eachLine(t, "labels.jsonl", func(line []byte) {
		var l struct{ Path, Label string }
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		labels = append(labels, l)
	})
	expected := map[string][]expectation{}
	eachLine(t, "bounces-expected.jsonl", func(line []byte) {
		var e expectation
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		expected[e.File] = append(expected[e.File], e)
	})
	count := tally{map[string]int{}, map[string]int{}}
	for _, l := range labels {
		raw, err := os.ReadFile(filepath.Join(corpora, "mail", filepath.FromSlash(l.Path)))
		if err != nil {
			t.Fatal(err)
		}
		r := Classify(raw, Envelope{})
		checkBounds(t, r)
		count.mail(l.Label, r)
		if strings.Contains(l.Path, "maildir/bsd") {
			count.reports(expected[filepath.Base(l.Path)], r.Reports)
		}
	}
	for figure, floor := range floors {
		if share := float64(count.hit[figure]) / float64(max(1, count.of[figure])); share < floor {
			t.Errorf("%s: %d of %d, %.3f, floor %.3f", figure, count.hit[figure], count.of[figure], share, floor)
		}
	}
}

func eachLine(t *testing.T, name string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpora, name))
	if err != nil {
		t.Skip("no collection of real mail beside the checkout")
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		do(s.Bytes())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
}

func (c tally) mail(label string, r Result) {
	reporting := r.Kind == store.KindBounce || r.Kind == store.KindDelay || r.Kind == store.KindDelivered ||
		r.Kind == store.KindComplaint
	switch label {
	case "human":
		c.add("answers people", r.Answer)
		c.add("people's mail is no report", !reporting)
	case "bounce", "complaint":
		c.add("bounces seen", reporting)
		c.add("silent to reports and replies", !r.Answer)
	case "auto-reply", "mdn", "report":
		c.add("silent to reports and replies", !r.Answer)
	}
}

func (c tally) reports(rows []expectation, reports []store.Report) {
	if len(rows) == 0 || rows[0].Reason == "vacation" {
		return
	}
	have, want := map[string]store.Report{}, map[string]bool{}
	for _, r := range reports {
		have[strings.ToLower(r.Recipient)] = r
	}
	all, invented := true, false
	for _, row := range rows {
		if row.Placeholder || !strings.Contains(row.Recipient, "@") {
			continue
		}
		key := strings.ToLower(row.Recipient)
		want[key] = true
		r, ok := have[key]
		all = all && ok
		if ok && row.Reason != "feedback" {
			c.report(row, r)
		}
	}
	for key := range have {
		invented = invented || !want[key]
	}
	if len(want) > 0 {
		c.add("all recipients", all)
		c.add("no recipient made up", !invented)
	}
}

func (c tally) report(row expectation, r store.Report) {
	c.add("hard or soft", r.Hard == row.Hard)
	if row.Status != "" && !row.Pseudo {
		c.add("status", r.Status == row.Status)
	}
	if group := groupOf(row.Reason); group != "" {
		c.add("reason's group", groupOf(r.Reason) == group)
	}
	if row.MessageID != "" {
		c.add("original Message-ID", strings.Trim(r.OriginalMessageID, "<>") == strings.Trim(row.MessageID, "<>"))
	}
}
