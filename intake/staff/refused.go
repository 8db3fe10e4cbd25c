package staff

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// What the door refuses is told to the audit log: each try of who signed in; of strangers
// how many a network made, and only of those that would change something. A page that is
// asked for by who must sign in first is no refusal.

const (
	// strangersEvery is how often the refusals of one network are written: the first at
	// once, those after it together, so that a stranger costs no write a request.
	strangersEvery = time.Minute
	// strangersAtOnce bounds the networks that are counted apart at one time.
	strangersAtOnce = 1000
)

// refusedPage tells the audit log that a page was refused to who signed in.
func (s *Staff) refusedPage(x *web.Exchange, who store.Agent, act store.Act) {
	page := store.Object{Kind: store.ObjectPage, Name: text.Cut(x.Request.URL.Path, store.MaxName)}
	s.tellRefused(x.Request.Context(), x.Log, ActorOf(x, who), act, page, 1)
}

func (s *Staff) tellRefused(
	ctx context.Context, log *slog.Logger, by store.Actor, act store.Act, o store.Object, times uint64,
) {
	if err := s.deps.Agents.RefuseAct(ctx, time.Now(), by, act, o, times); err != nil {
		log.Error("a refusal could not be written to the audit log", "agent", by.Agent, "error", err)
	}
}

// refusedStranger tells it that a form was refused to one who did not sign in.
func (s *Staff) refusedStranger(x *web.Exchange) {
	if x.Request.Method == http.MethodGet || x.Request.Method == http.MethodHead {
		return
	}
	log := x.Log
	s.strangers.add(networkOf(x), func(network string, times uint64) {
		s.tellRefused(context.Background(), log, store.Actor{Network: network}, "", store.Object{}, times)
	})
}

// strangers are the networks whose refusals wait to be written, and how many do.
type strangers struct {
	mu      sync.Mutex
	waiting map[string]uint64
}

// add counts a refusal: it is written at once, or with those of its network after
// strangersEvery.
func (s *strangers) add(network string, write func(network string, times uint64)) {
	network, first := s.counted(network)
	if !first {
		return
	}
	write(network, 1)
	time.AfterFunc(strangersEvery, func() {
		if times := s.taken(network); times > 0 {
			write(network, times)
		}
	})
}

// counted counts a refusal of a network, of "" where too many wait, and tells whether it is
// the first that does.
func (s *strangers) counted(network string) (counts string, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = map[string]uint64{}
	}
	if _, ok := s.waiting[network]; !ok && len(s.waiting) >= strangersAtOnce {
		network = ""
	}
	if _, ok := s.waiting[network]; ok {
		s.waiting[network]++
		return network, false
	}
	s.waiting[network] = 0
	return network, true
}

// taken is how many refusals of a network wait, which no longer do.
func (s *strangers) taken(network string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := s.waiting[network]
	delete(s.waiting, network)
	return times
}
