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
	// answers writes an answer to a FETCH in a manner of its own; nil: as it should be.
	answers func(a answer) string
	// opening says more when the folder is opened.
	opening string
	// instead answers a command in place of the server; false: it did not.
	instead func(c *lineConn, tag, command string) bool
	talks   sync.WaitGroup // its connections
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
		s.talks.Go(func() { s.talk(&lineConn{Conn: conn, s: s, r: bufio.NewReader(conn)}) })
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
		c.say("* OK [UIDVALIDITY %d] valid%s", s.validity, s.opening)
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
	case words[0] == "SEARCH":
		for _, uid := range s.uids(words[2]) {
			c.say("* SEARCH %d", s.sequence(uid))
		}
	case words[0] == "FETCH":
		for _, uid := range s.uids("1:*") {
			if words[1] == fmt.Sprint(s.sequence(uid)) {
				c.fetch(uid, command)
			}
		}
	}
	c.say("%s OK done", tag)
}

// answer is what there is to say of one mail.
type answer struct {
	seq, uid uint32
	raw      string
	command  string
	origin   string // of the part asked for: "<0>"; "" for all
	text     string // that part
}

// asked tells whether the command asks for an item.
func (a answer) asked(item string) bool { return strings.Contains(a.command, item) }

// literal is the text as it goes over the line.
func (a answer) literal() string { return fmt.Sprintf("{%d}\r\n%s", len(a.text), a.text) }

const instant = "02-Jan-2006 15:04:05 -0700"

// proper is an answer with the items of a list in order, of which those are left out
// that were not asked for.
func (a answer) proper(items ...string) string {
	var told []string
	for _, item := range items {
		name, _, _ := strings.Cut(strings.NewReplacer("[", " ", "(", " ").Replace(item), " ")
		if a.asked(name) || name == "FLAGS" || strings.HasPrefix(name, "X-") {
			told = append(told, item)
		}
	}
	return fmt.Sprintf("* %d FETCH (%s)\r\n", a.seq, strings.Join(told, " "))
}

func (a answer) number() string { return fmt.Sprint("UID ", a.uid) }
func (a answer) size() string   { return fmt.Sprint("RFC822.SIZE ", len(a.raw)) }
func (a answer) date() string {
	return `INTERNALDATE "` + time.Now().Format(instant) + `"`
}
func (a answer) body() string { return "BODY[]" + a.origin + " " + a.literal() }

// sequence is the sequence number of a mail.
func (s *lineServer) sequence(uid uint32) uint32 {
	return uint32(slices.Index(s.uids("1:*"), uid) + 1)
}

// fetch sends what was asked for of one mail.
func (c *lineConn) fetch(uid uint32, command string) {
	a := c.s.about(uid, command)
	c.s.mu.Lock()
	answers := c.s.answers
	c.s.mu.Unlock()
	if answers != nil {
		c.Write([]byte(answers(a)))
		return
	}
	c.Write([]byte(a.proper(a.number(), a.size(), "FLAGS ("+c.s.flags+")", a.date(), a.body())))
}

// about is what there is to say of a mail to a command.
func (s *lineServer) about(uid uint32, command string) answer {
	a := answer{seq: s.sequence(uid), uid: uid, raw: s.mail(uid), command: command}
	a.text = a.raw
	if _, section, ok := strings.Cut(command, "BODY.PEEK[]<"); ok {
		from, size, _ := strings.Cut(strings.TrimRight(section, ">)"), ".")
		offset, _ := strconv.Atoi(from)
		n, _ := strconv.Atoi(size)
		a.text = a.raw[min(offset, len(a.raw)):]
		a.text = a.text[:min(n, len(a.text))]
		a.origin = "<" + from + ">"
	}
	return a
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
