//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"testing"
)

// gate stands between the service and a server and passes every line on, until a
// rule holds one back. What runs behind it is the product as it is, stopped at a
// step of the road that the two ends can see.
type gate struct {
	Address string

	mu      sync.Mutex
	rule    *rule
	refuses bool
	open    map[net.Conn]bool
}

// rule holds back the lines it matches, for good or until they are let go.
type rule struct {
	match func(fromService bool, line string) bool
	once  sync.Once
	held  chan struct{} // closed when a line is held
	gone  chan struct{} // closed when held lines may pass
	wrote chan struct{} // a held line was passed on
}

// newGate opens a gate in front of a server that speaks in lines.
func newGate(t *testing.T, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Address: l.Addr().String(), open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); g.Drop() })
	go func() {
		for {
			service, err := l.Accept()
			if err != nil {
				return // closed
			}
			if g.isRefusing() {
				fmt.Fprintf(service, "421 4.3.2 come back later\r\n")
				service.Close()
				continue
			}
			host, err := net.Dial("tcp", server)
			if err != nil {
				service.Close()
				continue
			}
			g.mu.Lock()
			g.open[service], g.open[host] = true, true
			g.mu.Unlock()
			go g.pass(service, host, true)
			go g.pass(host, service, false)
		}
	}()
	return g
}

// pass copies lines one way until either end is closed.
func (g *gate) pass(from, to net.Conn, fromService bool) {
	defer to.Close()
	defer from.Close()
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var held *rule
		if err == nil { // the end of a conversation is no line of it
			if held = g.holds(fromService, string(line)); held != nil {
				<-held.gone
			}
		}
		if _, failed := to.Write(line); failed != nil || err != nil {
			return
		}
		if held != nil {
			held.wrote <- struct{}{}
		}
	}
}

// holds returns the rule that holds a line, nil when it may pass.
func (g *gate) holds(fromService bool, line string) *rule {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.rule
	if r == nil || !r.match(fromService, line) {
		return nil
	}
	r.once.Do(func() { close(r.held) })
	return r
}

// Refuse has an SMTP server turn everybody away (RFC 5321 section 3.1), or none.
func (g *gate) Refuse(everybody bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuses = everybody
}

func (g *gate) isRefusing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuses
}

// Hold has the gate hold back the lines that match, which is asked for one line
// at a time.
func (g *gate) Hold(match func(fromService bool, line string) bool) *rule {
	r := &rule{match: match, held: make(chan struct{}), gone: make(chan struct{}), wrote: make(chan struct{}, 100)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rule = r
	return r
}

// LetGo passes what was held, and all that comes.
func (g *gate) LetGo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rule != nil {
		close(g.rule.gone)
		g.rule = nil
	}
}

// Drop breaks every connection off, so that what was held is lost, and lets new
// ones pass.
func (g *gate) Drop() {
	g.mu.Lock()
	for conn := range g.open {
		conn.Close()
	}
	clear(g.open)
	g.mu.Unlock()
	g.LetGo()
}

// datagramGate stands before a name server; while it is shut nothing comes back.
type datagramGate struct {
	Address string

	mu    sync.Mutex
	asked chan struct{} // closed at the first question while shut; nil: open
	once  *sync.Once
}

func newDatagramGate(t *testing.T, server string) *datagramGate {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &datagramGate{Address: conn.LocalAddr().String()}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			if g.swallows() {
				continue
			}
			if answer, err := exchange(server, buf[:n]); err == nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
	return g
}

// exchange asks a server on loopback one question.
func exchange(server string, question []byte) ([]byte, error) {
	conn, err := net.Dial("udp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(question); err != nil {
		return nil, err
	}
	answer := make([]byte, 1500)
	n, err := conn.Read(answer)
	return answer[:n], err
}

func (g *datagramGate) swallows() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked == nil {
		return false
	}
	g.once.Do(func() { close(g.asked) })
	return true
}

// Shut has every question from now on go unanswered; the channel is closed at
// the first of them.
func (g *datagramGate) Shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked, g.once = make(chan struct{}), new(sync.Once)
	return g.asked
}

// Open has questions answered again.
func (g *datagramGate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = nil
}
