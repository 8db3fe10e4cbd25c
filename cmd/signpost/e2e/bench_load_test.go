//go:build bench

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signpost/cmd/signpost/e2e/figure"
	"signpost/cmd/signpost/generate"
)

// The client of the measures shares the machine with the service, so it does the
// least there is to it: connections that stay open, requests built before, the
// address patched in, of the answer only status and length looked at.

const (
	// postChars is the length of a description.
	postChars = 2048
	// postTexts is how many different posts there are before texts repeat.
	postTexts = 512
	// postDomains is how many domains the partners write from.
	postDomains = 1000
	// who is replaced in each request by a number no other has.
	who = "000000000"
)

// posts are requests to /contact, whole.
type posts struct {
	requests []rawPost
	next     atomic.Int64
}

// rawPost is one request and where its address is patched.
type rawPost struct {
	bytes []byte
	at    int
}

// newPosts builds the requests for a host.
func newPosts(host string) *posts {
	g := generate.New(generate.Deps{}, generate.Shape{Seed: 7, Chars: postChars}, time.Time{})
	r := rand.New(rand.NewPCG(7, 7))
	p := &posts{requests: make([]rawPost, postTexts)}
	for i := range p.requests {
		w := g.Writing()
		fields := url.Values{
			"name": {w.Name}, "company": {w.Company}, "country": {w.Country}, "title": {w.Title}, "description": {w.Body},
			"email": {fmt.Sprintf("p%s@shop%d.example.com", who, r.IntN(postDomains))},
		}
		body := fields.Encode()
		text := fmt.Sprintf("POST /contact HTTP/1.1\r\nHost: %s\r\nContent-Type: "+
			"application/x-www-form-urlencoded\r\nAccept: application/json\r\nContent-Length: "+
			"%d\r\n\r\n%s", host, len(body), body)
		p.requests[i] = rawPost{[]byte(text), strings.Index(text, who)}
	}
	return p
}

// partner is one connection of a client.
type partner struct {
	posts *posts
	conn  net.Conn
	buf   []byte
	out   []byte
}

func (p *posts) dial(host string) (*partner, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &partner{posts: p, conn: conn, buf: make([]byte, 8<<10)}, nil
}

// post sends the n-th rawPost and waits until it is taken.
func (p *partner) post(n int64) error {
	r := p.posts.requests[n%postTexts]
	p.out = append(p.out[:0], r.bytes...)
	digits := strconv.AppendInt(p.out[len(p.out):], n, 10)
	copy(p.out[r.at+len(who)-len(digits):], digits)
	if _, err := p.conn.Write(p.out); err != nil {
		return err
	}
	return p.answer()
}

// address is where the n-th rawPost's confirmation goes.
func (p *posts) address(n int64) string {
	r := p.requests[n%postTexts]
	text := string(r.bytes[r.at-1:])
	address, _ := url.QueryUnescape(text[:strings.IndexByte(text, '&')])
	return strings.Replace(address, who, fmt.Sprintf("%09d", n), 1)
}

var (
	headEnd    = []byte("\r\n\r\n")
	created    = []byte("HTTP/1.1 201 ")
	lengthName = []byte("\r\nContent-Length: ")
)

// answer reads one answer whole; anything but 201 is an error.
func (p *partner) answer() error {
	have := 0
	for {
		n, err := p.conn.Read(p.buf[have:])
		have += n
		if end := bytes.Index(p.buf[:have], headEnd); end >= 0 {
			return p.rest(p.buf[:end], have-end-len(headEnd))
		}
		if err != nil || have == len(p.buf) {
			return errors.Join(err, fmt.Errorf("no answer: %q", p.buf[:have]))
		}
	}
}

// rest reads what is missing of the body behind a header.
func (p *partner) rest(head []byte, have int) error {
	_, length, _ := bytes.Cut(head, lengthName)
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	size, err := strconv.Atoi(string(length))
	if err != nil || size > len(p.buf)-len(head) {
		return fmt.Errorf("answered without a length: %q", head)
	}
	if have < size {
		_, err = io.ReadFull(p.conn, p.buf[len(head)+len(headEnd)+have:][:size-have])
	}
	if err == nil && !bytes.HasPrefix(head, created) {
		err = fmt.Errorf("refused: %q", p.buf[:len(head)+len(headEnd)+size])
	}
	return err
}

// load is what a crowd of clients met.
type load struct {
	rate float64 // posts a second
	took []time.Duration
	cpu  float64 // the service's processor time in µs a post, its start included
}

func (l load) p50() float64 { return float64(figure.Quantile(l.took, 0.50)) / 1e6 }
func (l load) p99() float64 { return float64(figure.Quantile(l.took, 0.99)) / 1e6 }

// crowd posts n times over as many connections as there are clients.
func (p *posts) crowd(t *testing.T, host string, clients, n int) load {
	t.Helper()
	partners := make([]*partner, clients)
	for i := range partners {
		var err error
		if partners[i], err = p.dial(host); err != nil {
			t.Fatal(err)
		}
		defer partners[i].conn.Close()
	}
	first := p.next.Add(int64(n)) - int64(n)
	var done atomic.Int64
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	began := time.Now()
	for _, c := range partners {
		wg.Go(func() {
			for {
				i := done.Add(1) - 1
				if i >= int64(n) {
					return
				}
				start := time.Now()
				if err := c.post(first + i); err != nil {
					t.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if t.Failed() {
		t.FailNow()
	}
	return load{rate: float64(n) / elapsed.Seconds(), took: took}
}
