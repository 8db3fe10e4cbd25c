//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// race is one ticket on which everybody writes at once.
type race struct {
	number     string
	link       string // the partner's page
	one, other *colleague
	version    uint32
	won        map[uint32]uint32 // version that its author had seen, by the seq of a reply
	sent       []string          // the words of the replies that were written
}

// TestE2ERaces: two agents and the partner write at the same instant, and one agent's
// form is sent twice. No reply stands behind an entry that its author had not seen; who
// was late reads what is new; and what was written is mailed once.
func TestE2ERaces(t *testing.T) {
	t.Parallel()
	const tickets, rounds = 40, 25
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.addAgents(t, "0s")
	s.Start(t)
	one, other := s.colleague(t, agentEmail), s.colleague(t, otherEmail)
	races := make([]*race, tickets)
	var partners []string
	var wg sync.WaitGroup
	for i := range tickets {
		partners = append(partners, fmt.Sprintf("race%d@example.net", i))
		races[i] = &race{one: one, other: other, number: s.open(t, partners[i], "US"), version: 1, won: map[uint32]uint32{}}
	}
	for i, r := range races {
		r.link = linkIn(t, h.awaitMail(t, partners[i], 1)[0], s.URL)
		wg.Go(func() {
			for round := range rounds {
				if err := r.run(t.Context(), i*10_000+round*10); err != nil {
					t.Errorf("%s, round %d: %v", r.number, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
	h.quiet(t, s)
	got := h.arrivals(t, partners...)
	replies := 0
	for _, r := range races {
		r.check(t)
		replies += len(r.sent)
		for _, words := range r.sent {
			if len(got[words]) != 1 {
				t.Errorf("%s: %q arrived as %q", r.number, words, got[words])
			}
			delete(got, words)
		}
	}
	if len(got) != 0 {
		t.Errorf("replies that were refused were mailed: %v", got)
	}
	t.Logf("%d races, %d of them won by a reply", tickets*rounds, replies)
	if replies == 0 || replies == tickets*rounds {
		t.Error("one side won every race: they did not meet")
	}
}

// run lets all write once, each having seen the same version.
func (r *race) run(ctx context.Context, n int) error {
	type outcome struct {
		written
		status int
		err    error
	}
	var first, again, other outcome
	var told int
	var partner error
	form := func(n int) url.Values {
		key := fmt.Sprintf("race-%06d-%s", n, strings.Repeat("k", 16))
		return url.Values{"body": {marked(n)}, "version": {fmt.Sprint(r.version)}, "idempotency_key": {key}}
	}
	var wg sync.WaitGroup
	wg.Go(func() { first.written, first.status, first.err = r.one.act(ctx, r.number, "reply", form(n)) })
	wg.Go(func() { again.written, again.status, again.err = r.one.act(ctx, r.number, "reply", form(n)) })
	wg.Go(func() { other.written, other.status, other.err = r.other.act(ctx, r.number, "reply", form(n+1)) })
	wg.Go(func() {
		words := url.Values{"body": {fmt.Sprintf("More of it: %d.", n)}}
		told, partner = ask(ctx, http.DefaultClient, "POST", r.link, words, nil)
	})
	wg.Wait()
	if partner != nil || told != http.StatusCreated {
		return fmt.Errorf("the partner is answered %d %w", told, partner)
	}
	if first.status != again.status || first.Seq != again.Seq {
		return fmt.Errorf("one form sent twice is answered %d (%d) and %d (%d)", first.status, first.Seq, again.status,
			again.Seq)
	}
	seen := r.version
	for _, o := range []outcome{first, again, other} {
		if o.err != nil {
			return o.err
		}
		if err := o.judge(seen, o.status); err != nil {
			return err
		}
	}
	if first.status == http.StatusCreated && other.status == http.StatusCreated {
		return fmt.Errorf("both agents' replies were taken over version %d, as %d and %d", seen, first.Seq, other.Seq)
	}
	for i, o := range []outcome{first, other} {
		if o.status == http.StatusCreated {
			r.won[o.Seq] = seen
			r.sent = append(r.sent, marked(n+i))
		}
	}
	return r.look(ctx)
}

// judge fails for an answer that is neither a reply written nor one held with what its
// author had not seen.
func (w written) judge(seen uint32, status int) error {
	switch status {
	case http.StatusCreated:
		if w.Seq <= seen {
			return fmt.Errorf("a reply over version %d became %d", seen, w.Seq)
		}
		return nil
	case http.StatusConflict:
		if len(w.Newer) == 0 || w.Error == "" {
			return fmt.Errorf("a reply over version %d was refused without what is new: %+v", seen, w)
		}
		for _, e := range w.Newer {
			if e.Seq <= seen || e.Body == "" {
				return fmt.Errorf("over version %d this is said to be new: %+v", seen, e)
			}
		}
		return nil
	}
	return fmt.Errorf("a reply is answered %d %+v", status, w)
}

// look reads the version that the next round starts from.
func (r *race) look(ctx context.Context) error {
	var k deskTicket
	status, err := ask(ctx, r.one.client, "GET", r.one.url+"/desk/tickets/"+r.number, nil, &k)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the ticket: %d %w", status, err)
	}
	r.version = k.Version
	return nil
}

// check finds before every reply the entry that its author had seen last.
func (r *race) check(t *testing.T) {
	t.Helper()
	before := uint32(0)
	for _, e := range r.one.ticket(t, r.number).Entries {
		if e.Kind == "reply" {
			if seen, ok := r.won[e.Seq]; !ok || seen != before {
				t.Errorf("%s: reply %d stands behind %d; its author had seen %d", r.number, e.Seq, before, seen)
			}
			delete(r.won, e.Seq)
		}
		before = e.Seq
	}
	if len(r.won) != 0 {
		t.Errorf("%s: replies %v were taken and are not there", r.number, r.won)
	}
}
