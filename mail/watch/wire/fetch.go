package wire

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxHeld is the longest text that is held until the UID comes: as much as is
	// asked for at a time of a large mail.
	maxHeld = 1 << 20
	// maxPartial is how many answers may wait for what was asked for.
	maxPartial = 1000
)

// attributes are what a FETCH response tells of a mail besides its text; zero and
// "" are not told.
type attributes struct {
	uid  uint32
	size string
	date string
}

// or fills what a does not tell from b.
func (a attributes) or(b attributes) attributes {
	if a.uid == 0 {
		a.uid = b.uid
	}
	if a.size == "" {
		a.size = b.size
	}
	if a.date == "" {
		a.date = b.date
	}
	return a
}

// items writes what is told, as the items of a list.
func (a attributes) items() (items []string) {
	if a.uid != 0 {
		items = append(items, "UID "+decimal(a.uid))
	}
	if a.size != "" {
		items = append(items, "RFC822.SIZE "+a.size)
	}
	if a.date != "" {
		items = append(items, `INTERNALDATE "`+a.date+`"`)
	}
	return items
}

// fetch is a FETCH response that is being read (RFC 3501 section 7.4.2).
type fetch struct {
	seq   uint32
	wants wants
	byUID bool
	told  attributes
	text  bool   // the text came, or NIL in its place
	name  string // as which it is passed on: "BODY[]" with its origin
	held  []byte // the text, until the UID is known
	open  bool   // its beginning was passed on
	ended bool   // its text has ended, and the rest of the response must follow
}

// known are the items that are never the value of another.
var known = []string{"UID", "FLAGS", "RFC822.SIZE", "INTERNALDATE", "BODY", "BODY.PEEK", "RFC822", "MODSEQ", "ENVELOPE"}

// items reads a response to its end, or to a text that is to be passed on.
func (c *Conn) items() {
	f := c.fetch
	for c.passing == 0 {
		if f.ended && !c.resumes() {
			c.finish()
			return
		}
		f.ended = false
		switch b := c.blanks(); {
		case isEnd(b):
			c.lineEnd()
			c.finish()
			return
		case b == ')': // what follows on the line belongs to it all the same
			c.next()
		case b == '(' || b == '"' || b == '{' || b == '~': // a value without a name
			c.skipValue()
		default:
			c.named()
		}
	}
}

// named reads one item, and those whose names stand where its value should.
func (c *Conn) named() {
	name := c.until(maxWord, func(b byte) bool { return isBlank(b) || b == '(' || b == ')' || b == '[' })
	if name == "" { // a bracket
		c.next()
	}
	for name != "" {
		name = c.item(strings.ToUpper(name))
	}
}

// item reads the value of an item. One without a value leaves the name of the next.
func (c *Conn) item(name string) (next string) {
	f := c.fetch
	switch {
	case name == "FLAGS":
		c.skipFlags()
	case c.ahead() == '[' || name == "RFC822" || name == "RFC822.PEEK":
		c.section(name)
	case c.sectionAhead(): // it has no value
	case name == "UID":
		word := c.word()
		if uid, ok := number(word); ok {
			f.told.uid = uid
		}
		return nameIn(word)
	case name == "RFC822.SIZE":
		word := c.word()
		if n, err := strconv.ParseInt(word, 10, 64); err == nil && n >= 0 {
			f.told.size = strconv.FormatInt(n, 10)
		}
		return nameIn(word)
	case name == "INTERNALDATE" && c.blanks() == '"':
		f.told.date = date(string(c.quoted(maxWord)))
	default:
		return nameIn(c.skipValue())
	}
	return ""
}

// sectionAhead tells whether a part of a mail comes next: "BODY[", which is the value
// of no item.
func (c *Conn) sectionAhead() bool {
	b := c.blanks()
	if b != 'B' && b != 'b' {
		return false
	}
	name, isSection := strings.CutSuffix(strings.ToUpper(c.lookUntil('[', len("BINARY.PEEK["))), "[")
	return isSection && slices.Contains([]string{"BODY", "BODY.PEEK", "BINARY", "BINARY.PEEK"}, name)
}

// nameIn is word if it is the name of an item and so no value.
func nameIn(word string) string {
	if word = strings.ToUpper(word); slices.Contains(known, word) {
		return word
	}
	return ""
}

// skipFlags passes over a list of flags, of which none is used. Keywords may hold
// any byte but a blank, parentheses too: the list ends where the response does, or
// where the next item begins.
func (c *Conn) skipFlags() {
	if c.blanks() != '(' {
		return
	}
	for !isEnd(c.ahead()) {
		if c.next() == ')' && c.atItem() {
			return
		}
	}
}

// atItem tells whether the line goes on as a response does behind a list.
func (c *Conn) atItem() bool {
	switch b := c.ahead(); {
	case isEnd(b):
		return true
	case b == ')' || b == ' ':
		return strings.TrimSpace(c.lookUntil('\n', 4)) == ")" || b == ' ' && c.itemAhead(1)
	}
	return false
}

// itemAhead tells whether the name of an item stands at offset. It looks no further
// than it must: more may not come.
func (c *Conn) itemAhead(offset int) bool {
	for n := offset + 1; n <= maxWord; n++ {
		seen, err := c.in.Peek(n)
		if err != nil {
			return false
		}
		switch b := seen[n-1]; {
		case isBlank(b) || b == '(' || b == '[':
			return n > offset+1
		case !isDigit(b) && b != '.' && b != '-' && (b < 'A' || b > 'Z'):
			return false
		}
	}
	return false
}

// section reads a text: BODY[] with or without an origin, and what means the same.
// Other parts of a mail are passed over.
func (c *Conn) section(name string) {
	f := c.fetch
	whole := strings.HasPrefix(name, "RFC822")
	origin := ""
	if c.ahead() == '[' {
		c.next()
		part := c.until(maxWord, func(b byte) bool { return b == ']' })
		c.next()
		base := strings.TrimSuffix(name, ".PEEK")
		whole = strings.TrimSpace(part) == "" && (base == "BODY" || base == "BINARY")
	}
	if c.ahead() == '<' {
		c.next()
		digits, _, _ := strings.Cut(c.until(maxWord, func(b byte) bool { return b == '>' }), ".")
		c.next()
		if _, err := strconv.ParseUint(digits, 10, 32); err == nil {
			origin = "<" + digits + ">"
		}
	}
	if !whole || f.text || f.wants != wantsText {
		if b := c.blanks(); b != ')' && !isEnd(b) {
			c.skipValue()
		}
		return
	}
	f.text, f.name = true, "BODY[]"+origin
	c.readText()
}

// readText reads the value of a text: NIL, a quoted string or a literal.
func (c *Conn) readText() {
	f := c.fetch
	f.told = f.told.or(c.partial[f.seq])
	delete(c.partial, f.seq)
	if c.blanks() == '"' {
		f.held = c.quoted(maxHeld)
		return
	}
	size, ok := c.literal()
	switch {
	case !ok: // NIL: the server cannot read it itself
		if b := c.ahead(); b != ')' && !isEnd(b) {
			c.skipValue()
		}
	case f.byUID && f.told.uid == 0 && size <= maxHeld:
		f.held = make([]byte, size)
		_, c.err = io.ReadFull(c.in, f.held)
		f.ended = true
	default:
		c.begin(f)
		c.out = fmt.Appendf(c.out, "%s {%d}\r\n", f.name, size)
		c.passing, f.ended = size, true
	}
}

// begin passes on a response up to its text.
func (c *Conn) begin(f *fetch) {
	f.open = true
	c.out = fmt.Appendf(c.out, "* %d FETCH (%s", f.seq, strings.Join(append(f.told.items(), ""), " "))
	f.told = attributes{}
}

// resumes tells whether a response goes on behind its text: with an item, or with
// the parenthesis that closes it, which some servers put on a line of its own.
func (c *Conn) resumes() bool {
	b := c.blanks()
	ended := isEnd(b)
	if ended {
		c.lineEnd()
		b = c.ahead()
	}
	switch {
	case b == ')' || c.err != nil || !ended && c.itemAhead(0):
		return true
	case c.forgives():
		c.skipToTag(ended)
		return false
	}
	c.fail("the server said a text is of another length than it is")
	return true
}

// tagAhead is the word that comes next, which stays unread.
func (c *Conn) tagAhead() string {
	return strings.TrimSpace(c.lookUntil(' ', maxDigits))
}

// skipToTag passes over lines up to the one that ends a command, which may be the
// next if a line begins here.
func (c *Conn) skipToTag(begins bool) {
	for ; c.err == nil; begins = true {
		if begins && c.commands.waits(c.tagAhead()) {
			return
		}
		c.until(0, func(byte) bool { return false })
		c.lineEnd()
	}
}

// finish passes on the end of a response, or all of it. One that does not tell what
// was asked for waits for another about the same mail: it came of itself, as when
// another client sets a flag, and the library would take it for the answer.
func (c *Conn) finish() {
	f := c.fetch
	c.fetch = nil
	switch {
	case c.err != nil:
	case f.open:
		c.say("%s)", joined(f.told.items()))
	case f.text:
		c.begin(f)
		if f.held == nil {
			c.say("%s NIL)", f.name)
			return
		}
		c.out = fmt.Appendf(c.out, "%s {%d}\r\n", f.name, len(f.held))
		c.out = append(c.out, f.held...)
		c.say(")")
	case f.wants == wantsNothing:
	default:
		f.told = f.told.or(c.partial[f.seq])
		delete(c.partial, f.seq)
		if f.complete() {
			c.say("* %d FETCH (%s)", f.seq, strings.Join(f.told.items(), " "))
		} else if len(c.partial) < maxPartial {
			c.partial[f.seq] = f.told
		}
	}
}

func (f *fetch) complete() bool {
	switch f.wants {
	case wantsUID:
		return f.told.uid != 0
	case wantsSize:
		return f.told.uid != 0 && f.told.size != ""
	}
	return false
}

// flush ends the wait of those that told less than was asked for: a mail whose size
// the server does not know is a mail all the same. Without its text it is none.
func (c *Conn) flush(wants wants) {
	for seq, told := range c.partial {
		if told.uid != 0 && (wants == wantsSize || wants == wantsUID) {
			c.say("* %d FETCH (%s)", seq, strings.Join(told.items(), " "))
		}
	}
	clear(c.partial)
}
