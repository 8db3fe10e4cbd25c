package web

import (
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
	// crowdPause is when to come back after that.
	crowdPause = time.Minute
)

var errCrowd = errors.New("too many bodies of this network are under way")

// crowd bounds how many large bodies of one network are under way at a time. A
// body's texts are in memory until its end, and its pace lets it take minutes: a
// few thousand slow ones of one machine would fill the memory. It is safe for
// concurrent use.
type crowd struct {
	most int // 0: any number

	mu  sync.Mutex
	now map[netip.Prefix]*turns
}

// turns are those of one network; forgotten with the last who holds or awaits one.
type turns struct {
	taken chan struct{} // as many as may be under way
	users int           // guarded by crowd.mu
}

// enter takes a turn for the request's body and returns what gives it back.
func (c *crowd) enter(x *Exchange) (leave func(), err error) {
	if n := x.Request.ContentLength; c.most == 0 || n >= 0 && n <= smallBody {
		return func() {}, nil
	}
	network := origin.Networks(x.Remote())[0].Prefix
	t := c.join(network)
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; c.part(network, t) }, nil
	case <-wait.C:
	case <-x.Request.Context().Done():
	}
	c.part(network, t)
	return nil, &Fault{Status: http.StatusTooManyRequests, RetryAfter: crowdPause, Err: errCrowd}
}

func (c *crowd) join(network netip.Prefix) *turns {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.now[network]
	if !ok {
		t = &turns{taken: make(chan struct{}, c.most)}
		c.now[network] = t
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
