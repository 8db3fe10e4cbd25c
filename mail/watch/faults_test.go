package watch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/mail/triage"
	"signpost/store"
)

// frail is a connection on which something happens at the n-th write of the
// client.
type frail struct {
	net.Conn
	left *atomic.Int64
	mode string
	dead chan struct{}
}

func (f *frail) Write(b []byte) (int, error) {
	switch n := f.left.Add(-1); {
	case n > 0:
		return f.Conn.Write(b)
	case n < 0 && f.mode == "silent":
		return len(b), nil
	case f.mode == "lost": // the command never arrives
		f.Conn.Close()
		return 0, net.ErrClosed
	case f.mode == "silent": // it arrives, and nothing comes back
		close(f.dead)
	}
	return f.Conn.Write(b)
}

func (f *frail) Read(b []byte) (int, error) {
	if f.left.Load() <= 0 && f.mode == "cut" { // it arrives, the answer does not
		f.Conn.Close()
	}
	n, err := f.Conn.Read(b)
	select {
	case <-f.dead:
		for err == nil {
			_, err = f.Conn.Read(make([]byte, 1<<10))
		}
		return 0, err
	default:
		return n, err
	}
}

// A connection may end, or fall silent, at any command: every mail is in the
// ledger once all the same, and every person answered once.
func TestTheConnectionFailsAtAnyCommand(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"lost", "cut", "silent"} {
		for k := int64(1); k <= 14; k++ {
			t.Run(fmt.Sprint(mode, k), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					h := newHouse(t)
					h.connectedBefore()
					for i := range 3 {
						h.deliver(numbered(i))
					}
					h.box.Dial = func(ctx context.Context) (net.Conn, error) {
						conn, err := h.door.dial(ctx)
						if err != nil || h.door.dialed.Load() > 1 {
							return conn, err
						}
						f := &frail{Conn: conn, left: new(atomic.Int64), mode: mode, dead: make(chan struct{})}
						f.left.Store(k)
						return f, nil
					}
					h.start()
					time.Sleep(30 * time.Second)
					h.deliver(numbered(3))
					time.Sleep(20 * time.Minute)
					h.decided(4, 4)
					if n := h.door.dialed.Load(); k < 8 && n != 2 {
						t.Errorf("dialled %d times, want twice", n)
					}
				})
			})
		}
	}
}

// mortal is a ledger of a process that dies at the n-th verb: before it, or
// after it was written but before that was known.
type mortal struct {
	Ledger
	left  atomic.Int64
	after bool
}

var errDead = errors.New("the process is dead")

func step[T any](m *mortal, verb func() (T, error)) (v T, err error) {
	n := m.left.Add(-1)
	if n < 0 || n == 0 && !m.after {
		return v, errDead
	}
	if v, err = verb(); n == 0 {
		err = errDead
	}
	return v, err
}

func (m *mortal) ConnectMailbox(ctx context.Context, now time.Time, box string) (store.MailboxState, error) {
	return step(m, func() (store.MailboxState, error) { return m.Ledger.ConnectMailbox(ctx, now, box) })
}

func (m *mortal) BeginEpoch(ctx context.Context, now time.Time, box string, v uint32) (store.MailboxState, error) {
	return step(m, func() (store.MailboxState, error) { return m.Ledger.BeginEpoch(ctx, now, box, v) })
}

func (m *mortal) RecordInbound(ctx context.Context, now time.Time, mails []store.NewInbound) ([]store.Inbound, error) {
	return step(m, func() ([]store.Inbound, error) { return m.Ledger.RecordInbound(ctx, now, mails) })
}

func (m *mortal) DecideInbound(ctx context.Context, now time.Time, d []store.Decision) ([]store.Inbound, error) {
	return step(m, func() ([]store.Inbound, error) { return m.Ledger.DecideInbound(ctx, now, d) })
}

func (m *mortal) SkipTo(ctx context.Context, box string, v, uid uint32) error {
	_, err := step(m, func() (int, error) { return 0, m.Ledger.SkipTo(ctx, box, v, uid) })
	return err
}

func (m *mortal) PendingInbound(ctx context.Context, box string, p store.Page) (store.List[store.Inbound], error) {
	return step(m, func() (store.List[store.Inbound], error) { return m.Ledger.PendingInbound(ctx, box, p) })
}

// The process is killed between every two steps; the next one over the same
// store finishes the work, and no sender is answered twice.
func TestTheProcessDiesBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	for k := int64(1); k <= 10; k++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(k, after), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					h := newHouse(t)
					h.connectedBefore()
					for i := range chunkMails + 20 { // two chunks
						h.deliver(numbered(i))
					}
					m := &mortal{Ledger: h.ledger, after: after}
					m.left.Store(k)
					h.deps.Ledger = m
					_, stop := h.start()
					time.Sleep(time.Minute)
					stop()
					h.deps.Ledger = h.ledger
					h.start()
					time.Sleep(time.Minute)
					h.decided(chunkMails+20, chunkMails+20)
				})
			})
		}
	}
}

// stumbling is a ledger that takes long over the first chunk, and then dies.
type stumbling struct {
	Ledger
	calls, dead atomic.Int64
}

func (l *stumbling) RecordInbound(ctx context.Context, now time.Time, mails []store.NewInbound,
) ([]store.Inbound, error) {
	if l.calls.Add(1) == 1 {
		time.Sleep(time.Second)
		l.dead.Store(1)
	}
	if l.dead.Load() == 1 {
		return nil, errDead
	}
	return l.Ledger.RecordInbound(ctx, now, mails)
}

// The cursor never passes a chunk that is not yet in the ledger, though the next
// is quicker.
func TestChunksAreDecidedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		for i := range 3 * chunkMails {
			h.deliver(numbered(i))
		}
		h.deps.Ledger = &stumbling{Ledger: h.ledger}
		_, stop := h.start()
		time.Sleep(10 * time.Second)
		stop()
		state, err := h.ledger.ConnectMailbox(context.Background(), time.Now(), "main")
		h.must(err)
		if state.UID != 0 {
			t.Errorf("the cursor stands at %d, but mail 1 is not in the ledger", state.UID)
		}
		h.deps.Ledger = h.ledger
		h.start()
		time.Sleep(time.Minute)
		h.decided(3*chunkMails, 3*chunkMails)
	})
}

func TestTheFolderIsRenumberedWhileWeWatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.start()
		for i := range 3 {
			h.deliver(numbered(i))
		}
		time.Sleep(time.Minute)
		h.must(h.user.Delete("INBOX"))
		h.must(h.user.Create("INBOX", nil))
		for i := range 4 {
			h.deliver(numbered(i))
		}
		time.Sleep(2 * turnEvery)
		h.decided(4, 4)
		for _, row := range h.rows() {
			if row.UIDValidity != 2 {
				t.Errorf("mail %d stands under UIDVALIDITY %d, want 2", row.UID, row.UIDValidity)
			}
		}
	})
}

func TestMailIsAnnouncedWhileWeFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1), numbered(2))
		late := false
		s.instead = func(c *lineConn, tag, command string) bool {
			if late || !strings.Contains(command, "BODY.PEEK") {
				return false
			}
			late = true
			c.fetch(1, command)
			s.put(3, numbered(3))
			c.say("* 3 EXISTS")
			c.fetch(2, command)
			c.say("%s OK done", tag)
			return true
		}
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(100 * time.Millisecond)
		h.decided(3, 3)
	})
}

// A server that never announces what came between the last FETCH and IDLE.
func TestMailArrivesUnannouncedBeforeIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		s.on("IDLE", func(c *lineConn, tag string) {
			switch s.sent("IDLE") {
			case 1:
				s.put(2, numbered(2))
			case 3: // after the listing that found nothing more
				s.put(3, numbered(3))
			}
			s.answer(c, tag, "IDLE")
		})
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(3 * time.Second)
		h.decided(2, 2)
		time.Sleep(10 * time.Second)
		h.decided(3, 3)
		before := s.sent("IDLE")
		time.Sleep(time.Hour)
		if n := s.sent("IDLE") - before; n > 30 {
			t.Errorf("%d IDLE commands in an hour of nothing, want a turn every 9 minutes with a few listings more", n)
		}
	})
}

// Some servers announce mail at every command, though none has come. They are not
// asked as fast as the line allows, and what does come is read soon all the same.
func TestMailIsAnnouncedThatNeverCame(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"IDLE", "UID FETCH"} {
		t.Run(at, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer(numbered(1))
				s.instead = func(c *lineConn, tag, command string) bool {
					if !strings.HasPrefix(command, at) {
						return false
					}
					time.Sleep(20 * time.Millisecond) // the round trip
					if at != "IDLE" {
						c.say("* 1 EXISTS")
						return false
					}
					c.say("+ idling\r\n* 1 EXISTS")
					c.r.ReadString('\n')
					c.say("%s OK done", tag)
					return true
				}
				h := newBadHouse(t, s)
				_, stop := h.start()
				time.Sleep(10 * time.Minute)
				h.decided(1, 1)
				if n := s.sent("UID FETCH"); n > 100 {
					t.Errorf("%d times listed or fetched in ten minutes of nothing", n)
				}
				s.put(2, numbered(2))
				time.Sleep(maxHollow + time.Second)
				h.decided(2, 2)
				stop()
				time.Sleep(time.Second) // the server sees the end of it
			})
		})
	}
}

// A line without an end, said before the login, does not all come into
// memory.
func TestALineThatNeverEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		var taken atomic.Int64
		s.on("LOGIN", func(c *lineConn, tag string) {
			fmt.Fprint(c, "* OK ")
			for drivel := make([]byte, 64<<10); taken.Load() <= 2*strangerBytes; {
				n, err := c.Write(drivel)
				if taken.Add(int64(n)); err != nil {
					break
				}
			}
			c.Close()
		})
		h := newBadHouse(t, s)
		_, stop := h.start()
		time.Sleep(backoffFirst / 4) // it has not come back yet
		stop()
		if n := taken.Load(); n == 0 || n > strangerBytes+4096 {
			t.Errorf("%d bytes were taken", n)
		}
	})
}

// A folder of years takes long to read: the operator can tell that from a host that
// does not answer.
func TestALongFirstCycleIsSeenToAdvance(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer()
		for i := range 12 * chunkMails {
			s.put(uint32(i+1), numbered(i))
		}
		s.instead = func(c *lineConn, tag, command string) bool {
			if strings.Contains(command, "BODY") {
				time.Sleep(2 * time.Minute) // a slow line, or a host that throttles
			}
			return false
		}
		h := newBadHouse(t, s)
		h.deps.Classify = func([]byte, triage.Envelope) triage.Result { return triage.Result{} }
		w, _ := h.start()
		for range 2 {
			time.Sleep(10*time.Minute + time.Second) // between two chunks
			got := w.Health()
			if got.State != StateReading || !got.LastCycle.IsZero() || time.Since(got.Advanced) > 5*time.Minute ||
				got.Waiting == 0 {
				t.Errorf("health is %+v", got)
			}
		}
		h.door.Close()
	})
}

// A folder whose listing is refused is not taken for an empty one: it is asked in
// another way, and where that is refused too, an alarm says so.
func TestAListingThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1), numbered(2))
		refuse := func(c *lineConn, tag string) { c.say("%s NO exceeded command or bandwidth limits", tag) }
		s.instead = func(c *lineConn, tag, command string) bool {
			if strings.HasPrefix(command, "UID FETCH") && !strings.Contains(command, "BODY") {
				refuse(c, tag)
				return true
			}
			return false
		}
		h := newBadHouse(t, s)
		w, _ := h.start()
		time.Sleep(time.Minute)
		h.decided(2, 2)
		s.on("UID SEARCH", refuse)
		s.put(3, numbered(3))
		time.Sleep(30 * time.Minute)
		got := w.Health()
		if !strings.Contains(got.LastError, "bandwidth limits") || time.Since(got.LastCycle) < 20*time.Minute {
			t.Errorf("health is %+v", got)
		}
	})
}

// NetEase opens no folder to a client that has not said what it is.
func TestAServerThatWantsToKnowWhoWeAre(t *testing.T) {
	t.Parallel()
	for _, said := range []string{`("name" "Coremail" "vendor" "Mailtech" "TransID" "x")`, "NIL"} {
		t.Run(said, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer(numbered(1))
				s.caps += " ID"
				s.on("ID ", func(c *lineConn, tag string) { c.say("* ID %s\r\n%s OK done", said, tag) })
				s.instead = func(known func(*lineConn, string, string) bool) func(*lineConn, string, string) bool {
					return func(c *lineConn, tag, command string) bool {
						if strings.HasPrefix(command, "SELECT") && s.sent("ID ") == 0 {
							c.say("%s NO SELECT Unsafe Login. Please contact us for help", tag)
							return true
						}
						return known(c, tag, command)
					}
				}(s.instead)
				h := newBadHouse(t, s)
				h.start()
				time.Sleep(time.Minute)
				h.decided(1, 1)
				if n := h.door.dialed.Load(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		})
	}
}

// A proxy may offer what the server behind it refuses.
func TestAServerThatRefusesIdleIsPolled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		s.on("IDLE", func(c *lineConn, tag string) { c.say("%s NO not on this mailbox", tag) })
		h := newBadHouse(t, s)
		w, _ := h.start()
		time.Sleep(time.Hour)
		s.put(2, numbered(2))
		time.Sleep(pollEvery + time.Second)
		h.decided(2, 2)
		if got := w.Health(); h.door.dialed.Load() != 1 || got.State != StateIdle || got.LastError != "" {
			t.Errorf("%d connections, health %+v", h.door.dialed.Load(), got)
		}
	})
}

func TestAHostWithoutIdleIsPolled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer()
		s.caps = "IMAP4rev1"
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(time.Second)
		s.put(1, numbered(1))
		time.Sleep(pollEvery + time.Second)
		h.decided(1, 1)
	})
}

func TestAMailIsExpungedBetweenListingAndFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1), numbered(2), numbered(3))
		s.instead = func(c *lineConn, tag, command string) bool {
			if strings.Contains(command, "BODY.PEEK") {
				s.remove(2)
				s.remove(3)
			}
			return false
		}
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(time.Minute)
		h.decided(1, 1)
		state, err := h.ledger.ConnectMailbox(context.Background(), time.Now(), "main")
		h.must(err)
		if state.UID != 3 {
			t.Errorf("the cursor stands at %d, want 3", state.UID)
		}
	})
}

// Some servers hand out UIDs out of order: a mail appears below the cursor.
func TestReconciliationFindsWhatTheCursorMissed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		s.put(9, numbered(9))
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(time.Minute)
		s.put(5, numbered(5))
		time.Sleep(reconcileEvery + 2*turnEvery)
		h.decided(3, 3)
	})
}

func TestJudgingPanicsOrHangs(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"panics", "hangs"} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				release := make(chan struct{})
				defer close(release)
				h.deps.Classify = func(raw []byte, e triage.Envelope) triage.Result {
					if strings.Contains(string(raw), "<m1@") {
						if how == "panics" {
							panic("index out of range")
						}
						<-release
					}
					return triage.Classify(raw, e)
				}
				for i := range 3 {
					h.deliver(numbered(i))
				}
				h.start()
				time.Sleep(time.Hour)
				rows := h.rows()
				if rows[0].State != store.InboundDecided || rows[1].State != store.InboundQuarantined ||
					rows[2].State != store.InboundDecided {
					t.Errorf("the mails are %s, %s, %s", rows[0].State, rows[1].State, rows[2].State)
				}
				if !strings.Contains(rows[1].Fault, "judging") {
					t.Errorf("the fault reads %q", rows[1].Fault)
				}
			})
		})
	}
}

// fullLedger has no room for verdicts for a while.
type fullLedger struct {
	Ledger
	full *atomic.Bool
}

func (f *fullLedger) DecideInbound(ctx context.Context, now time.Time, d []store.Decision) ([]store.Inbound, error) {
	if f.full.Load() {
		return nil, fmt.Errorf("decide inbound: %w", store.ErrFull)
	}
	return f.Ledger.DecideInbound(ctx, now, d)
}

func TestTheStoreIsFullForAWhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		var full atomic.Bool
		full.Store(true)
		h.deps.Ledger = &fullLedger{Ledger: h.ledger, full: &full}
		h.deliver(numbered(1))
		w, _ := h.start()
		time.Sleep(10 * time.Minute)
		if got := w.Health(); got.State != StateWaiting || got.Waiting != 1 || !strings.Contains(got.LastError, "full") {
			t.Errorf("health is %+v", got)
		}
		full.Store(false)
		time.Sleep(6 * time.Minute)
		h.decided(1, 1)
		if n := w.Health().Waiting; n != 0 {
			t.Errorf("%d mails wait still", n)
		}
	})
}

// A server that neither moves nor makes the folder is asked once a chunk, and
// the watch goes on.
func TestMovingIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		s.caps += " MOVE"
		s.on("UID MOVE", func(c *lineConn, tag string) { c.say("%s NO [TRYCREATE] no such folder", tag) })
		s.on("CREATE", func(c *lineConn, tag string) { c.say("%s NO [NOPERM] not here", tag) })
		h := newBadHouse(t, s)
		h.box.MoveTo = "Processed"
		h.start()
		time.Sleep(time.Minute)
		h.decided(1, 1)
		s.put(2, numbered(2))
		time.Sleep(20 * time.Minute)
		h.decided(2, 2)
		if moves, made := s.sent("UID MOVE"), s.sent("CREATE"); moves != 4 || made != 2 || h.door.dialed.Load() != 1 {
			t.Errorf("asked to move %d times and to create %d times, over %d connections", moves, made, h.door.dialed.Load())
		}
	})
}

func TestAServerWithoutMoveIsAskedForNothingLikeIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1))
		h := newBadHouse(t, s)
		h.box.MoveTo = "Processed"
		h.start()
		time.Sleep(time.Minute)
		h.decided(1, 1)
		for _, c := range []string{"UID COPY", "UID EXPUNGE", "EXPUNGE", "UID MOVE"} {
			if s.sent(c) > 0 {
				t.Errorf("%s was sent", c)
			}
		}
		if s.sent("UID STORE 1 +FLAGS.SILENT ($SignpostDone)") != 1 {
			t.Error("the mail was not marked once")
		}
	})
}

func TestAWrongPasswordIsNotTriedOften(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.box.Password = "wrong"
		w, _ := h.start()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := w.Health(); got.State != StateRefused {
			t.Errorf("health is %+v", got)
		}
		if n := h.door.dialed.Load(); n < 5 || n > 25 {
			t.Errorf("%d logins in two hours", n)
		}
	})
}
