package compose

import (
	"strings"
	"testing"

	"signpost/store"
)

func accountRow(kind store.OutboundKind) store.Outbound {
	return store.Outbound{
		ID: 7005, Kind: kind, Region: store.OwnRegion, From: "partner-us.support@example.com", FromName: "Desk",
		To: "ana@desk.example", MessageID: "in.x@example.com", QueuedAt: queued, Agent: 3, Link: store.LinkID{9},
		Subject: "Set up <your> account", Text: "The first words.\n\nThe second & last.",
	}
}

func TestAMailIntoAnAccountLeadsThere(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for kind, path := range map[store.OutboundKind]string{store.MailInvite: "/invite/", store.MailReset: "/reset/"} {
		row := accountRow(kind)
		l, err := c.account(row)
		if err != nil {
			t.Fatal(err)
		}
		link := c.config.BaseURL + path + c.ring.AgentLinkToken(row.Agent, row.Link)
		if want := "The first words.\n\n" + link + "\n\nThe second & last.\n\nDesk\n"; string(l.text) != want {
			t.Errorf("%s: the text is %q, want %q", kind, l.text, want)
		}
		for _, want := range []string{`href="` + link + `"`, "Set up &lt;your&gt; account", "The second &amp; last."} {
			if !strings.Contains(string(l.html), want) {
				t.Errorf("%s: the HTML lacks %s: %s", kind, want, l.html)
			}
		}
		mustCompose(t, c, row)
	}
}

func TestANoticeAboutAnAccountLeadsNowhere(t *testing.T) {
	t.Parallel()
	row := accountRow(store.MailNotice)
	if _, err := composer(t).Compose(row); err == nil {
		t.Error("a notice with a link was composed")
	}
	row.Link = store.LinkID{}
	l, err := composer(t).account(row)
	if err != nil || strings.Contains(string(l.html), "<a ") || l.autoSubmitted != "auto-generated" {
		t.Errorf("%v: %s", err, l.html)
	}
	row.Kind = store.MailInvite
	if _, err := composer(t).Compose(row); err == nil {
		t.Error("an invitation without a link was composed")
	}
}
