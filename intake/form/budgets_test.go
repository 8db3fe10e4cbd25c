package form_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"signpost/store"
)

// postFrom posts as a script on a machine of that address does.
func (w *world) postFrom(addr, email string) int {
	r := httptest.NewRequest("POST", "/contact", strings.NewReader(with(good(), "email", email).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.RemoteAddr = "[" + addr + "]:4711"
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out.Code
}

// flood posts n times, 64 at once, and returns how many were taken.
func (w *world) flood(n int, who func(i int) (addr, email string)) (taken int) {
	w.t.Helper()
	todo, codes := make(chan int), make(chan int, n)
	var posting sync.WaitGroup
	for range 64 {
		posting.Go(func() {
			for i := range todo {
				codes <- w.postFrom(who(i))
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	posting.Wait()
	close(codes)
	for code := range codes {
		if code == 201 {
			taken++
		}
	}
	return taken
}

// mails is how many confirmations are in a state: queued are those on their way.
func (w *world) mails(state store.OutboundState) uint64 {
	w.t.Helper()
	stats, err := w.db.Stats(w.t.Context())
	fatal(w.t, err)
	return stats.Outbounds[state]
}

// releases what is throttled as if it were so much later.
func (w *world) releases(after time.Duration) store.Released {
	w.t.Helper()
	done, err := w.db.ReleaseThrottled(w.t.Context(), time.Now().Add(after), 100_000)
	fatal(w.t, err)
	return done
}

// TestAFloodOfPostsIsNoFloodOfMail: every post is taken, what the budgets allow is
// mailed, and a partner from elsewhere gets theirs.
func TestAFloodOfPostsIsNoFloodOfMail(t *testing.T) {
	t.Parallel()
	elsewhere := func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) } // each in a /48 of its own
	for name, tt := range map[string]struct {
		posts int
		who   func(i int) (addr, email string)
		most  uint64
		later store.Released // what two hours later leaves, and what never will
	}{
		"one /48": {10_000, func(i int) (string, string) {
			return fmt.Sprintf("2001:db8:7:%x::1", i), fmt.Sprintf("p@company%d.example", i)
		}, 240, store.Released{Queued: 240}},
		"one IPv4 /24": {2000, func(i int) (string, string) {
			return fmt.Sprintf("::ffff:192.0.2.%d", i%256), fmt.Sprintf("p@company%d.example", i)
		}, 240, store.Released{Queued: 240}},
		"one Gmail mailbox in 100 spellings": {100, func(i int) (string, string) { return elsewhere(i), spelling(i) }, 10,
			store.Released{Queued: 10, Suppressed: 80}},
		"one catch-all domain": {300, func(i int) (string, string) {
			return elsewhere(i), fmt.Sprintf("p%d@%s", i,
				[]string{"all.example", "ALL.example", "sub.all.example", "x.y.all.example"}[i%4])
		}, 30, store.Released{Queued: 30}},
		"one customer's name at a public host": {200, func(i int) (string, string) {
			return elsewhere(i), fmt.Sprintf("p%d@bo.gmx.de", i)
		}, 30, store.Released{Queued: 30}},
		"a public host": {300, func(i int) (string, string) { return elsewhere(i), fmt.Sprintf("p%d@gmail.com", i) },
			300, store.Released{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *setting) { s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0 })
			if taken := w.flood(tt.posts, tt.who); taken != tt.posts {
				t.Errorf("%d of %d posts were taken", taken, tt.posts)
			}
			if mails := w.mails(store.StateQueued); mails != tt.most || mails+w.mails(store.StateThrottled) != uint64(tt.posts) {
				t.Errorf("%d confirmations leave, want %d; %d wait", mails, tt.most, w.mails(store.StateThrottled))
			}
			if code := w.postFrom("203.0.113.9", "ana@partner.example"); code != 201 || w.mails(store.StateQueued) != tt.most+1 {
				t.Errorf("a partner from elsewhere: %d, and %d confirmations", code, w.mails(store.StateQueued))
			}
			if done := w.releases(2 * time.Hour); done != tt.later {
				t.Errorf("two hours later %+v, want %+v", done, tt.later)
			}
		})
	}
}

// TestAPartnerDoesNotWaitBehindAFlood: when the limit over all is spent, the page
// says that the mail comes later, and it leaves with the first that do.
func TestAPartnerDoesNotWaitBehindAFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) {
		s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress, s.cfg.ConfirmationsInAll = 0, 0, 50
	})
	w.flood(500, func(i int) (string, string) {
		return fmt.Sprintf("2001:db8:%x:%x::1", i%10, i), fmt.Sprintf("p@company%d.example", i)
	})
	if queued, waits := w.mails(store.StateQueued), w.mails(store.StateThrottled); queued != 50 || waits != 450 {
		t.Fatalf("%d leave and %d wait", queued, waits)
	}
	page := w.get(w.post(good()).Header().Get("Location")).Body.String()
	contains(t, page, "Our email to you comes a little later", "ana@partner.example")
	lacks(t, page, "did not send a confirmation", "look in your spam folder")
	if done := w.releases(2 * time.Hour); done != (store.Released{Queued: 50}) {
		t.Fatalf("two hours later %+v", done)
	}
	mails, err := store.Items(w.db.OutboundsTo(t.Context(), "ana@partner.example", store.Page{Limit: 1}))
	fatal(t, err)
	if mails[0].State != store.StateQueued {
		t.Errorf("the partner's confirmation is %s", mails[0].State)
	}
	if done := w.releases(24 * time.Hour); done != (store.Released{Suppressed: 401}) {
		t.Errorf("after the promised date %+v", done)
	}
}

// spelling writes one Gmail address in its ways: dots, tags, the other name, capitals.
func spelling(i int) string {
	local := "anaruiz"
	for at := len(local) - 1; at > 0; at-- {
		if i>>(at-1)&1 == 1 {
			local = local[:at] + "." + local[at:]
		}
	}
	if i%3 == 1 {
		local = strings.ToUpper(local) + fmt.Sprintf("+%d", i)
	}
	return local + []string{"@gmail.com", "@GoogleMail.com"}[i%2]
}

// TestPostsThatNameAPartnerDoNotLockThePartnerOut: what a stranger posts in a partner's name
// counts for where the stranger is.
func TestPostsThatNameAPartnerDoNotLockThePartnerOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last int
	for range 21 {
		last = w.postFrom("2001:db8:7::1", "ana@partner.example")
	}
	if last != 429 {
		t.Fatalf("the 21st post in an hour that names one address is answered with %d", last)
	}
	for range 20 {
		if code := w.postFrom("203.0.113.9", "ana@partner.example"); code != 201 {
			t.Fatalf("the partner gets %d", code)
		}
	}
	if mails := w.mails(store.StateQueued); mails != 10 {
		t.Errorf("%d confirmations to one address", mails)
	}
}
