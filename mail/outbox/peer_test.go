package outbox

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
)

// Replies that are not lines but deeds of a scripted relay.
const (
	plainData = "354 go on" // given only where there is a recipient

	hangUp  = "<hang up>" // closes the connection
	silence = "<silence>" // reads on, never answers
	deaf    = "<deaf>"    // neither reads nor answers
	endless = "<endless>" // says something every second, and never ends the line
)

// peer is a relay that answers by script: what it says to a line is looked up by
// the whole line, then by its verb. It lives on net.Pipe, so a bubble's clock
// runs it.
type peer struct {
	mu     sync.Mutex
	script map[string]string
	// onReply, when set, may change an answer; key is the line, or "DOT" for
	// the end of a message.
	onReply    func(line, planned string) string
	dead       bool                     // refuses to be dialled
	limit      int                      // connections it allows, 0: any number
	pause      map[string]time.Duration // how long it thinks before an answer
	slow       map[string]time.Duration // the same before RCPT, by recipient domain
	stallAfter int                      // bytes of a message after which it reads no more, 0: never

	dials int
	lines []string // every command line
	mails []string // every message taken, as it came
	rcpts []string // the recipients of those taken
	open  int
}

// newPeer returns a relay that takes everything, with changes to its script.
func newPeer(changes map[string]string) *peer {
	p := &peer{script: map[string]string{
		"GREETING": "220 relay.example ESMTP",
		"EHLO":     "250-relay.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 DSN",
		"HELO":     "250 relay.example",
		"MAIL":     "250 2.1.0 ok",
		"RCPT":     "250 2.1.5 ok",
		"DATA":     plainData,
		"DOT":      "250 2.0.0 queued as 77",
		"RSET":     "250 2.0.0 ok",
		"NOOP":     "250 2.0.0 ok",
		"QUIT":     "221 2.0.0 bye",
	}}
	for k, v := range changes {
		p.script[k] = v
	}
	return p
}

func (p *peer) set(key, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script[key] = answer
}

func (p *peer) setDead(dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = dead
}

func (p *peer) dial(context.Context, string, string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials++
	if p.dead {
		return nil, errors.New("connection refused")
	}
	p.open++
	ours, theirs := net.Pipe()
	go p.serve(theirs)
	return ours, nil
}

func (p *peer) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
	}()
	r := bufio.NewReader(conn)
	p.mu.Lock()
	full := p.limit > 0 && p.open > p.limit
	p.mu.Unlock()
	if full {
		io.WriteString(conn, "421 4.7.0 too many connections\r\n")
		return
	}
	ok := p.answer(conn, r, "GREETING")
	var rcpt string
	var begun bool // a transaction, which only a message or RSET ends
	var valid bool // it has a recipient
	for ok {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.mu.Lock()
		p.lines = append(p.lines, line)
		p.mu.Unlock()
		if strings.HasPrefix(line, "RCPT") {
			rcpt = line
		}
		if line == "DATA" && !valid && p.reply(line) == plainData {
			_, err := io.WriteString(conn, "503 5.5.1 no valid recipients\r\n")
			ok = err == nil
			continue
		}
		if line == "DATA" && strings.HasPrefix(p.reply(line), "354") {
			ok, begun, valid = p.message(conn, r, rcpt), false, false
			continue
		}
		if begun && strings.HasPrefix(line, "MAIL") {
			_, err := io.WriteString(conn, "503 5.5.1 nested MAIL\r\n")
			ok = err == nil
			continue
		}
		said := p.reply(line)
		begun = strings.HasPrefix(line, "MAIL") && strings.HasPrefix(said, "2") || begun && line != "RSET"
		valid = begun && (valid || strings.HasPrefix(line, "RCPT") && strings.HasPrefix(said, "2"))
		ok = p.say(conn, r, line, said) && line != "QUIT"
	}
}

// message takes one message up to its final dot.
func (p *peer) message(conn net.Conn, r *bufio.Reader, rcpt string) bool {
	if !p.answer(conn, r, "DATA") {
		return false
	}
	var text strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(line)
		p.mu.Lock()
		stall := p.stallAfter > 0 && text.Len() > p.stallAfter
		p.mu.Unlock()
		if stall {
			return p.stall()
		}
	}
	p.mu.Lock()
	if strings.HasPrefix(p.script["DOT"], "2") || p.script["DOT"] == hangUp {
		p.mails = append(p.mails, text.String())
		p.rcpts = append(p.rcpts, rcpt)
	}
	p.mu.Unlock()
	return p.answer(conn, r, "DOT")
}

// reply is what the script says to a line.
func (p *peer) reply(line string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer, ok := p.script[line]
	if !ok {
		verb, _, _ := strings.Cut(line, " ")
		if answer, ok = p.script[verb]; !ok {
			answer = "500 5.5.1 what?"
		}
	}
	if p.onReply != nil {
		answer = p.onReply(line, answer)
	}
	return answer
}

func (p *peer) answer(conn net.Conn, r *bufio.Reader, line string) bool {
	return p.say(conn, r, line, p.reply(line))
}

func (p *peer) say(conn net.Conn, r *bufio.Reader, line, answer string) bool {
	time.Sleep(p.delay(line))
	switch answer {
	case hangUp:
		return false
	case silence:
		io.Copy(io.Discard, r)
		return false
	case deaf:
		return p.stall()
	case endless:
		for {
			if _, err := io.WriteString(conn, "2"); err != nil {
				return false
			}
			time.Sleep(time.Second)
		}
	default:
		_, err := io.WriteString(conn, answer+"\r\n")
		return err == nil
	}
}

// stall takes and says nothing for longer than any sender waits.
func (p *peer) stall() bool { time.Sleep(20 * time.Minute); return false }

// delay is how long the script thinks before it answers a line.
func (p *peer) delay(line string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rcpt, ok := strings.CutPrefix(line, "RCPT TO:<"); ok {
		address, _, _ := strings.Cut(rcpt, ">")
		return p.slow[store.Domain(address)]
	}
	return p.pause[line]
}

// taken is how many mails the relay took.
func (p *peer) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mails)
}

// takenFor is how many of the mails taken had a recipient that holds part.
func (p *peer) takenFor(part string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rcpts {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

// forget forgets the mails taken.
func (p *peer) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails, p.rcpts = nil, nil
}

// connections is how many are open.
func (p *peer) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

func (p *peer) dialled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// said returns the command lines that begin with verb.
func (p *peer) said(verb string) (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.HasPrefix(l, verb) {
			out = append(out, l)
		}
	}
	return out
}

// composed makes a small mail of a row.
func composed(_ context.Context, row store.Outbound) (Message, error) {
	m := Message{
		From: "bounce+" + row.MessageID, To: row.To, EnvelopeID: row.MessageID,
		Bytes: []byte("Message-ID: <" + row.MessageID + ">\r\n\r\nHello.\r\n"),
	}
	if row.Kind == store.MailAutoResponse {
		m.From, m.NotifyNever = "", true
	}
	return m, nil
}

// desk is a sender at work between an outbox in memory and a scripted relay.
type desk struct {
	*Sender
	box  *memory
	stop func() // ends Run and waits for it
}

// atWork starts a sender on box inside the current bubble.
func atWork(t *testing.T, box *memory, p *peer, change func(*Config)) *desk {
	t.Helper()
	cfg := Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial}
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	d := &desk{box: box}
	d.Sender = New(cfg, d.box, composed, slog.New(slog.DiscardHandler), Observer{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return d
}

// post queues a mail and kicks, as the form does.
func (d *desk) post(kind store.OutboundKind, to string) store.OutboundID {
	id := d.box.add(kind, to)
	d.Kick()
	return id
}

// story runs f in a bubble with a desk, and stops the desk at its end.
func story(t *testing.T, p *peer, change func(*Config), f func(*desk)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := atWork(t, newMemory(), p, change)
		f(d)
		d.stop()
		time.Sleep(time.Hour) // the relay's own waits end
	})
}

// want fails unless the row stands in state.
func (d *desk) want(t *testing.T, id store.OutboundID, state store.OutboundState) store.Outbound {
	t.Helper()
	row := d.box.get(id)
	if row.State != state {
		t.Errorf("outbound %d is %s after %d tries (%s), want %s", id, row.State, row.Attempts, row.Reply, state)
	}
	return row
}
