package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"signpost/store"
)

const (
	// eventsKept is how many events a stream may be behind before its page is told
	// to load anew.
	eventsKept = 1024
	// maxTopics is how many topics one stream follows, maxTopicName how long the
	// name of one is, in bytes.
	maxTopics, maxTopicName = 8, 100
	// streamsPerAgent and staffStreams bound the streams of staff that are open at a
	// time. A page closes its stream while nobody sees it.
	streamsPerAgent, staffStreams = 20, 2000
	// watchLingers is how long a Watch goes on after its last follower left: from one
	// page to the next it is neither stopped nor begun anew.
	watchLingers = time.Minute
)

// Topic is a kind of live events: all whose name is Name, or begins with Name and a
// slash ("ticket/US-1042" under "ticket").
type Topic struct {
	Name string
	// Sees tells who of staff may follow the topic of this whole name. It is asked when
	// a stream opens and again before each event. nil: no member of staff, the room
	// opens the streams (Exchange.FollowAs).
	Sees func(who store.Agent, name string) bool
	// Watch, where it is set, looks for changes while somebody follows the topic of this
	// whole name, and calls changed with the version it finds at its start and with each
	// later one, until ctx ends. nil: the room calls Publish.
	Watch func(ctx context.Context, name string, changed func(version uint64))
}

// Events tells open pages that something changed. It carries no content: an event is
// a topic and the version of what changed, and the page fetches what it may see. The
// last 1,024 are kept, so that a stream that was cut off goes on behind the last
// event it had, and is told to reload when that is gone. It is safe for concurrent
// use.
type Events struct {
	epoch string // of this process: positions of another one are not known here

	mu      sync.Mutex
	topics  []Topic
	ring    [eventsKept]event
	last    uint64         // number of the newest event; 0: none yet
	wake    chan struct{}  // closed at the next event
	streams map[string]int // open now, by Bound.Key
	watched map[string]*watching
}

// event is one change.
type event struct {
	topic   string
	version uint64
}

// watching is a topic's Watch at work, for so many streams.
type watching struct {
	followers int
	stop      context.CancelFunc
}

func newEvents() *Events {
	return &Events{
		epoch: strings.ToLower(rand.Text()[:8]), wake: make(chan struct{}),
		streams: make(map[string]int), watched: make(map[string]*watching),
	}
}

// Events are the server's live events.
func (s *Server) Events() *Events { return s.events }

// Add makes a topic known. Rooms call it before the server serves.
func (e *Events) Add(t Topic) { e.topics = append(e.topics, t) }

// Publish tells who follows the topic that it has a new version. A room calls it
// after the commit.
func (e *Events) Publish(topic string, version uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	e.ring[e.last%eventsKept] = event{topic, version}
	close(e.wake)
	e.wake = make(chan struct{})
}

// position names the newest event.
func (e *Events) position() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at(e.last)
}

func (e *Events) at(n uint64) string { return e.epoch + "-" + strconv.FormatUint(n, 10) }

// number reads a position; false for one of another process and for none.
func (e *Events) number(position string) (uint64, bool) {
	epoch, digits, _ := strings.Cut(position, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && epoch == e.epoch
}

// since returns the events of the topics behind number n, of each topic the newest
// alone, the number of the newest event of all and what is closed at the next.
// complete is false when some of them are kept no more.
func (e *Events) since(n uint64, topics []string) (news []event, last uint64, complete bool, wake <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n > e.last || e.last-n > eventsKept {
		return nil, e.last, false, e.wake
	}
	for i := n + 1; i <= e.last; i++ {
		news = keepNewest(news, e.ring[i%eventsKept], topics)
	}
	return news, e.last, true, e.wake
}

func keepNewest(news []event, now event, topics []string) []event {
	for _, topic := range topics {
		if topic != now.topic {
			continue
		}
		for i := range news {
			if news[i].topic == topic {
				news[i] = now
				return news
			}
		}
		return append(news, now)
	}
	return news
}

// topic finds the kind of a topic by its whole name.
func (e *Events) topic(name string) (Topic, bool) {
	kind, _, _ := strings.Cut(name, "/")
	for _, t := range e.topics {
		if t.Name == kind {
			return t, true
		}
	}
	return Topic{}, false
}

// seen tells whether who may follow all of the topics.
func (e *Events) seen(who store.Agent, topics []string) bool {
	for _, name := range topics {
		if t, ok := e.topic(name); !ok || t.Sees == nil || !t.Sees(who, name) {
			return false
		}
	}
	return true
}

// Bound is a limit on how many streams of one kind are open at a time.
type Bound struct {
	Key  string // what is counted: "agent/7", a network, a link
	Most int
}

// staffBounds are those of an agent's stream.
func staffBounds(who store.AgentID) []Bound {
	return []Bound{{"agent/" + strconv.FormatUint(uint64(who), 10), streamsPerAgent}, {"staff", staffStreams}}
}

// enter counts a stream in and starts the Watch of topics that have none at work; it
// returns what counts it out. false: there are too many by one of the bounds.
func (e *Events) enter(bounds []Bound, topics []string) (leave func(), ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range bounds {
		if e.streams[b.Key] >= b.Most {
			return nil, false
		}
	}
	for _, b := range bounds {
		e.streams[b.Key]++
	}
	for _, name := range topics {
		e.follow(name)
	}
	return func() { e.leave(bounds, topics) }, true
}

// follow is called under the lock.
func (e *Events) follow(name string) {
	t, _ := e.topic(name)
	if t.Watch == nil {
		return
	}
	if w := e.watched[name]; w != nil { // at work, or lingering
		w.followers++
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	e.watched[name] = &watching{1, stop}
	go t.Watch(ctx, name, func(version uint64) {
		if ctx.Err() == nil {
			e.Publish(name, version)
		}
	})
}

func (e *Events) leave(bounds []Bound, topics []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range bounds {
		if e.streams[b.Key]--; e.streams[b.Key] == 0 {
			delete(e.streams, b.Key)
		}
	}
	for _, name := range topics {
		if w := e.watched[name]; w != nil {
			if w.followers--; w.followers == 0 {
				time.AfterFunc(watchLingers, func() { e.abandon(name, w) })
			}
		}
	}
}

// abandon stops a Watch that nobody has begun to follow again.
func (e *Events) abandon(name string, w *watching) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.followers == 0 && e.watched[name] == w {
		w.stop()
		delete(e.watched, name)
	}
}

// topicsOf reads the topics a stream asks for, each once.
func topicsOf(asked string) ([]string, error) {
	topics := strings.Fields(asked)
	if len(topics) == 0 || len(topics) > maxTopics {
		return nil, fmt.Errorf("a stream follows 1 to %d topics, not %d", maxTopics, len(topics))
	}
	for i, name := range topics {
		if len(name) > maxTopicName {
			return nil, fmt.Errorf("the name of a topic has more than %d bytes", maxTopicName)
		}
		for _, other := range topics[:i] {
			if other == name {
				return nil, fmt.Errorf("a topic is named twice")
			}
		}
	}
	return topics, nil
}
