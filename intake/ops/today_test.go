package ops_test

import (
	"crypto/sha256"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// theDay is a Tuesday long past, so that the day is over wherever it is told.
var theDay = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)

// past opens tickets at an instant, their confirmations sent.
func (h *house) past(at time.Time, region string, n int) {
	h.Helper()
	batch := make([]verbs.Opening, n)
	for i := range batch {
		batch[i] = h.settled(at, region)
	}
	if _, err := h.db.OpenTickets(h.Context(), batch); err != nil {
		h.Fatal(err)
	}
}

func (h *house) settled(at time.Time, region string) verbs.Opening {
	h.uid++
	return verbs.Opening{Now: at, Confirmed: true, Ticket: store.NewTicket{
		Region:      store.Region{ID: region, Prefix: region, Address: region + "@desk.example"},
		Requester:   store.Contact{Email: "ann@partner.example"},
		Link:        store.LinkID{1, byte(h.uid), byte(h.uid >> 8), byte(h.uid >> 16)},
		LinkExpires: at.Add(time.Hour), MessageID: fmt.Sprintf("p%d@desk.example", h.uid),
	}}
}

// sendsAt sends a mail to an address at an instant.
func (h *house) sendsAt(at time.Time, to string) store.Outbound {
	h.Helper()
	h.links++
	_, err := h.db.OpenTicket(h.Context(), at, store.NewTicket{
		Region: store.Region{ID: "us", Prefix: "US", Address: "us@desk.example"}, Requester: store.Contact{Email: to},
		Link: store.LinkID{h.links}, LinkExpires: at.Add(time.Hour), MessageID: fmt.Sprintf("c%d@desk.example", h.links),
	})
	if err != nil {
		h.Fatal(err)
	}
	rows, err := h.db.ClaimOutbound(h.Context(), at, store.Claim{Limit: 1, Lease: store.Leases{time.Hour}})
	if err != nil || len(rows) != 1 {
		h.Fatal(rows, err)
	}
	sent := store.Finish{ID: rows[0].ID, Claim: rows[0].Claim, State: store.StateSent}
	if err := h.db.FinishOutbound(h.Context(), at, sent); err != nil {
		h.Fatal(err)
	}
	return rows[0]
}

// arrives takes a mail in at an instant and decides it.
func (h *house) arrives(at time.Time, mailbox, subject string, v store.Verdict) store.Inbound {
	h.Helper()
	h.uid++
	raw := fmt.Appendf(nil, "mail %d", h.uid)
	rows, err := h.db.RecordInbound(h.Context(), at, []store.NewInbound{{
		Mailbox: mailbox, UIDValidity: 1, UID: h.uid, InternalDate: at, Hash: sha256.Sum256(raw),
		From: "ann@partner.example", Subject: subject, Raw: raw,
	}})
	if err == nil {
		rows, err = h.db.DecideInbound(h.Context(), at, []store.Decision{{ID: rows[0].ID, Verdict: v}})
	}
	if err != nil {
		h.Fatal(err)
	}
	return rows[0]
}

// row is a line of a day's table as text: name, word, day, week ago, usual.
func row(page, name string) string {
	for _, line := range regexp.MustCompile(`(?s)<tr[^>]*>(.*?)</tr>`).FindAllStringSubmatch(page, -1) {
		untagged := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(line[1], " ")
		text := strings.Join(strings.Fields(html.UnescapeString(untagged)), " ")
		if strings.HasPrefix(text, name) {
			return text
		}
	}
	return ""
}

func TestAYoungHouseSaysWhatWillBeCounted(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.shows("/ops/today", "Nothing has happened yet", "counted here by the hour")
	h.past(time.Now(), "us", 1)
	h.shows("/ops/today", "Support US", "too early to compare", "The last 24 hours",
		"No mail that came on this day was left without an answer", "No mail went out on this day")
	h.shows("/ops/today?day=2020-02-03", "Nothing was counted that long ago", "Monday 3 February 2020")
	for day, words := range map[string]string{"yesterday": "like 2026-11-23", "2999-01-01": "has not begun yet"} {
		w := h.do("GET", "/ops/today?day="+day, nil)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), words) {
			t.Errorf("?day=%s: %d", day, w.Code)
		}
	}
}

func TestADayIsThatOfItsRegion(t *testing.T) {
	t.Parallel()
	h := open(t,
		store.Region{ID: "us", Name: "Support US", Mailbox: "us", Zone: "America/New_York"},
		store.Region{ID: "in", Name: "Support IN", Zone: "Asia/Kolkata"})
	h.past(theDay.Add(3*time.Hour), "us", 1) // still Monday in New York
	h.past(theDay.Add(5*time.Hour), "us", 2)
	h.past(theDay.Add(27*time.Hour), "us", 4)
	h.past(theDay.Add(29*time.Hour), "us", 8) // Wednesday
	h.past(theDay.Add(-5*time.Hour), "in", 16)
	page := h.shows("/ops/today?day=2026-03-10&region=us", "Tuesday 10 March 2026",
		"America/New_York", `value="us" selected`)
	if got := row(page, "tickets opened"); got != "tickets opened 6 – –" {
		t.Errorf("in New York: %q", got)
	}
	if strings.Contains(page, "Support IN") && strings.Contains(page, "Asia/Kolkata") {
		t.Error("another region's day is shown")
	}
	h.shows("/ops/today?day=2026-03-10&region=in", "here a day begins at 23:30", `<td>16</td>`)
	page = h.shows("/ops/today?day=2026-03-10", "America/New_York", "Asia/Kolkata", "day=2026-03-09", "day=2026-03-11")
	if strings.Contains(page, "Mailbox us") {
		t.Error("a region's mailbox is shown beside it")
	}
}

func TestADayStandsBesideTheDaysBefore(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := 1; i <= 8; i++ {
		h.past(theDay.AddDate(0, 0, -i).Add(9*time.Hour), "us", 20+i)
	}
	h.past(theDay.Add(9*time.Hour), "us", 4)
	var reports []store.Report
	for i := range 6 {
		mail := h.sendsAt(theDay.Add(10*time.Hour), fmt.Sprintf("p%d@<b>.example", i))
		outcome := store.OutcomeDead
		if i == 5 {
			outcome = store.OutcomeRefused
		}
		reports = append(reports, store.Report{
			Action: "failed", Outcome: outcome, Outbound: mail.ID, Tie: store.TieEnvelope, Diagnostic: "550",
		})
	}
	h.arrives(theDay.Add(11*time.Hour), "us", "Undelivered", store.Verdict{Kind: store.KindBounce, Reports: reports})
	page := h.shows("/ops/today?day=2026-03-10", "out of the ordinary", "&lt;b&gt;.example", "5 for good, 1 rejected",
		"The busiest of 1")
	for name, want := range map[string]string{
		"tickets": "tickets opened less than half 10 27 24", "mails sent": "mails sent less than half 10 27 24",
		"bounced for good": "bounced for good unusual 5 0 0", "rejected": "rejected by servers 1 0 0",
		"mails came": "mails came in 1 0 0",
		"<b>":        "<b>.example 6 6 5 for good, 1 rejected 0 0 0", "2 Mar": "2 Mar 28 28 0 0 0 0",
		"09:00": "09:00 4 4 0 0 0 0",
		"11:00": "11:00 0 0 6 0 1 0",
	} {
		if got := row(page, name); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if strings.Contains(page, "<b>") {
		t.Error("a domain's name is markup")
	}
	if n := strings.Count(page, `role="img" aria-labelledby=`); n != 6 || strings.Count(page, "<desc ") != n {
		t.Errorf("%d charts, %d of them described", n, strings.Count(page, "<desc "))
	}
	if !strings.Contains(page, "In all 10 sent, 6 came back or failed. Most at 10:00: 6 sent, 0 came back or failed.") {
		t.Error("what a chart shows is not said")
	}
}

func TestNumbersLeadToTheirRows(t *testing.T) {
	t.Parallel()
	h := open(t, store.Region{ID: "us", Name: "Support US", Mailbox: "us", Zone: "America/New_York"})
	if _, err := h.db.ConnectMailbox(t.Context(), theDay, "other"); err != nil {
		t.Fatal(err)
	}
	stopped := func(kind store.Kind, rule string) store.Verdict {
		return store.Verdict{Kind: kind, Rules: []store.Rule{{ID: rule, Effect: store.EffectStop}}}
	}
	h.arrives(theDay.Add(3*time.Hour), "us", "the evening before", stopped(store.KindList, "list-id"))
	h.arrives(theDay.Add(5*time.Hour), "us", "a newsletter", stopped(store.KindList, "list-id"))
	h.arrives(theDay.Add(6*time.Hour), "us", "a bulk mail", stopped(store.KindList, "precedence"))
	h.arrives(theDay.Add(7*time.Hour), "us", "somebody’s question", stopped(store.KindDirect, "spf-fail"))
	h.arrives(theDay.Add(8*time.Hour), "other", "elsewhere", stopped(store.KindList, "list-id"))
	page := h.shows("/ops/today?day=2026-03-10&region=us")
	in, silent, unclear := row(page, "mails came"), row(page, "silent"), row(page, "unclear")
	if in != "mails came in 3 – –" || silent != "silent for a reason 2 – –" || unclear != "unclear 1 – –" {
		t.Errorf("%q, %q, %q", in, silent, unclear)
	}
	links := map[string]string{}
	anchors := regexp.MustCompile(`(?s)<a[^>]* href="(/ops/ledger\?[^"]*)"[^>]*>(.*?)</a>`)
	for _, m := range anchors.FindAllStringSubmatch(page, -1) {
		words := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[2], " ")), " ")
		links[words] = html.UnescapeString(m[1])
	}
	all := []string{"the evening before", "a newsletter", "a bulk mail", "somebody’s question", "elsewhere"}
	for words, want := range map[string]string{
		"mails came in":        "a newsletter, a bulk mail, somebody’s question",
		"2 list or newsletter": "a newsletter, a bulk mail",
		"list-id 1":            "a newsletter", "spf-fail 1": "somebody’s question",
	} {
		ledger := h.shows(links[words], "Only mail to <code>us</code>")
		for _, subject := range all {
			if strings.Contains(ledger, subject) != strings.Contains(want, subject) {
				t.Errorf("%s leads to %s: %v", words, subject, strings.Contains(ledger, subject))
			}
		}
	}
	h.shows("/ops", `<a href="/ops" aria-current="page"`, "Is mail flowing?", "tickets opened")
}

func TestAMailboxOfNoRegionHasADayOfItsOwn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.mailboxes = append(h.mailboxes, h.mailboxes[0])
	h.mailboxes[1].ID = "bounces"
	if _, err := h.db.ConnectMailbox(t.Context(), theDay, "bounces"); err != nil {
		t.Fatal(err)
	}
	h.arrives(theDay.Add(time.Hour), "bounces", "Undelivered", store.Verdict{Kind: store.KindBounce})
	page := h.shows("/ops/today?day=2026-03-10", "Mailbox bounces")
	_, card, _ := strings.Cut(page, "Mailbox bounces")
	if got := row(card, "mails came"); got != "mails came in 1 – –" {
		t.Errorf("%q", got)
	}
}
