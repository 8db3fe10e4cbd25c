package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// Conn is a connection to an IMAP server on which only responses come that the
// client library can read. One goroutine may read while others write.
type Conn struct {
	net.Conn
	scanner
	commands commands

	out     []byte // rebuilt, and not yet read
	passing int64  // bytes of a mail that come next and pass as they are
	fetch   *fetch // the response that is being read, between and after literals
	listing *listing
	partial map[uint32]attributes // by sequence number: told ahead of what was asked for
	greeted bool

	mu      sync.Mutex
	said    string // what the server gave as its reason to end
	forgive bool
	overran bool
}

// New wraps a connection on which nothing has been read. After a greeting that was
// read before, by StartTLS, the library is given one in its place.
func New(conn net.Conn, greeted bool) *Conn {
	c := &Conn{Conn: conn, scanner: scanner{in: bufio.NewReaderSize(conn, bufferSize)}, partial: map[uint32]attributes{}}
	if greeted {
		c.say("* OK secured")
		c.greeted = true
	}
	return c
}

// Write sends what the client says.
func (c *Conn) Write(p []byte) (int, error) {
	c.commands.sent(p)
	return c.Conn.Write(p)
}

// Read returns the next bytes of the rebuilt responses.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.out) == 0 && c.passing == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.response()
	}
	if len(c.out) > 0 {
		n := copy(p, c.out)
		c.out = c.out[n:]
		return n, nil
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.passing)])
	c.passing -= int64(n)
	return n, err
}

// response reads the next part of what the server says and writes it anew. What is
// not understood is passed over.
func (c *Conn) response() {
	switch {
	case c.fetch != nil:
		c.items()
		return
	case c.listing != nil:
		c.numbers()
		return
	}
	for b := c.blanks(); isEnd(b) && c.err == nil; b = c.blanks() {
		c.next()
	}
	if c.err != nil {
		return
	}
	if !c.greeted && c.ahead() != '*' {
		c.fail("this is no IMAP server: its first line is %q", c.line(80))
		return
	}
	switch c.ahead() {
	case '*':
		c.next()
		c.untagged()
	case '+':
		c.next()
		c.continuation()
	default:
		c.tagged()
	}
}

func (c *Conn) continuation() {
	text := strings.TrimSpace(c.line(bufferSize))
	if c.commands.continued() {
		c.say("+ %s", text)
	}
}

// say adds one line to what the library reads.
func (c *Conn) say(format string, args ...any) {
	c.out = append(fmt.Appendf(c.out, format, args...), "\r\n"...)
}

// fail ends the connection for a reason that the library would not keep.
func (c *Conn) fail(format string, args ...any) {
	if c.err == nil || errors.Is(c.err, io.EOF) {
		c.err = fmt.Errorf(format, args...)
		c.note(c.err.Error())
	}
}

func (c *Conn) note(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = reason
}

// Said is why the connection ended, "" when that is not known: the text of the
// server's BYE, or where it cannot be understood.
func (c *Conn) Said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said
}

// Forgive has a text pass that is of another length than the server said: what is
// too much of it is left out, up to the end of the command. Nothing else may be asked
// for on this connection, for that end may be a stranger's words.
func (c *Conn) Forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgive = true
}

// Overran tells whether something was left out for Forgive's sake.
func (c *Conn) Overran() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.overran
}

func (c *Conn) forgives() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overran = c.overran || c.forgive
	return c.forgive
}
