package wire

import (
	"bytes"
	"strings"
	"sync"
)

// wants is what a FETCH command asks for that decides when an answer is complete.
type wants int

const (
	wantsNothing wants = iota // there is no FETCH
	wantsUID
	wantsSize
	wantsText
)

// commands are those sent and not yet answered, as seen in what the client writes.
// Of its text nothing is kept but tags: passwords go by here.
type commands struct {
	mu   sync.Mutex
	open []command // oldest first
	// continues is how many continuation requests the client waits for. It takes
	// one that it does not wait for as the end of the connection.
	continues int
	unended   bool // the last write was not the end of a command's line
}

type command struct {
	tag, name string
	fetch     wants
	byUID     bool // its answers are known by their UIDs
}

// sent notes what the client writes. The library writes a command from its tag to
// the end of the line, or to a literal, in one go if it is not very long.
func (c *commands) sent(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tag, rest, _ := bytes.Cut(p[:min(len(p), maxWord)], []byte(" "))
	if !c.unended && isTag(tag) {
		text, byUID := strings.CutPrefix(string(rest), "UID ")
		name, _, _ := strings.Cut(strings.TrimSpace(text), " ")
		c.open = append(c.open, command{tag: string(tag), name: name, byUID: byUID})
		if name == "IDLE" || name == "AUTHENTICATE" {
			c.continues = 1
		}
	} else if c.last().name == "AUTHENTICATE" {
		c.continues = 1 // an answer to a challenge: there may be another
	}
	if c.last().name == "FETCH" {
		c.last().fetch = max(c.last().fetch, wantsOf(p))
	}
	c.unended = !bytes.HasSuffix(p, []byte("\n"))
	if bytes.HasSuffix(p, []byte("}\r\n")) { // a literal waits to be sent
		c.continues++
		c.unended = true
	}
}

func wantsOf(p []byte) wants {
	switch {
	case bytes.Contains(p, []byte("BODY.PEEK[")):
		return wantsText
	case bytes.Contains(p, []byte("RFC822.SIZE")):
		return wantsSize
	}
	return wantsUID
}

// isTag tells the library's tags: T1, T2, and so on.
func isTag(word []byte) bool {
	if len(word) < 2 || word[0] != 'T' {
		return false
	}
	return !bytes.ContainsFunc(word[1:], func(r rune) bool { return r < '0' || r > '9' })
}

// last is the newest command; the caller holds mu.
func (c *commands) last() *command {
	if len(c.open) == 0 {
		return &command{}
	}
	return &c.open[len(c.open)-1]
}

// waits tells whether a command with that tag waits for its answer.
func (c *commands) waits(tag string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(tag) >= 0
}

func (c *commands) find(tag string) int {
	for i := range c.open {
		if c.open[i].tag == tag {
			return i
		}
	}
	return -1
}

// answered removes a command; false when none has that tag: an answer to one that
// has had its answer already.
func (c *commands) answered(tag string) (command, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.find(tag)
	if i < 0 {
		return command{}, false
	}
	done := c.open[i]
	c.open = append(c.open[:i], c.open[i+1:]...)
	if len(c.open) == 0 {
		c.continues = 0
	}
	return done, true
}

// continued tells whether the client waits for a continuation request.
func (c *commands) continued() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.continues == 0 {
		return false
	}
	c.continues--
	return true
}

// fetching is the FETCH under way that asks for most.
func (c *commands) fetching() (most command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.open {
		if one.fetch > most.fetch {
			most = one
		}
	}
	return most
}
