package wire

import (
	"strconv"
	"strings"
)

const (
	// maxListed is how many mails one listing may name.
	maxListed = 5_000_000
	// maxPiece is how many of them stand in one line for the library.
	maxPiece = 500
)

// listing is a SEARCH response that is being read. It may be of any length, so it
// is passed on in lines of maxPiece numbers: the library adds them up.
type listing struct {
	at, to uint32 // of a range, the number that is next and the last
	left   int    // how many it may yet name
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// numbers passes on one piece of a listing.
func (c *Conn) numbers() {
	l := c.listing
	var piece []byte
	for n := 0; n < maxPiece && c.listing != nil; {
		if l.at == 0 && !c.number() {
			c.skipLine()
			c.listing = nil
			break
		}
		if l.at == 0 {
			continue
		}
		piece = strconv.AppendUint(append(piece, ' '), uint64(l.at), 10)
		n++
		if l.left--; l.left < 0 {
			c.fail("the server lists more than %d mails", maxListed)
			return
		}
		if l.at++; l.at > l.to || l.at == 0 {
			l.at, l.to = 0, 0
		}
	}
	if len(piece) > 0 {
		c.say("* SEARCH%s", piece)
	}
}

// number reads the next number of a listing, or the next range of an extended one;
// what is neither names no mail. False at the end, which "(MODSEQ 5)" is too (RFC
// 7162 section 3.1.5).
func (c *Conn) number() bool {
	for b := c.blanks(); b == ','; b = c.blanks() {
		c.next()
	}
	if b := c.ahead(); isEnd(b) || b == '(' || b == ')' {
		return false
	}
	word := c.until(maxWord, func(b byte) bool { return isBlank(b) || b == ',' || b == '(' || b == ')' })
	from, to, ranged := strings.Cut(word, ":")
	first, ok := number(from)
	last := first
	if ranged {
		last, _ = number(to)
	}
	if ok && last != 0 {
		c.listing.at, c.listing.to = min(first, last), max(first, last)
	}
	return true
}

// extended reads an ESEARCH (RFC 4731) up to the set of all that was found, which is
// then read as if it were a SEARCH. Some servers answer so though they were not
// asked to.
func (c *Conn) extended() {
	for !isEnd(c.blanks()) {
		if strings.EqualFold(c.skipValue(), "ALL") {
			c.listing = &listing{left: maxListed}
			return
		}
		if c.ahead() == ')' {
			c.next()
		}
	}
	c.lineEnd()
}
