package watch

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lineServer speaks just enough IMAP to one client after another, and can be
// told to do it badly.
type lineServer struct {
	mu       sync.Mutex
	caps     string
	validity uint32
	flags    string // of every mail
	mails    map[uint32]string
	commands []string
	// instead answers a command in place of the server; false: it did not.
	instead func(c *lineConn, tag, command string) bool
}

type lineConn struct {
	net.Conn
	s *lineServer
	r *bufio.Reader
}

func newLineServer(mails ...string) *lineServer {
	s := &lineServer{caps: "IMAP4rev1 IDLE", validity: 1, mails: map[uint32]string{}}
	for i, m := range mails {
		s.mails[uint32(i+1)] = m
	}
	return s
}

// on answers every command that begins with prefix.
func (s *lineServer) on(prefix string, f func(c *lineConn, tag string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.instead
	s.instead = func(c *lineConn, tag, command string) bool {
		if strings.HasPrefix(command, prefix) {
			f(c, tag)
			return true
		}
		return before != nil && before(c, tag, command)
	}
}

func (s *lineServer) serve(d *door) {
	for {
		conn, err := d.Accept()
		if err != nil {
			return
		}
		go s.talk(&lineConn{Conn: conn, s: s, r: bufio.NewReader(conn)})
	}
}

func (c *lineConn) say(format string, args ...any) { fmt.Fprintf(c.Conn, format+"\r\n", args...) }

func (s *lineServer) talk(c *lineConn) {
	defer c.Close()
	c.say("* OK [CAPABILITY %s] ready", s.caps)
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.mu.Lock()
		s.commands = append(s.commands, command)
		instead := s.instead
		s.mu.Unlock()
		if instead == nil || !instead(c, tag, command) {
			s.answer(c, tag, command)
		}
	}
}

func (s *lineServer) answer(c *lineConn, tag, command string) {
	switch words := strings.Fields(command); {
	case words[0] == "LOGIN":
		c.say("%s OK [CAPABILITY %s] in", tag, s.caps)
		return
	case words[0] == "CAPABILITY":
		c.say("* CAPABILITY %s", s.caps)
	case words[0] == "SELECT", words[0] == "EXAMINE":
		c.say("* %d EXISTS", len(s.uids("1:*")))
		c.say(`* OK [PERMANENTFLAGS (\Answered \*)] kept`)
		c.say("* OK [UIDVALIDITY %d] valid", s.validity)
	case words[0] == "IDLE":
		c.say("+ idling")
		c.r.ReadString('\n')
	case strings.HasPrefix(command, "UID SEARCH SINCE"):
		c.say("* SEARCH%s", s.joined(s.uids("1:*")))
	case strings.HasPrefix(command, "UID SEARCH"):
		c.say("* SEARCH%s", s.joined(s.uids(words[len(words)-1])))
	case strings.HasPrefix(command, "UID FETCH"):
		for _, uid := range s.uids(words[2]) {
			c.fetch(uid, command)
		}
	}
	c.say("%s OK done", tag)
}

// fetch sends what was asked for of one mail.
func (c *lineConn) fetch(uid uint32, command string) {
	raw := c.s.mail(uid)
	flags := ""
	if strings.Contains(command, "FLAGS") {
		flags = " FLAGS (" + c.s.flags + ")"
	}
	c.say("* %d FETCH (UID %d RFC822.SIZE %d%s%s)", uid, uid, len(raw), flags, body(raw, command))
}

func body(raw, command string) string {
	_, section, ok := strings.Cut(command, "BODY.PEEK[]<")
	if !ok {
		return ""
	}
	from, size, _ := strings.Cut(strings.TrimRight(section, ">)"), ".")
	offset, _ := strconv.Atoi(from)
	n, _ := strconv.Atoi(size)
	raw = raw[min(offset, len(raw)):]
	raw = raw[:min(n, len(raw))]
	return fmt.Sprintf(" INTERNALDATE \"%s\" BODY[]<%d> {%d}\r\n%s", time.Now().Format("02-Jan-2006 15:04:05 -0700"), offset, len(raw), raw)
}

// uids are those of a set, lowest first. As on a real server "n:*" holds the
// last mail whatever n is.
func (s *lineServer) uids(set string) (in []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	highest := uint32(0)
	for uid := range s.mails {
		highest = max(highest, uid)
	}
	number := func(w string) uint32 {
		if w == "*" {
			return highest
		}
		n, _ := strconv.Atoi(w)
		return uint32(n)
	}
	for part := range strings.SplitSeq(set, ",") {
		from, to, ranged := strings.Cut(part, ":")
		if !ranged {
			to = from
		}
		low, high := number(from), number(to)
		low, high = min(low, high), max(low, high)
		for uid := range s.mails {
			if uid >= low && uid <= high {
				in = append(in, uid)
			}
		}
	}
	slices.Sort(in)
	return in
}

func (s *lineServer) joined(uids []uint32) (words string) {
	for _, uid := range uids {
		words += fmt.Sprint(" ", uid)
	}
	return words
}

// sent tells how many commands began so.
func (s *lineServer) sent(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

func (s *lineServer) put(uid uint32, raw string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails[uid] = raw
}

func (s *lineServer) mail(uid uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails[uid]
}

func (s *lineServer) remove(uid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mails, uid)
}
