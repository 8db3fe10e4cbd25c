//go:build e2e

package e2e

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// grouping is how a mail program groups the mails of a mailbox: by the number of a mail,
// from 1 in the order of arrival, that of the mail it stands under, 0 for none.
type grouping map[int]int

// checkThread fails where the mails of a mailbox are not one thread in the order in which
// they came, for Dovecot's THREAD=REFERENCES (RFC 5256) and for the algorithm of Jamie
// Zawinski that mail programs use, or where the two differ.
func (h *mailHost) checkThread(t *testing.T, address string) {
	t.Helper()
	byServer, byClient := h.serverThreads(t, address), groupByReferences(h.mails(t, address))
	if !maps.Equal(byServer, byClient) {
		t.Errorf("%s: the server groups the mails as %v, a mail program as %v", address, byServer, byClient)
	}
	for name, g := range map[string]grouping{"server": byServer, "mail program": byClient} {
		if roots := g.under(0); len(roots) != 1 {
			t.Errorf("%s: the %s makes %d threads of the mails: %v", address, name, len(roots), g)
		}
		if order := g.order(0); !slices.IsSorted(order) || len(order) != len(g) {
			t.Errorf("%s: the %s shows the mails as %v", address, name, order)
		}
	}
}

// under are the mails that stand directly under one.
func (g grouping) under(parent int) (mails []int) {
	for _, n := range slices.Sorted(maps.Keys(g)) {
		if g[n] == parent {
			mails = append(mails, n)
		}
	}
	return mails
}

// order is how a mail program shows the mails under one: each before those under it.
func (g grouping) order(parent int) (mails []int) {
	for _, n := range g.under(parent) {
		mails = append(append(mails, n), g.order(n)...)
	}
	return mails
}

func (h *mailHost) serverThreads(t *testing.T, address string) grouping {
	t.Helper()
	c, _ := h.open(t, address)
	defer c.Close()
	threads, err := c.Thread(&imapclient.ThreadOptions{
		Algorithm: imap.ThreadReferences, SearchCriteria: &imap.SearchCriteria{},
	}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	g := grouping{}
	g.add(0, threads)
	return g
}

func (g grouping) add(parent int, threads []imapclient.ThreadData) {
	for _, thread := range threads {
		last := parent
		for _, n := range thread.Chain {
			g[int(n)] = last
			last = int(n)
		}
		g.add(last, thread.SubThreads)
	}
}

var messageID = regexp.MustCompile(`<[^<>\s]+>`)

// container holds a Message-ID's place in the threads; mail is 0 where only a reference
// to it was seen.
type container struct {
	mail   int
	parent *container
}

// groupByReferences is steps 1 to 4 of https://www.jwz.org/doc/threading.html; step 5
// groups by subject what has no references, which no mail of ours may need.
func groupByReferences(mails []received) grouping {
	table := map[string]*container{}
	at := func(id string) *container {
		if table[id] == nil {
			table[id] = &container{}
		}
		return table[id]
	}
	for i, m := range mails {
		this := at(messageID.FindString(m.Header.Get("Message-ID")))
		this.mail = i + 1
		ids := messageID.FindAllString(m.Header.Get("References"), -1)
		if ids == nil {
			ids = messageID.FindAllString(m.Header.Get("In-Reply-To"), 1)
		}
		var last *container
		for _, id := range ids {
			c := at(id)
			if last != nil && c.parent == nil && !last.below(c) {
				c.parent = last
			}
			last = c
		}
		if this.parent = nil; last != nil && !last.below(this) { // what the mail says itself counts
			this.parent = last
		}
	}
	g := grouping{}
	for _, c := range table {
		if c.mail != 0 {
			g[c.mail] = c.above()
		}
	}
	return g
}

// below says whether c stands under another, or is it.
func (c *container) below(other *container) bool {
	for ; c != nil; c = c.parent {
		if c == other {
			return true
		}
	}
	return false
}

// above is the nearest mail that c stands under; what was only referred to is left out.
func (c *container) above() int {
	for p := c.parent; p != nil; p = p.parent {
		if p.mail != 0 {
			return p.mail
		}
	}
	return 0
}

// TestE2EGrouping holds the grouping that checkThread compares with against mails whose
// threads are known: a reply to one that is missing, a second answer, and a stranger.
func TestE2EGrouping(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	const box = "grouping@example.net"
	for i, m := range []struct{ id, fields string }{
		{"a@x", ""}, {"b@x", "References: <a@x>\nIn-Reply-To: <a@x>\n"}, {"d@x", "References: <a@x> <b@x> <missing@x>\n"},
		{"e@x", "In-Reply-To: <a@x>\n"}, {"stranger@x", ""},
	} {
		subject := "Of " + m.id // else the server groups by it
		h.write(t, "person@example.org", box, m.fields+letter("person@example.org", box, m.id, subject))
		h.awaitMail(t, box, i+1)
	}
	want := grouping{1: 0, 2: 1, 3: 2, 4: 1, 5: 0}
	if got := groupByReferences(h.mails(t, box)); !maps.Equal(got, want) {
		t.Errorf("a mail program would group them as %v, want %v", got, want)
	}
	if got := h.serverThreads(t, box); !maps.Equal(got, want) {
		t.Errorf("the server groups them as %v, want %v", got, want)
	}
}

// subjects are the different subjects of some mails.
func subjects(mails []received) (all []string) {
	for _, m := range mails {
		all = append(all, m.subject())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// firstWords is how a mail's text part begins.
func firstWords(t *testing.T, m received) string {
	t.Helper()
	line, _, _ := strings.Cut(strings.TrimSpace(decodedParts(t, m)), "\n")
	return strings.TrimSpace(line)
}
