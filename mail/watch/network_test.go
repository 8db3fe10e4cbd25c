package watch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

func TestTheNetworkIsWhatTheTrustedHostSaw(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"as Postfix writes it":   {[]string{"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com with ESMTPS id 1"}, "192.0.2.0/24"},
		"of IPv6":                {[]string{"Received: from a.test (a.test [IPv6:2001:db8:1:2::3]) by mx.example.com with ESMTPS"}, "2001:db8:1::/48"},
		"as Exim writes it":      {[]string{"Received: from [192.0.2.7] (helo=198.51.100.9) by mx.example.com with esmtp (Exim 4.97)"}, "192.0.2.0/24"},
		"as qmail writes it":     {[]string{"Received: from unknown (HELO 198.51.100.9) (192.0.2.7) by mx.example.com with SMTP"}, "192.0.2.0/24"},
		"greeted with another":   {[]string{"Received: from [198.51.100.9] (unknown [192.0.2.7]) by mx.example.com with ESMTP"}, "192.0.2.0/24"},
		"behind our own filter":  {[]string{"Received: from localhost (localhost [127.0.0.1]) by mx.example.com with ESMTP", "Received: from a.test (a.test [192.0.2.7]) by mx.example.com with ESMTPS"}, "192.0.2.0/24"},
		"a hop the sender wrote": {[]string{"Received: from a.test (a.test [192.0.2.7]) by mx.example.com with ESMTPS", "Received: from b.test (b.test [198.51.100.9]) by mx.example.com with ESMTPS"}, "192.0.2.0/24"},
		"a foreign host":         {[]string{"Received: from a.test (a.test [192.0.2.7]) by mx.other.test with ESMTPS"}, ""},
		"our own network":        {[]string{"Received: from a.test (a.test [10.1.2.3]) by mx.example.com with ESMTPS"}, ""},
		"no address":             {[]string{"Received: from a.test by mx.example.com with ESMTPS"}, ""},
	} {
		block, ok := network(fields([]byte(strings.Join(c.header, "\r\n")+"\r\n\r\n")), []string{"mx.example.com"})
		if got := block.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: got %s (%v), want %q", name, got, ok, c.want)
		}
	}
}

// One who owns many domains sends from one place: their answers are limited
// together, and cannot trip the breaker for all the others.
func TestManyDomainsOfOneNetworkShareABudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Limits = Limits{}
		h.start()
		for i := range 60 {
			h.deliver(numbered(i))
		}
		h.deliver(strings.Replace(letter("ann@other.test", "ann@other.test"), "192.0.2.7", "198.51.100.7", 1))
		for i := range 3 {
			h.deliver(letter(fmt.Sprintf("p%d@gmail.com", i), fmt.Sprintf("g%d@gmail.com", i)))
		}
		time.Sleep(time.Second)
		h.decided(64, 20+1+3)
		if state, err := h.ledger.Responder(context.Background()); err != nil || !state.On {
			t.Errorf("the responder is %+v (%v), want on", state, err)
		}
	})
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
