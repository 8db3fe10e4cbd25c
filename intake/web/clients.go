package web

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"signpost/store/origin"
)

// clients bounds how many connections a client has open at a time, each of its
// networks its share: a connection costs memory and a descriptor before it has
// said anything. The proxies that are trusted are many clients and not counted. It
// is safe for concurrent use.
type clients struct {
	most    int // of the smallest network; 0: any number
	trusted []netip.Prefix

	mu   sync.Mutex
	open map[netip.Prefix]int
}

// watch is the server's hook on the life of its connections.
func (c *clients) watch(conn net.Conn, state http.ConnState) {
	blocks := c.blocks(conn.RemoteAddr())
	switch state {
	case http.StateNew:
		if !c.add(blocks) {
			turnAway(conn)
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(blocks)
	}
}

// blocks are the networks that a connection is counted by, none where it is not.
func (c *clients) blocks(remote net.Addr) []origin.Network {
	peer, err := netip.ParseAddrPort(remote.String())
	if err != nil || c.most == 0 || isTrusted(peer.Addr().Unmap().WithZone(""), c.trusted) {
		return nil
	}
	return origin.Networks(peer.Addr())
}

// add counts a connection and tells whether it is within what its networks have.
func (c *clients) add(blocks []origin.Network) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	within := true
	for _, b := range blocks {
		c.open[b.Prefix]++
		within = within && c.open[b.Prefix] <= c.most*b.Share
	}
	return within
}

func (c *clients) remove(blocks []origin.Network) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range blocks {
		if c.open[b.Prefix]--; c.open[b.Prefix] == 0 {
			delete(c.open, b.Prefix)
		}
	}
}

// turnAway answers before anything was asked: the few bytes fit the buffer of any
// new connection, so that this waits for nobody.
func turnAway(conn net.Conn) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	const answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	_, _ = conn.Write([]byte(answer))
	_ = conn.Close()
}
