package outbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// haraka#331: servers that offer DSN, SIZE or 8BITMIME and refuse their parameters.
func TestParametersThatAreRefusedAreLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(line string) string
		refused string
	}{
		"NOTIFY": {func(line string) string {
			if strings.Contains(line, "NOTIFY=") {
				return "501 5.5.4 Unrecognized parameter NOTIFY=FAILURE,DELAY"
			}
			return ""
		}, "DSN"},
		"none named at MAIL": {func(line string) string {
			if strings.HasPrefix(line, "MAIL") && strings.Contains(line, ">"+" ") {
				return "555 5.5.4 MAIL FROM parameters not recognized or not implemented"
			}
			return ""
		}, "DSN SIZE"},
		"and hangs up": {func(line string) string {
			if strings.Contains(line, "RET=") {
				return "504 5.5.4 ENVID not implemented"
			}
			return ""
		}, "DSN"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(nil)
			p.onReply = func(line, planned string) string {
				if said := c.answer(line); said != "" {
					return said
				}
				return planned
			}
			story(t, p, nil, func(d *desk) {
				for i := range 3 {
					id := d.post(store.MailConfirmation, fmt.Sprintf("p%d@partner.example", i))
					time.Sleep(time.Second)
					if row := d.want(t, id, store.StateSent); row.Attempts != 1 {
						t.Errorf("mail %d took %d tries", i, row.Attempts)
					}
				}
				if n := len(p.said("MAIL")); n != 4 {
					t.Errorf("MAIL was said %d times for three mails, want one repeat", n)
				}
				if got := strings.Join(d.Traits().Refused, " "); got != c.refused || d.Traits().DSN {
					t.Errorf("refused: %q", got)
				}
			})
		})
	}
}

// A limit of the connection told at RCPT, DATA or the final dot costs no wait, and is
// kept from then on.
func TestALimitToldAfterMailRetiresTheConnection(t *testing.T) {
	for _, c := range [][2]string{
		{"RCPT", "452 4.4.5 Maximum number of messages per session exceeded"},
		{"DATA", "452 4.4.5 Maximum number of messages per session exceeded"},
		{"DOT", "452 4.4.5 Maximum number of messages per session exceeded"},
		{"RCPT", "550 5.7.1 Too many messages in this connection"},
		{"RCPT", "421 4.4.5 Too many messages in this session"},
		{"DATA", "421 4.7.0 closing connection"},
		{"DOT", "421 4.4.5 Too many messages in this session"},
	} {
		verb := c[0]
		t.Run(verb+" "+c[1][:9], func(t *testing.T) {
			p := newPeer(nil)
			carried := 0
			p.onReply = func(line, planned string) string {
				if line == "GREETING" {
					carried = 0
				}
				if strings.HasPrefix(line, "MAIL") {
					carried++
				}
				if strings.HasPrefix(line, verb) && carried > 5 {
					return c[1]
				}
				return planned
			}
			story(t, p, func(c *Config) { c.Sessions = 1 }, func(d *desk) {
				downs := 0
				for range 40 {
					d.post(store.MailConfirmation, "ana@partner.example")
					time.Sleep(time.Second)
					if d.Relay().Err != nil {
						downs++
					}
				}
				time.Sleep(time.Second)
				if n := d.box.count(store.StateSent); n != 40 {
					t.Errorf("%d of 40 sent", n)
				}
				limit := 5
				if !strings.Contains(c[1], "session") && !strings.Contains(c[1], "messages") {
					limit = 0 // it may have had another reason
				}
				if d.Traits().PerSession != limit || p.dialled() != 8 || downs != 0 {
					t.Errorf("%d mails a connection, %d connections, %d times down", d.Traits().PerSession, p.dialled(), downs)
				}
			})
		})
	}
}
