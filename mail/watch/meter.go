package watch

import (
	"errors"
	"net"
	"sync/atomic"
)

// Bytes that one step of the protocol may bring: the client library holds a line
// in memory whole, however long, and a listing too.
const (
	strangerBytes = 1 << 20   // before the login, when any host may be at the other end
	stepBytes     = 32 << 20  // a command, a chunk of mails, a stay in IDLE
	listBytes     = 256 << 20 // a listing of a folder of five million mails
)

var errFlood = errors.New("the server sends without end")

// meter is a connection that brings a bounded number of bytes.
type meter struct {
	net.Conn
	left atomic.Int64
}

func metered(conn net.Conn) *meter {
	m := &meter{Conn: conn}
	m.allow(strangerBytes)
	return m
}

// allow sets how many bytes may come from now on.
func (m *meter) allow(n int64) { m.left.Store(n) }

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if m.left.Add(-int64(n)) < 0 {
		m.Conn.Close()
		return 0, errFlood
	}
	return n, err
}
