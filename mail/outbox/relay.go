package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// RelayState is how the relay does.
type RelayState string

// The states of the relay.
const (
	RelayUp RelayState = "up"
	// RelayTrying: a probe got through, one mail goes first.
	RelayTrying RelayState = "trying"
	// RelayDown: no mail is tried until a probe gets through.
	RelayDown RelayState = "down"
)

// RelayStatus is the state of the relay, since when, and why.
type RelayStatus struct {
	State   RelayState
	Since   time.Time
	RetryAt time.Time // when it is probed next, while it is down
	Err     error     // the last trouble, nil while it is up
}

// strikeLimit is how many dialogues in a row may break off before the relay
// counts as down: one is some recipient's tarpit, several are not.
const strikeLimit = 3

// relay holds the open connections and the health of the one relay.
type relay struct {
	cfg    Config
	known  *learned
	seen   func(RelayStatus)
	mu     sync.Mutex
	idle   []*session // the last is the one used last
	active int        // sessions in a dialogue or being opened
	closed bool

	status  RelayStatus
	falls   int // how often it went down, or stayed down at a probe, since it last took a mail
	refused int // failures in a row that were the relay's
	strikes int // dialogues in a row that broke off
}

func newRelay(cfg Config, seen func(RelayStatus)) *relay {
	return &relay{cfg: cfg, known: newLearned(), seen: seen, status: RelayStatus{State: RelayUp}}
}

// now returns the relay's status.
func (r *relay) now() RelayStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// send hands m over on an idle connection or a new one. A connection that turns
// out to have died while it lay idle, or to be worn, is replaced once, by a new
// one; so is one that the relay ended over a parameter it is no longer given.
func (r *relay) send(ctx context.Context, m Message) (reply, error) {
	r.begin()
	defer r.end()
	s := r.take()
	for fresh := 0; ; {
		if s == nil {
			fresh++
			var err error
			if s, err = open(ctx, r.cfg, r.known); err != nil {
				return reply{}, err
			}
		}
		rep, err := s.deliver(ctx, m)
		r.keep(s)
		if err == nil || ctx.Err() != nil || !s.replaceable(err, fresh) {
			return rep, err
		}
		s = nil
	}
}

// replaceable tells whether what went wrong was the connection's fault, fresh being
// how many were opened for this mail.
func (s *session) replaceable(err error, fresh int) bool {
	var d *DeliveryError
	used := fresh == 0
	return used && (s.worn || errors.As(err, &d) && d.stale()) || fresh < 2 && s.dead && s.lesser
}

func (r *relay) begin() { r.mu.Lock(); r.active++; r.mu.Unlock() }
func (r *relay) end()   { r.mu.Lock(); r.active--; r.mu.Unlock() }

// take returns the idle session that was used last, or nil.
func (r *relay) take() *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.idle)
	if n == 0 {
		return nil
	}
	s := r.idle[n-1]
	r.idle = r.idle[:n-1]
	s.reap.Stop()
	return s
}

// keep puts a session among the idle ones until IdleLimit has passed.
func (r *relay) keep(s *session) {
	r.mu.Lock()
	if !s.dead && !s.worn && !r.closed {
		s.reap = time.AfterFunc(r.cfg.IdleLimit, func() { r.drop(s) })
		r.idle = append(r.idle, s)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	s.close()
}

// drop closes a session if it is still idle.
func (r *relay) drop(s *session) {
	r.mu.Lock()
	for i, other := range r.idle {
		if other == s {
			r.idle = append(r.idle[:i], r.idle[i+1:]...)
			r.mu.Unlock()
			s.close()
			return
		}
	}
	r.mu.Unlock()
}

// shut closes all idle sessions, and from now on every one that comes back.
func (r *relay) shut() {
	r.mu.Lock()
	idle := r.idle
	r.idle, r.closed = nil, true
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range idle {
		s.reap.Stop()
		wg.Go(s.close)
	}
	wg.Wait()
}

// probe looks whether the relay is back: an idle connection that still answers
// is proof enough, and a relay that limits connections may grant no other. When
// it is back the connection is kept and one mail may try.
func (r *relay) probe(run context.Context) {
	ctx, cancel := context.WithTimeout(run, r.cfg.Dialogue)
	defer cancel()
	s := r.take()
	if s != nil && !s.alive(ctx) {
		s.close()
		s = nil
	}
	var err error
	if s == nil {
		s, err = open(ctx, r.cfg, r.known)
	}
	if err == nil {
		r.keep(s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && run.Err() == nil {
		r.fall(err)
	}
	if err == nil && r.status.State == RelayDown {
		r.become(RelayStatus{State: RelayTrying, Err: r.status.Err})
	}
}

// note judges the relay by the end of one try (nil for a mail taken). It
// returns true when the relay refused one connection too many while others
// work: the caller should then rest.
func (r *relay) note(err error) (rest bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var d *DeliveryError
	switch errors.As(err, &d); {
	case d != nil && r.status.State == RelayDown: // a dialogue that began before it fell
	case d != nil && d.ofRelay():
		rest = r.status.State == RelayUp && r.refused == 0 && r.active > 0
		r.refused++
		if !rest {
			r.fall(d)
		}
	case d != nil && d.strikes():
		r.strikes++
		if r.strikes >= strikeLimit || r.status.State == RelayTrying {
			r.fall(d)
		}
	case d != nil && d.Stage == StageCompose: // the relay was not asked
	default:
		r.falls, r.refused, r.strikes = 0, 0, 0
		if r.status.State != RelayUp {
			r.become(RelayStatus{State: RelayUp})
		}
	}
	return rest
}

// fall takes the relay down, until a probe that waits longer each time.
func (r *relay) fall(cause error) {
	wait := r.cfg.ProbeFirst
	for i := 0; i < r.falls && wait < r.cfg.ProbeLast; i++ {
		wait *= 2
	}
	r.falls++
	wait = jitter(min(wait, r.cfg.ProbeLast), rand.Float64())
	r.become(RelayStatus{State: RelayDown, RetryAt: time.Now().Add(wait), Err: cause})
}

// become changes the status; the caller holds the lock.
func (r *relay) become(s RelayStatus) {
	s.Since = r.status.Since
	if s.State != r.status.State {
		s.Since = time.Now()
	}
	r.status = s
	r.seen(s)
}
