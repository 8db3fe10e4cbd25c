//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// marked are the words of reply n, which no other text holds.
func marked(n int) string { return fmt.Sprintf("This is answer %d to you.", n) }

var markedWords = regexp.MustCompile(`This is answer (\d+) to you\.`)

// arrivals are the Message-IDs of the mails that hold each reply's words, by the words.
func (h *mailHost) arrivals(t *testing.T, partners ...string) map[string][]string {
	t.Helper()
	ids := map[string][]string{}
	for _, partner := range partners {
		for _, m := range h.mails(t, partner) {
			// Only the first: what is folded below belongs to another reply.
			if words := markedWords.FindString(decodedParts(t, m)); words != "" {
				ids[words] = append(ids[words], m.Header.Get("Message-ID"))
			}
		}
	}
	return ids
}

// TestE2EUndo: a reply that was taken back, at whatever instant the desk still took it
// back, reaches no mailbox; every other reaches its partner once.
func TestE2EUndo(t *testing.T) {
	t.Parallel()
	const tickets, each = 10, 50 // of each ticket every second reply is taken back
	const wait = 5 * time.Second
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.addAgents(t, wait.String())
	s.Start(t)
	agent := s.colleague(t, agentEmail)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)

	var mu sync.Mutex
	undone, sent := map[string]bool{}, map[string]bool{}
	var partners []string
	var wg sync.WaitGroup
	for i := range tickets {
		partner := fmt.Sprintf("undo%d@example.net", i)
		partners = append(partners, partner)
		number := s.open(t, partner, "US")
		chance := rand.New(rand.NewPCG(seed, uint64(i)))
		for n := i * each; n < (i+1)*each; n++ {
			// Past the end as well: an undo that comes too late must say so.
			at := -1.0
			if n%2 == 0 {
				at = 1.2 * chance.Float64()
			}
			wg.Go(func() {
				back, err := agent.repliesAndUndoes(t.Context(), number, marked(n), at)
				mu.Lock()
				defer mu.Unlock()
				if undone[marked(n)], sent[marked(n)] = back, !back; err != nil {
					t.Errorf("reply %d: %v", n, err)
				}
			})
		}
	}
	wg.Wait()
	h.quiet(t, s)
	got := h.arrivals(t, partners...)
	taken := 0
	for n := range tickets * each {
		words := marked(n)
		if undone[words] {
			taken++
		}
		if ids := got[words]; undone[words] && len(ids) != 0 || sent[words] && len(ids) != 1 {
			t.Errorf("reply %d, taken back: %v, arrived as %q", n, undone[words], ids)
		}
	}
	t.Logf("%d replies, %d of them taken back", tickets*each, taken)
	if taken < 200 {
		t.Errorf("only %d replies were taken back", taken)
	}
}

// repliesAndUndoes sends a reply and, where at is not negative, takes it back after that part
// of the time that is left for it; it says whether it was taken back.
func (c *colleague) repliesAndUndoes(ctx context.Context, number, words string, at float64) (bool, error) {
	w, status, err := c.act(ctx, number, "reply", url.Values{"body": {words}})
	if err != nil || status != http.StatusCreated || w.Undo == "" {
		return false, fmt.Errorf("%d %+v %w", status, w, err)
	}
	if at < 0 {
		return false, nil
	}
	until, err := time.Parse(time.RFC3339Nano, w.Until)
	if err != nil {
		return false, fmt.Errorf("the time for undo ends at %q: %w", w.Until, err)
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(time.Duration(at * float64(time.Until(until)))):
	}
	_, status, err = c.act(ctx, number, "undo", url.Values{"id": {w.Undo}})
	if err != nil || status != http.StatusOK && status != http.StatusConflict {
		return false, fmt.Errorf("undo: %d %w", status, err)
	}
	return status == http.StatusOK, nil
}

// TestE2EKillWhileReplying kills the service while 16 agents reply: every reply that was
// answered 201 is on its ticket afterwards, and its partner gets it under one Message-ID.
func TestE2EKillWhileReplying(t *testing.T) {
	t.Parallel()
	const rounds, agents = 6, 16
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	s.addAgents(t, "0s")
	var tickets, partners []string
	answered := make([]map[string]bool, agents) // by the agent, who has a ticket of their own
	next := make([]int, agents)
	for round := range rounds {
		s.Start(t)
		for i := range agents {
			if round == 0 {
				partners = append(partners, fmt.Sprintf("kill%d@example.net", i))
				tickets = append(tickets, s.open(t, partners[i], "US"))
				answered[i] = map[string]bool{}
			}
		}
		c := s.colleague(t, agentEmail)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		enough := make(chan struct{}, 10_000)
		for i := range agents {
			wg.Go(func() {
				for ctx.Err() == nil {
					words := marked(i*10_000 + next[i])
					next[i]++
					if _, status, err := c.act(ctx, tickets[i], "reply", url.Values{"body": {words}}); err != nil ||
						status != http.StatusCreated {
						return // the service died under us
					}
					answered[i][words] = true
					enough <- struct{}{}
				}
			})
		}
		for range agents {
			<-enough
		}
		s.Kill(t)
		stop()
		wg.Wait()
	}
	s.Start(t)
	h.quiet(t, s)
	all := 0
	got, c := h.arrivals(t, partners...), s.colleague(t, agentEmail)
	for i, number := range tickets {
		all += len(answered[i])
		c.checkAnswered(t, number, answered[i], got)
	}
	t.Logf("%d replies acknowledged over %d kills", all, rounds)
}

// checkAnswered finds each reply that was answered 201 on its ticket, and in the partner's
// mailbox under one Message-ID: the same mail may have come twice.
func (c *colleague) checkAnswered(t *testing.T, number string, answered map[string]bool, arrived map[string][]string) {
	t.Helper()
	there := map[string]bool{}
	for _, e := range c.ticket(t, number).Entries {
		there[e.Body] = true
	}
	for words := range answered {
		ids := slices.Compact(slices.Sorted(slices.Values(arrived[words])))
		if !there[words] || len(ids) != 1 {
			t.Errorf("%s: %q is on the ticket: %v; it arrived as %q", number, words, there[words], ids)
		}
	}
}
