package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// ErrSlow: the client sent its body slower than the route's Pace allows.
var ErrSlow = errors.New("body sent too slowly")

// pacedBody holds a request's body to a Pace. It keeps nothing: a body of any
// size flows through the reader's own buffer.
type pacedBody struct {
	io.ReadCloser
	pace    Pace
	control *http.ResponseController
	began   time.Time
	read    int64
	until   time.Time // the read deadline last set
}

// boundUnread bounds the time a body may take that no handler reads: the server
// reads some of it before it answers, and would wait for a silent client for ever.
func (x *Exchange) boundUnread() {
	if x.Request.Body == nil || x.Request.Body == http.NoBody {
		return
	}
	// Not every writer has deadlines (a recorder in a test has none).
	_ = http.NewResponseController(x.Writer).SetReadDeadline(time.Now().Add(x.server.cfg.Body.Total))
}

// bound puts the request's body under a pace, and gives the answer the time the
// body may take and the time to write on top.
func (x *Exchange) bound(p Pace) {
	if x.Request.Body == nil || x.Request.Body == http.NoBody {
		return
	}
	x.SetDeadline(p.Total + x.server.cfg.Write)
	x.body = &pacedBody{
		ReadCloser: x.Request.Body,
		pace:       p,
		control:    http.NewResponseController(x.Writer),
		began:      time.Now(),
	}
	x.Request.Body = x.body
}

// Read refuses the first byte above the limit with *http.MaxBytesError and a
// client that falls behind with ErrSlow.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.read >= b.pace.Max {
		return b.probe()
	}
	if left := b.pace.Max - b.read; int64(len(p)) > left {
		p = p[:left]
	}
	b.extend()
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, b.judge(err)
}

// probe tells a body that ends exactly at the limit from one that goes on.
func (b *pacedBody) probe() (int, error) {
	b.extend()
	n, err := io.ReadFull(b.ReadCloser, make([]byte, 1))
	if n > 0 {
		b.read += int64(n)
		return 0, &http.MaxBytesError{Limit: b.pace.Max}
	}
	return 0, b.judge(err)
}

func (b *pacedBody) judge(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.Join(ErrSlow, err)
	}
	if errors.Is(err, io.EOF) {
		// Left in place, the deadline would cancel a handler that works on.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return err
}

// extend moves the read deadline along with what has arrived.
func (b *pacedBody) extend() {
	until := b.began.Add(b.pace.Total)
	if b.pace.MinRate > 0 {
		earned := time.Duration(float64(b.read) / float64(b.pace.MinRate) * float64(time.Second))
		if paced := b.began.Add(b.pace.Grace + earned); paced.Before(until) {
			until = paced
		}
	}
	if until.Sub(b.until).Abs() < time.Second/4 {
		return
	}
	b.until = until
	_ = b.control.SetReadDeadline(until)
}

// Drain reads on past the limit and throws away, up to max bytes and for d, so
// that a browser which is still sending comes to read the answer; without it the
// connection breaks and the reader sees the browser's own error page. The
// deadline stays: the server itself reads on for a while.
func (x *Exchange) Drain(max int64, d time.Duration) {
	if x.body == nil || x.Request.ContentLength > max {
		return
	}
	_ = x.body.control.SetReadDeadline(time.Now().Add(d))
	_, _ = io.CopyN(io.Discard, x.body.ReadCloser, max)
	x.SetDeadline(x.server.cfg.Write)
}
