package verbs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// BenchmarkRawBehindHTTP is BenchmarkRawGroupCommit behind a handler of net/http
// that reads a post, waits for the commit and answers: what is left of the bare
// rate when clients, server and committer share the machine, and so the most
// that any service over HTTP can reach there.
func BenchmarkRawBehindHTTP(b *testing.B) {
	rows := rawRows(b)
	body := url.Values{"description": {description(newRand(3), 2048)}}.Encode()
	for _, n := range clientCounts {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			jobs := rawCommitter(b, rows)
			server := httptest.NewServer(rawHandler(jobs))
			host := server.Listener.Addr().String()
			request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\n"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body)
			clients := make(chan net.Conn, n)
			for range n {
				clients <- dialRaw(b, host)
			}
			crowd(b, n, func(*rand.Rand) error {
				c := <-clients
				defer func() { clients <- c }()
				return postRaw(c, request)
			})
			server.Close()
			close(jobs)
		})
	}
}

func rawHandler(jobs chan chan error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		done := make(chan error, 1)
		jobs <- done
		if <-done != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}
}

func dialRaw(b *testing.B, host string) net.Conn {
	c, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// postRaw sends a request and takes the answer, which comes in one packet.
func postRaw(c net.Conn, request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	var answer [512]byte
	n, err := c.Read(answer[:])
	if err == nil && string(answer[:min(n, 13)]) != "HTTP/1.1 201 " {
		err = fmt.Errorf("refused: %q", answer[:n])
	}
	return err
}
