package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// StartTLS reads the greeting of a server and protects the connection before
// anything else is said (RFC 3501 section 6.2.1). What the server says in the clear
// is not trusted: a connection that begins logged in is refused, and so is one on
// which more comes after the consent, which a host in between may have written.
// ctx bounds the handshake; close conn to end the rest.
func StartTLS(ctx context.Context, conn net.Conn, config *tls.Config) (*tls.Conn, error) {
	in := bufio.NewReaderSize(conn, maxText)
	greeting, err := readLine(in)
	if err != nil {
		return nil, err
	}
	if kind := wordAt(greeting, 1); kind != "OK" || wordAt(greeting, 0) != "*" {
		return nil, fmt.Errorf("the server greets with %q, not with OK", plain(greeting))
	}
	if _, err := io.WriteString(conn, "S1 STARTTLS\r\n"); err != nil {
		return nil, err
	}
	for answer := "*"; wordAt(answer, 0) != "S1"; {
		if answer, err = readLine(in); err != nil {
			return nil, err
		}
		if wordAt(answer, 0) == "S1" && wordAt(answer, 1) != "OK" {
			return nil, fmt.Errorf("the server refuses: %s", plain(answer))
		}
	}
	if in.Buffered() > 0 {
		return nil, errors.New("more than an answer came before the handshake")
	}
	secure := tls.Client(conn, config)
	return secure, secure.HandshakeContext(ctx)
}

// readLine reads a line that is not blank, of which it keeps the first maxText
// bytes.
func readLine(in *bufio.Reader) (string, error) {
	for {
		line, err := in.ReadSlice('\n')
		first := string(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return "", fmt.Errorf("no answer: %w", err)
		}
		if first = strings.TrimSpace(first); first != "" {
			return first, nil
		}
	}
}

func wordAt(line string, i int) string {
	if words := strings.Fields(line); i < len(words) {
		return strings.ToUpper(words[i])
	}
	return ""
}
