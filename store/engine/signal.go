package engine

import "sync"

// Signal wakes those who wait for something that happens again and again. The zero
// value is ready; it is safe for concurrent use. It costs nothing while none waits.
type Signal struct {
	mu   sync.Mutex
	next chan struct{} // nil while none waits
}

// Next returns a channel that is closed by the next Raise.
func (s *Signal) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

// Raise wakes all who wait.
func (s *Signal) Raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}
