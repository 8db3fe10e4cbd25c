package watch

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signpost/store"
)

// One who owns many domains sends from one place: their answers are limited
// together, whatever name that place greets with, and cannot trip the breaker for all
// the others.
func TestManyDomainsOfOneNetworkShareABudget(t *testing.T) {
	t.Parallel()
	const part = 30 / networkPart // of the breaker's default
	for name, peer := range map[string]func(i int) string{
		"one address":              func(int) string { return "mail.evil.test (mail.evil.test [203.0.113.7])" },
		"greeting as localhost":    func(int) string { return "localhost (unknown [203.0.113.7])" },
		"greeting with our name":   func(int) string { return "mx.example.com (unknown [203.0.113.7])" },
		"greeting as [127.0.0.1]":  func(int) string { return "[127.0.0.1] (unknown [203.0.113.7])" },
		"greeting with an address": func(i int) string { return fmt.Sprintf("[198.51.%d.1] (unknown [203.0.113.7])", 100+i) },
		"addresses of a /24":       func(i int) string { return fmt.Sprintf("a.test (unknown [203.0.113.%d])", i) },
		"addresses of a /48": func(i int) string {
			return fmt.Sprintf("a.test (unknown [IPv6:2001:db8:1:%x::1])",
				256*i)
		},
		"an address not told": func(int) string { return "evil.test" },
		"a private one":       func(int) string { return "evil.test ([10.0.0.1])" },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				h.deps.Limits = Limits{}
				h.start()
				for i := range 60 {
					h.deliver(strings.Replace(numbered(i), "mail.partner.test (mail.partner.test [192.0.2.7])", peer(i), 1))
				}
				h.deliver(strings.Replace(letter("ann@other.test", "ann@other.test"), "192.0.2.7", "198.51.100.7", 1))
				for i := range 3 {
					h.deliver(letter(fmt.Sprintf("p%d@gmail.com", i), fmt.Sprintf("g%d@gmail.com", i)))
				}
				time.Sleep(time.Second)
				h.decided(64, part+1+3)
				if state, err := h.ledger.Responder(context.Background(), time.Now()); err != nil || !state.On {
					t.Errorf("the responder is %+v (%v), want on", state, err)
				}
			})
		})
	}
}

// Strangers' names at a large public host, which nothing vouches for, are counted by
// where they were written.
func TestForgedAddressesAtAPublicHostShareABudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Limits, h.box.AnswerUnauthenticated = Limits{}, true
		h.start()
		for i := range 40 {
			from := fmt.Sprintf("p%d@gmail.com", i)
			h.deliver(strings.Replace(letter(from, fmt.Sprintf("g%d@gmail.com", i)), "spf=pass", "spf=none", 1))
		}
		time.Sleep(time.Second)
		h.decided(40, 30/networkPart)
	})
}

// What one network has spent comes back with the hour, and a single address in it
// gets no more than its own share.
func TestANetworksBudgetIsNested(t *testing.T) {
	t.Parallel()
	limits := Limits{}.withDefaults()
	got := map[string]int{}
	for _, b := range limits.of("ann@partner.test", netip.MustParseAddr("2001:db8:1:2::3"), true).Budgets[2:] {
		got[b.Name+" "+b.Key] = b.Limit
	}
	want := map[string]int{
		"answer/network-hour 2001:db8:1:2::/64": 20, "answer/network-hour 2001:db8:1::/56": 40,
		"answer/network-hour 2001:db8:1::/48": 80,
		"answer/network 2001:db8:1::/48":      10,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A mail that answers ours within the minute was written by a machine, however
// much like a person's it looks; one that comes later is a person's.
func TestNobodyAnswersAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		ours := h.deps.Ring.MessageID(time.Now(), store.MailConfirmation, "example.com")
		h.start()
		time.Sleep(20 * time.Second)
		h.deliver(letter("robot@one.test", "r@one.test", "In-Reply-To: <"+ours+">"))
		time.Sleep(time.Second)
		h.decided(1, 0)
		if row := h.rows()[0]; !fired(row, RuleAtOnce) {
			t.Errorf("rules %v", row.Verdict.Rules)
		}
		time.Sleep(time.Minute)
		h.deliver(letter("ann@two.test", "a@two.test", "References: <first@two.test> <"+ours+">"))
		time.Sleep(time.Second)
		h.decided(2, 1)
	})
}
