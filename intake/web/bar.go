package web

import "context"

// Bar is a line at the foot of every page of a demo: where its rooms are, and who may
// sign in. It is in English, and no part of a printed page.
type Bar struct {
	Rooms    []Room
	People   []Person
	Password string // of all of them
	// Latest is the path of the ticket that was opened last, "" for none.
	Latest func(ctx context.Context) string
}

// Room is a part of the demo that the bar links.
type Room struct{ Name, Path string }

// Person is who may sign in, and as what.
type Person struct{ Email, Roles string }

// Bar puts a bar on every page. Call it before the server serves.
func (s *Server) Bar(b Bar) { s.bar = &b }

// Bar is nil where the pages have none.
func (f *Frame) Bar() *Bar { return f.x.server.bar }

// Ticket is the path of the ticket opened last.
func (f *Frame) Ticket() string {
	if b := f.Bar(); b != nil && b.Latest != nil {
		return b.Latest(f.x.Request.Context())
	}
	return ""
}
