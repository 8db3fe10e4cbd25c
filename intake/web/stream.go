package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"signpost/store"
)

const (
	// streamBeat is how often a silent stream says that it is there; a page that
	// hears nothing for twice as long says that the connection is lost.
	streamBeat = 4 * time.Second
	// streamPause is between two looks for events, so that many of them cost a page
	// one load.
	streamPause = 200 * time.Millisecond
	// streamWrite bounds how long a page may take to read what it is sent.
	streamWrite = 10 * time.Second
)

// Follow answers with the stream of live events (HTML, section 9.2) of the topics in
// the query's topics, behind the position in Last-Event-ID or in the query's after.
// It ends when the server stops, when the page goes away, and as soon as signedIn
// returns an error or who may not see a topic any more: signedIn is asked before
// anything is written.
//
// hello opens the stream and names its position; change has the topic and its
// version as JSON; reload says that events were missed for good; beat that all is
// well; end that who follows may not any more.
func (x *Exchange) Follow(signedIn func() (store.Agent, error)) error {
	e := x.server.events
	topics, err := topicsOf(x.Request.URL.Query().Get("topics"))
	if err != nil {
		return &Fault{Status: http.StatusBadRequest, Err: err}
	}
	who, err := signedIn()
	if err != nil {
		return err
	}
	if !e.seen(who, topics) {
		return &Fault{Status: http.StatusForbidden, Err: errors.New("a topic that is not for this account")}
	}
	return x.follow(topics, staffBounds(who.ID), func() bool {
		who, err := signedIn()
		return err == nil && e.seen(who, topics)
	})
}

// FollowAs answers with the stream of one topic for a reader who is no member of staff,
// within the bounds. It goes on and ends as Follow's does; allowed is asked before anything is
// written.
func (x *Exchange) FollowAs(topic string, bounds []Bound, allowed func() bool) error {
	return x.follow([]string{topic}, bounds, allowed)
}

func (x *Exchange) follow(topics []string, bounds []Bound, allowed func() bool) error {
	e := x.server.events
	leave, ok := e.enter(bounds, topics)
	if !ok {
		return &Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Minute, Err: errors.New("too many streams")}
	}
	defer leave()
	(&stream{x: x, events: e, topics: topics, allowed: allowed}).run()
	return nil
}

// stream is one page's connection.
type stream struct {
	x       *Exchange
	events  *Events
	topics  []string
	at      uint64 // number of the last event it was told of
	allowed func() bool
}

func (s *stream) run() {
	h := s.x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if !s.begin() {
		return
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		news, last, complete, wake := s.events.since(s.at, s.topics)
		if !s.tell(news, last, complete) {
			return
		}
		if len(news) > 0 && !s.pause() {
			return
		}
		select {
		case <-wake:
		case <-beat.C:
			if !s.say("event: beat\ndata: 1\n\n") {
				return
			}
		case <-s.x.Request.Context().Done():
			return
		case <-s.x.Stopping():
			return
		}
	}
}

// begin says hello and finds where to go on.
func (s *stream) begin() bool {
	position := s.x.Request.Header.Get("Last-Event-ID")
	if position == "" {
		position = s.x.Request.URL.Query().Get("after")
	}
	now := s.events.position()
	s.at, _ = s.events.number(now)
	what := "retry: 1000\nevent: hello\nid: " + now + "\ndata: 1\n\n"
	if n, ok := s.events.number(position); ok {
		s.at = n
		what = "retry: 1000\nevent: hello\nid: " + position + "\ndata: 1\n\n"
	} else if position != "" {
		what += "event: reload\ndata: 1\n\n"
	}
	return s.say(what)
}

// tell writes the events there are.
func (s *stream) tell(news []event, last uint64, complete bool) bool {
	s.at = last
	if !complete {
		return s.say("event: reload\nid: " + s.events.at(last) + "\ndata: 1\n\n")
	}
	var what []byte
	for _, n := range news {
		data, err := json.Marshal(map[string]string{"topic": n.topic, "version": strconv.FormatUint(n.version, 10)})
		if err != nil { // there is no such string
			return false
		}
		what = fmt.Appendf(what, "event: change\nid: %s\ndata: %s\n\n", s.events.at(last), data)
	}
	return len(what) == 0 || s.say(string(what))
}

// pause lets more events gather.
func (s *stream) pause() bool {
	select {
	case <-time.After(streamPause):
		return true
	case <-s.x.Request.Context().Done():
	case <-s.x.Stopping():
	}
	return false
}

// say writes and flushes, as long as who follows may; false ends the stream.
func (s *stream) say(what string) bool {
	allowed := s.allowed()
	if !allowed {
		what = "event: end\ndata: 1\n\n"
	}
	s.x.SetDeadline(streamWrite)
	if _, err := s.x.Writer.Write([]byte(what)); err != nil {
		return false
	}
	return http.NewResponseController(s.x.Writer).Flush() == nil && allowed
}
