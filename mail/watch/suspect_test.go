package watch

import (
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// What people's programs mark mail with need not be an atom.
func TestAKeywordThatBreaksTheProtocolKeepsNoMailFromUs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(numbered(1), numbered(2))
		s.flags = `\Seen [urgent] größe`
		h := newBadHouse(t, s)
		h.start()
		time.Sleep(time.Minute)
		h.decided(2, 2)
		if n := h.door.dialed.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestAMailThatBreaksTheProtocolIsSetAside(t *testing.T) {
	breaks := map[string]func(c *lineConn, command string){
		"unknown item, unasked": func(c *lineConn, _ string) { c.say("* 2 FETCH (UID 2 X-GM-LABELS (inbox))") },
		"the connection ends":   func(c *lineConn, _ string) { c.Close() },
		"announces 200 MB": func(c *lineConn, command string) {
			if strings.Contains(command, "BODY") {
				c.say("* 2 FETCH (UID 2 RFC822.SIZE 10 BODY[]<0> {209715200}")
			} else {
				c.fetch(2, command)
			}
		},
		"comes at 1 kB/s": func(c *lineConn, command string) {
			if !strings.Contains(command, "BODY") {
				c.fetch(2, command)
				return
			}
			c.say("* 2 FETCH (UID 2 RFC822.SIZE 262145 BODY[]<0> {262145}")
			for range 262 {
				time.Sleep(time.Second)
				if _, err := c.Write(make([]byte, 1000)); err != nil {
					return
				}
			}
		},
		"falls silent": func(c *lineConn, _ string) { c.r.ReadString('\n') },
		"sends nothing": func(c *lineConn, command string) {
			if !strings.Contains(command, "BODY") {
				c.fetch(2, command)
			}
		},
		"holds it but cannot read it": func(c *lineConn, command string) {
			if strings.Contains(command, "BODY") {
				c.say("* 2 FETCH (UID 2 BODY[]<0> NIL)")
			} else {
				c.fetch(2, command)
			}
		},
	}
	t.Parallel()
	for name, bad := range breaks {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer(numbered(1), numbered(2), numbered(3))
				s.instead = func(c *lineConn, tag, command string) bool {
					if !strings.Contains(command, "FETCH") {
						return false
					}
					return c.failing(tag, command, 2, func(string) bool { return true },
						func(c *lineConn, a answer) { bad(c, a.command) })
				}
				h := newBadHouse(t, s)
				w, _ := h.start()
				time.Sleep(9 * time.Minute)
				s.put(4, numbered(4))
				time.Sleep(10 * time.Minute)
				if n := len(h.outbox()); n != 3 {
					t.Errorf("%d answers while one mail cannot be read, want 3: the others do not wait for it", n)
				}
				time.Sleep(40 * time.Minute)
				rows := h.rows()
				if len(rows) != 4 || len(h.outbox()) != 3 {
					t.Fatalf("%d mails and %d answers, want 4 and 3", len(rows), len(h.outbox()))
				}
				for _, r := range rows {
					if (r.State == store.InboundQuarantined) != (r.UID == 2) {
						t.Errorf("mail %d is %s", r.UID, r.State)
					}
				}
				if got := w.Health(); got.State != StateIdle || got.Quarantined != 1 {
					t.Errorf("health is %+v", got)
				}
				if s.sent("UID FETCH") > 60 {
					t.Errorf("%d FETCH commands: it is tried again and again", s.sent("UID FETCH"))
				}
			})
		})
	}
}

// A server in trouble for an hour costs no good mail.
func TestAServerIsInTroubleForAnHour(t *testing.T) {
	t.Parallel()
	for how, trouble := range map[string]func(c *lineConn, tag string){
		"and says so":    func(c *lineConn, tag string) { c.say("%s NO [UNAVAILABLE] a disk is away", tag) },
		"and hangs up":   func(c *lineConn, tag string) { c.Close() },
		"and sends none": func(c *lineConn, tag string) { c.say("%s OK done", tag) },
	} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer()
				for i := range 30 {
					s.put(uint32(i+1), numbered(i))
				}
				well := time.Now().Add(time.Hour)
				s.instead = func(conn *lineConn, tag, command string) bool {
					if time.Now().After(well) || !strings.Contains(command, "BODY.PEEK") {
						return false
					}
					trouble(conn, tag)
					return true
				}
				h := newBadHouse(t, s)
				h.start()
				time.Sleep(3 * time.Hour)
				h.decided(30, 30)
			})
		})
	}
}
