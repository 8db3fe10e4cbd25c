package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"signpost/intake/web"
)

// serving is a room's server on a port of this machine.
func serving(t *testing.T, change func(*web.Config)) (address string, logged interface{ String() string }) {
	t.Helper()
	cfg := web.Defaults()
	cfg.URL = "https://Help.example.com"
	if change != nil {
		change(&cfg)
	}
	s, log := testRoom(t, cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		<-served
	})
	return ln.Addr().String(), log
}

// ask sends one request under a name and returns the status.
func ask(t *testing.T, address, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// A stranger's page whose name points to this machine reads nothing here.
func TestOnlyWhoAsksByANameOfOursIsAnswered(t *testing.T) {
	t.Parallel()
	address, _ := serving(t, func(c *web.Config) { c.Hosts = []string{"Signpost.internal"} })
	for host, want := range map[string]int{
		"help.example.com": 200, "HELP.example.com:8443": 200, "help.example.com.": 200, "signpost.internal:8080": 200,
		"localhost": 200, "LocalHost:8080": 200, "127.0.0.1": 200, "127.0.0.1:9": 200, "192.0.2.7:80": 200, "[::1]:8080": 200,
		"[2001:db8::1]": 200,
		"evil.example":  421, "evil.example:8080": 421, "help.example.com.evil.example": 421, "xhelp.example.com": 421,
		"localhost.evil.example": 421,
		"127.0.0.1.evil.example": 421, "1.2.3": 421, "signpost": 421, "localhost:x:y": 421,
	} {
		if got := ask(t, address, "GET /note/a HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
	if got := ask(t, address, "GET http://evil.example/note/a HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != 421 {
		t.Errorf("a whole address of another host: %d", got)
	}
	if got := ask(t, address, "GET /note/a HTTP/1.0\r\n\r\n"); got != 200 {
		t.Errorf("a probe that names no host: %d", got)
	}
}

func TestAClientHasSoManyConnectionsAtATime(t *testing.T) {
	t.Parallel()
	address, _ := serving(t, func(c *web.Config) { c.ConnectionsPerNetwork = 3 })
	var open []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET /note/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != 200 {
			t.Fatalf("%+v, %v", answer, err)
		}
		open = append(open, conn)
	}
	over, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = over.SetReadDeadline(time.Now().Add(10 * time.Second))
	said, err := io.ReadAll(over)
	if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 429 ") ||
		!strings.Contains(string(said), "Retry-After: 10\r\n") {
		t.Errorf("one too many hears %q, %v", said, err)
	}
	open[0].Close()
	// The server sees it close a moment later; until then the answer is 429.
	for tries := 0; ; tries++ {
		got := ask(t, address, "GET /note/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if got == 200 {
			break
		}
		if got != 429 || tries == 1000 {
			t.Fatalf("after one has gone: %d, %d times", got, tries)
		}
	}
	trusted, _ := serving(t, func(c *web.Config) {
		c.ConnectionsPerNetwork, c.TrustedProxies = 1, []string{"127.0.0.0/8"}
	})
	for range 5 { // a proxy is many clients
		conn, err := net.Dial("tcp", trusted)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /note/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != 200 {
			t.Fatalf("a trusted proxy: %+v, %v", answer, err)
		}
	}
}
