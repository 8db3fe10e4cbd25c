//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// road is a service whose way to each server leads through a gate.
type road struct {
	*service
	host         *mailHost
	imap, smtp   *gate
	dns          *datagramGate
	person, dead string // who writes, and whose mail comes back
	number       string // of the ticket whose confirmation comes back
	others       int    // further mails that the service has to send
}

// step is a place of the road at which the power goes.
type step struct {
	name string
	// until runs the service, from its start, to that place.
	until func(t *testing.T, r *road)
	// answers is how many the person then gets in all, and state how the one
	// answer stands in the end.
	answers int
	state   store.OutboundState
}

// steps are the places between every two steps of a stray mail's road.
func steps() []step {
	return []step{
		{"fetched and not recorded", holdIMAP(func(fromService bool, line string) bool {
			return !fromService && strings.Contains(line, "FETCH (") && strings.Contains(line, "BODY[")
		}), 1, store.StateSent},
		{"recorded and not decided", func(t *testing.T, r *road) {
			asked := r.dns.Shut()
			r.Start(t)
			awaitStep(t, asked)
		}, 1, store.StateSent},
		{"queued and not claimed", untilQueued, 1, store.StateSent},
		{"answered and not marked", func(t *testing.T, r *road) {
			holdIMAP(func(fromService bool, line string) bool {
				return fromService && strings.Contains(line, "UID STORE")
			})(t, r)
			// The sender is at work meanwhile; this step is behind it.
			eventually(t, 20*time.Second, "the answer has left", func() error {
				if n := r.metric(t, `signpost_outbox_mails{state="sent"}`); n < 2 {
					return fmt.Errorf("%v mails have", n)
				}
				return nil
			})
		}, 1, store.StateSent},
		// Its connection is open since the service began.
		{"claimed and not named", holdSMTP(func(fromService bool, line string) bool {
			return fromService && strings.HasPrefix(line, "MAIL FROM")
		}), 0, store.StateUnknown},
		{"named and no text sent", holdSMTP(func(fromService bool, line string) bool {
			return fromService && line == "DATA\r\n"
		}), 0, store.StateUnknown},
		{"before the final dot", holdSMTP(func(fromService bool, line string) bool {
			return fromService && line == ".\r\n"
		}), 0, store.StateUnknown},
		{"after the final dot and not told", func(t *testing.T, r *road) {
			untilTaken(t, r)
		}, 1, store.StateUnknown},
		{"told and not recorded", func(t *testing.T, r *road) {
			told := untilTaken(t, r)
			r.cmd.Process.Signal(syscall.SIGSTOP)
			r.smtp.LetGo()
			awaitStep(t, told.wrote)
		}, 1, store.StateUnknown},
	}
}

func holdIMAP(match func(fromService bool, line string) bool) func(*testing.T, *road) {
	return func(t *testing.T, r *road) {
		rule := r.imap.Hold(match)
		r.Start(t)
		awaitStep(t, rule.held)
	}
}

func holdSMTP(match func(fromService bool, line string) bool) func(*testing.T, *road) {
	return func(t *testing.T, r *road) {
		rule := r.smtp.Hold(match)
		r.Start(t)
		awaitStep(t, rule.held)
	}
}

// untilTaken holds the relay's reply to the final dot.
func untilTaken(t *testing.T, r *road) *rule {
	t.Helper()
	dotted := false // asked for one line at a time
	rule := r.smtp.Hold(func(fromService bool, line string) bool {
		dotted = dotted || fromService && line == ".\r\n"
		return dotted && !fromService
	})
	r.Start(t)
	awaitStep(t, rule.held)
	return rule
}

// untilQueued takes the relay away before the mail is read: another mail finds
// that out, so that the answer is queued and nobody claims it.
func untilQueued(t *testing.T, r *road) {
	reading := r.imap.Hold(func(fromService bool, line string) bool { return !fromService })
	r.smtp.Refuse(true)
	r.Start(t)
	awaitStep(t, reading.held)
	if _, _, err := partnerPost("other-"+r.person, "US").send(t.Context(), r.URL); err != nil {
		t.Fatal(err)
	}
	r.others++
	eventually(t, 20*time.Second, "the relay is found down", func() error {
		if r.metric(t, `signpost_outbox_attempts_total{outcome="queued"}`) < 1 {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	r.imap.LetGo()
	r.awaitDecided(t, 2)
}

func awaitStep(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("that step is not reached")
	}
}

// TestE2EKillAtEachStep: wherever on the road of a stray mail and a bounce the
// process dies, the person is answered at most once, the ticket learns of the
// bounce once, the ledger holds each mail once, and an answer that may or may not
// have gone out is called just that.
func TestE2EKillAtEachStep(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	for i, s := range steps() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := newRoad(t, h, fmt.Sprintf("step%d", i))
			r.prepare(t)
			s.until(t, r)
			r.Kill(t)
			r.imap.Drop()
			r.smtp.Drop()
			r.smtp.Refuse(false)
			r.dns.Open()
			r.Start(t)
			r.settle(t, s)
			r.Kill(t)
			r.check(t, s)
		})
	}
}

func newRoad(t *testing.T, h *mailHost, name string) *road {
	t.Helper()
	r := &road{host: h, imap: newGate(t, h.IMAP), smtp: newGate(t, h.SMTP), dns: newDatagramGate(t, h.DNS)}
	r.person, r.dead = name+"-person@example.net", name+"@"+usersDomain
	gated := &mailHost{SMTP: r.smtp.Address, IMAP: r.imap.Address, DNS: r.dns.Address}
	r.service = newService(t, gated, serviceOptions{us: name + "-us@example.com", intl: name + "-intl@example.com"})
	r.addOps(t)
	return r
}

// prepare leaves a bounce and a stray in the mailbox of a service that does not
// run and has seen neither.
func (r *road) prepare(t *testing.T) {
	t.Helper()
	r.Start(t)
	r.awaitRead(t)
	r.imap.Hold(func(fromService bool, line string) bool { return !fromService })
	a, _, err := partnerPost(r.dead, "US").send(t.Context(), r.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.number = a.Number
	eventually(t, 20*time.Second, "the confirmation has left", func() error {
		if r.metric(t, `signpost_outbox_mails{state="sent"}`) < 1 {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	r.host.write(t, r.person, r.US, letter(r.person, r.US, r.person, "Where is my order?"))
	r.host.awaitMail(t, r.US, 2)
	r.Kill(t)
	r.imap.Drop()
	r.smtp.Drop()
}

// settle waits until the restarted service has done what it will ever do.
func (r *road) settle(t *testing.T, s step) {
	t.Helper()
	r.awaitDecided(t, 2)
	want := map[store.OutboundState]float64{store.StateSent: float64(1 + r.others)}
	want[s.state]++
	eventually(t, 60*time.Second, "the outbox is at rest", func() error {
		for _, state := range []store.OutboundState{
			store.StateQueued, store.StateClaimed, store.StateSent, store.StateUnknown,
		} {
			if n := r.metric(t, fmt.Sprintf("signpost_outbox_mails{state=%q}", state)); n != want[state] {
				return fmt.Errorf("%v mails are %s", n, state)
			}
		}
		return nil
	})
	r.host.awaitMail(t, r.person, s.answers)
}

// check looks at the store of the dead service, from which nothing more is sent
// however long one waits.
func (r *road) check(t *testing.T, s step) {
	t.Helper()
	var stray store.InboundID
	r.inspect(t, func(db *verbs.Store) {
		later := time.Now().Add(time.Hour)
		rows, err := db.ClaimOutbound(t.Context(), later,
			store.Claim{Limit: 10, Lease: store.Leases{time.Minute}})
		if err != nil || len(rows) != 0 {
			t.Errorf("an hour later %+v are tried again: %v", rows, err)
		}
		seen, err := store.Items(db.ListInbound(t.Context(), store.Page{Limit: 10}))
		if err != nil || len(seen) != 2 {
			t.Fatalf("the ledger holds %+v: %v", seen, err)
		}
		for _, row := range seen {
			switch {
			case row.Verdict.Kind == store.KindBounce && row.Answer == 0:
			case row.Verdict.Kind == store.KindDirect && row.Answer != 0:
				stray = row.ID
				mail, err := db.Outbound(t.Context(), row.Answer)
				if err != nil || mail.State != s.state || mail.Attempts > 1 {
					t.Errorf("the answer is %s after %d tries, want %s: %v", mail.State, mail.Attempts, s.state, err)
				}
			default:
				t.Errorf("mail %d is %s, answered by %d", row.ID, row.Verdict.Kind, row.Answer)
			}
		}
		checkBounced(t, db, r.number, r.dead)
	})
	if s.state == store.StateUnknown {
		r.checkShown(t, stray)
	}
}

// checkShown reads on the stray's page what became of its answer.
func (r *road) checkShown(t *testing.T, id store.InboundID) {
	t.Helper()
	r.Start(t)
	ctx := openBrowser(t)
	r.signIn(t, ctx)
	text := pageText(t, ctx, fmt.Sprintf("%s/ops/ledger/%d", r.URL, id))
	if !strings.Contains(text, "The answer to "+r.person+" is unknown") {
		t.Errorf("the page of the mail does not say that its answer may have gone out:\n%s", text)
	}
}
