package outbox

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// rollingConn gives every read and every piece written its own deadline. A
// deadline for the whole session would cut off large mails on slow lines; none
// at all would let a relay that stopped reading hold a worker for ever.
type rollingConn struct {
	net.Conn
	wait time.Duration
}

// pieceSize is how much one write deadline has to suffice for.
const pieceSize = 32 << 10

func (c *rollingConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *rollingConn) Write(p []byte) (int, error) {
	done := 0
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.wait)); err != nil {
			return done, err
		}
		n, err := c.Conn.Write(p[done:min(len(p), done+pieceSize)])
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// reply is one SMTP reply (RFC 5321 section 4.2).
type reply struct {
	code     int
	enhanced string // RFC 2034, "" without one
	text     string // without codes, lines joined by a newline
}

// positive tells whether the reply is in the class (2 or 3) hoped for.
func (r reply) positive(class int) bool { return r.code/100 == class }

// Bounds of a reply. RFC 5321 section 4.5.3.1.5 allows 512 bytes a line; of a
// longer one the reader's buffer is kept and the rest, to a bound, passed over.
const (
	readerSize    = 4096
	maxReplyLine  = 256 << 10
	maxReplyLines = 128
)

var errReply = errors.New("not an SMTP reply")

// readReply reads one reply of one or more lines.
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	var lines []string
	for range maxReplyLines {
		raw, err := readLine(r)
		if err != nil {
			return reply{}, err
		}
		code, text, last, err := parseReplyLine(strings.TrimRight(raw, "\r\n"))
		if err != nil {
			return reply{}, err
		}
		if len(lines) > 0 && code != out.code {
			return reply{}, fmt.Errorf("%w: its lines have codes %d and %d", errReply, out.code, code)
		}
		out.code = code
		enhanced, text := cutEnhanced(code, text)
		if enhanced != "" {
			out.enhanced = enhanced
		}
		lines = append(lines, text)
		if last {
			out.text = strings.Join(lines, "\n")
			return out, nil
		}
	}
	return reply{}, fmt.Errorf("%w: more than %d lines", errReply, maxReplyLines)
}

// readLine reads a line, and returns no more of it than fits the reader's buffer.
func readLine(r *bufio.Reader) (string, error) {
	raw, err := r.ReadSlice('\n')
	line := strings.ToValidUTF8(string(raw), "?")
	for skipped := len(raw); errors.Is(err, bufio.ErrBufferFull); skipped += len(raw) {
		if skipped > maxReplyLine {
			return "", fmt.Errorf("%w: a line of more than %d bytes", errReply, maxReplyLine)
		}
		raw, err = r.ReadSlice('\n')
	}
	return line, err
}

// parseReplyLine splits "250-text" or "250 text".
func parseReplyLine(line string) (code int, text string, last bool, err error) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digits(line[:3]) {
		return 0, "", false, fmt.Errorf("%w: %.40q", errReply, line)
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", true, nil
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, "", false, fmt.Errorf("%w: %.40q", errReply, line)
	}
	return code, line[4:], line[3] == ' ', nil
}

// cutEnhanced takes an enhanced status code (RFC 3463 section 2) off the front
// of a reply's text. Its class must be that of the code, or it is plain text.
func cutEnhanced(code int, text string) (enhanced, rest string) {
	word, rest, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(word) > len("5.999.999") {
		return "", text
	}
	for _, p := range parts {
		if !digits(p) {
			return "", text
		}
	}
	if parts[0] != fmt.Sprint(code/100) {
		return "", text
	}
	return word, rest
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
