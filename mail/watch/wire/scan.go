package wire

import (
	"bufio"
	"strconv"
	"strings"
)

const (
	bufferSize = 16 << 10
	maxWord    = 128      // bytes kept of a word: a keyword, a number, the name of an item
	maxText    = 1 << 10  // of a text that a person reads
	maxLine    = 64 << 10 // of a list of flags or capabilities
	maxDigits  = 18       // of a number of bytes: what an int64 holds for certain
)

// scanner reads a server's lines byte by byte. An error is kept, and is like the
// end of a line to every method: a loop over a line ends.
type scanner struct {
	in  *bufio.Reader
	err error
}

// ahead is the next byte, which stays unread.
func (s *scanner) ahead() byte {
	if s.err == nil {
		var b []byte
		if b, s.err = s.in.Peek(1); s.err == nil {
			return b[0]
		}
	}
	return '\n'
}

func (s *scanner) next() byte {
	b := byte('\n')
	if s.err == nil {
		if b, s.err = s.in.ReadByte(); s.err != nil {
			return '\n'
		}
	}
	return b
}

func isEnd(b byte) bool   { return b == '\r' || b == '\n' }
func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == 0 }
func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// blanks skips white space within a line and returns what comes after it.
func (s *scanner) blanks() byte {
	for isBlank(s.ahead()) {
		s.next()
	}
	return s.ahead()
}

// lineEnd takes one line end: CR LF, or either alone.
func (s *scanner) lineEnd() {
	if s.ahead() == '\r' {
		s.next()
	}
	if s.err == nil && s.in.Buffered() > 0 && s.ahead() == '\n' {
		s.next()
	}
}

// until reads up to a byte that stop tells, which stays unread, or the end of the
// line. It keeps the first most bytes.
func (s *scanner) until(most int, stop func(byte) bool) string {
	var kept []byte
	for b := s.ahead(); !isEnd(b) && !stop(b); b = s.ahead() {
		if len(kept) < most {
			kept = append(kept, b)
		}
		s.next()
	}
	return string(kept)
}

// word reads up to white space or a parenthesis.
func (s *scanner) word() string {
	s.blanks()
	return s.until(maxWord, func(b byte) bool { return isBlank(b) || b == '(' || b == ')' })
}

// line reads the rest of a line with its end.
func (s *scanner) line(most int) string {
	text := s.until(most, func(byte) bool { return false })
	s.lineEnd()
	return text
}

// skipLine passes over the rest of a response, with the literals in it.
func (s *scanner) skipLine() {
	for !isEnd(s.ahead()) {
		if n, ok := s.literal(); ok {
			s.discard(n)
		} else {
			s.next()
		}
	}
	s.lineEnd()
}

// literal takes the head of a literal (RFC 3501 section 4.3): "{5}" and the end of
// the line, also as a literal8 "~{5}" (RFC 3516) or a non-synchronising "{5+}" (RFC
// 7888). Without one it takes nothing.
func (s *scanner) literal() (size int64, ok bool) {
	if b := s.ahead(); b != '{' && b != '~' {
		return 0, false
	}
	head := s.lookUntil('\n', 2*maxDigits)
	shape := strings.TrimSuffix(strings.TrimRight(strings.TrimPrefix(head, "~"), "\r\n\t "), "}")
	shape = strings.Trim(strings.TrimSuffix(strings.TrimSpace(shape), "+"), " ")
	digits, braced := strings.CutPrefix(shape, "{")
	digits = strings.TrimSpace(digits)
	if !braced || !strings.Contains(head, "}") || !strings.HasSuffix(head, "\n") || len(digits) > maxDigits {
		return 0, false
	}
	if size, err := strconv.ParseInt(digits, 10, 64); err == nil && isDigit(digits[0]) {
		s.in.Discard(len(head))
		return size, true
	}
	return 0, false
}

// lookUntil returns what stands unread up to and with b or the end of the line, ""
// when that is more than most bytes. It asks for no byte beyond: none might come.
func (s *scanner) lookUntil(b byte, most int) string {
	for n := 1; n <= most && s.err == nil; n++ {
		seen, err := s.in.Peek(n)
		if err != nil {
			return string(seen)
		}
		if seen[n-1] == b || seen[n-1] == '\n' {
			return string(seen)
		}
	}
	return ""
}

func (s *scanner) discard(n int64) {
	for n > 0 && s.err == nil {
		var done int
		done, s.err = s.in.Discard(int(min(n, 1<<20)))
		n -= int64(done)
	}
}

// quoted reads a quoted string (RFC 3501 section 4.3) whose opening quote is next.
// Its bytes may be any. One that never closes ends with the line.
func (s *scanner) quoted(most int) []byte {
	s.next()
	kept := []byte{}
	for b := s.ahead(); !isEnd(b); b = s.ahead() {
		s.next()
		if b == '"' {
			break
		}
		if b == '\\' && !isEnd(s.ahead()) {
			b = s.next()
		}
		if len(kept) < most {
			kept = append(kept, b)
		}
	}
	return kept
}

// skipValue passes over the value of an item: a string, a literal, a list with all
// that is in it, or a word, which it returns.
func (s *scanner) skipValue() (word string) {
	for depth := 0; ; {
		switch b := s.blanks(); {
		case isEnd(b):
			return ""
		case b == '(':
			s.next()
			depth++
		case b == ')':
			if depth == 0 {
				return ""
			}
			s.next()
			depth--
		case b == '"':
			s.quoted(0)
		default:
			if n, ok := s.literal(); ok {
				s.discard(n)
			} else if word = s.word(); depth > 0 {
				word = ""
			}
		}
		if depth == 0 {
			return word
		}
	}
}

// count reads a number of 32 bits.
func count(word string) (uint32, bool) {
	n, err := strconv.ParseUint(word, 10, 32)
	return uint32(n), err == nil
}

// number reads a count that is not 0, as UIDs and sequence numbers are.
func number(word string) (uint32, bool) {
	n, ok := count(word)
	return n, ok && n != 0
}
