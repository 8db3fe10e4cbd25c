package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"signpost/store/origin"
)

const (
	// smallBody is what may arrive without waiting for a turn, in bytes: no more
	// than a connection costs anyway.
	smallBody = 32 << 10
	// turnWait is how long a large body waits for its turn, unread: an office that
	// presses the button at the same moment never comes near it.
	turnWait = 10 * time.Second
	// beginning is what is read of a body that got no turn, in bytes.
	beginning = 128 << 10
	// crowdPause is when to come back after that.
	crowdPause = time.Minute
)

var errCrowd = errors.New("too many bodies are under way")

// crowd bounds how many large bodies are under way at a time: of one network, each
// of an address's networks its share, and of all. A body's texts are in memory
// until its end, and its pace lets it take minutes: a few thousand slow ones would
// fill the memory. It is safe for concurrent use.
type crowd struct {
	most int           // of the smallest network; 0: any number
	all  chan struct{} // as many as may be under way; nil: any number

	mu  sync.Mutex
	now map[netip.Prefix]*turns
}

func newCrowd(most, all int) *crowd {
	c := &crowd{most: most, now: make(map[netip.Prefix]*turns)}
	if all > 0 {
		c.all = make(chan struct{}, all)
	}
	return c
}

// turns are those of one network; forgotten with the last who holds or awaits one.
type turns struct {
	taken chan struct{} // as many as may be under way
	users int           // guarded by crowd.mu
}

// enter takes a turn for the request's body and returns what gives it back.
func (c *crowd) enter(x *Exchange) (leave func(), err error) {
	if n := x.Request.ContentLength; n >= 0 && n <= smallBody {
		return func() {}, nil
	}
	wait, cancel := context.WithTimeout(x.Request.Context(), turnWait)
	defer cancel()
	var held []func()
	leave = func() {
		for _, giveBack := range held {
			giveBack()
		}
	}
	// From the smallest network outwards: what waits for a wider one holds nothing
	// that others of that one wait for.
	for _, network := range origin.Networks(x.Remote()) {
		if c.most == 0 {
			break
		}
		t := c.join(network)
		held = append(held, func() { c.part(network.Prefix, t) })
		if !take(wait, t.taken) {
			leave()
			return nil, &Fault{Status: http.StatusTooManyRequests, RetryAfter: crowdPause, Err: errCrowd}
		}
		held = append(held, func() { <-t.taken })
	}
	if c.all != nil {
		if !take(wait, c.all) {
			leave()
			return nil, &Fault{Status: http.StatusServiceUnavailable, RetryAfter: crowdPause, Err: errCrowd}
		}
		held = append(held, func() { <-c.all })
	}
	return leave, nil
}

// crowded answers a request whose body got no turn.
func (x *Exchange) crowded(r Route, err error) error {
	f := faultOf(err)
	if r.Crowded == nil || !errors.Is(err, errCrowd) {
		return err
	}
	x.server.logFault(x, f)
	x.retryAfter(f)
	pace := r.Body
	pace.Max = beginning
	x.bound(pace)
	return r.Crowded(x, f.Status)
}

// take waits for a turn until ctx ends.
func take(ctx context.Context, turn chan struct{}) bool {
	select {
	case turn <- struct{}{}:
		return true
	default:
	}
	select {
	case turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *crowd) join(network origin.Network) *turns {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.now[network.Prefix]
	if !ok {
		t = &turns{taken: make(chan struct{}, c.most*network.Share)}
		c.now[network.Prefix] = t
	}
	t.users++
	return t
}

func (c *crowd) part(network netip.Prefix, t *turns) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(c.now, network)
	}
}
