package web

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/store"
	"signpost/store/lang"
)

// live is a server with one stream at /events, for whoever it says has signed in.
type live struct {
	*Server
	out atomic.Bool // signed out
}

func openLive(t testing.TB) *live {
	t.Helper()
	langs, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Defaults(), langs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l := &live{Server: server}
	l.Events().Add(Topic{Name: "ops", Sees: func(who store.Agent, _ string) bool { return who.Has(store.RoleOps) }})
	l.Events().Add(Topic{Name: "ticket", Sees: func(_ store.Agent, name string) bool { return name != "ticket/INT-1" }})
	l.Handle(Route{Method: http.MethodGet, Path: "/events", Handler: func(x *Exchange) error {
		return x.Follow(func() (store.Agent, error) {
			if l.out.Load() {
				return store.Agent{}, &Fault{Status: http.StatusUnauthorized, Err: store.ErrNotFound}
			}
			return store.Agent{ID: 1, Roles: []store.Role{store.RoleOps}}, nil
		})
	}})
	return l
}

// page is what a page's stream brought, event by event.
type page struct {
	code   int
	events chan string // "hello EPOCH-0", "change {...}"
	id     string      // the last that came
}

// streamWriter hands on what is written.
type streamWriter struct {
	header http.Header
	code   chan int
	text   chan []byte
}

func (w *streamWriter) Header() http.Header  { return w.header }
func (w *streamWriter) WriteHeader(code int) { w.code <- code }
func (w *streamWriter) Flush()               {}
func (w *streamWriter) FlushError() error    { return nil }
func (w *streamWriter) Write(b []byte) (int, error) {
	w.text <- append([]byte(nil), b...)
	return len(b), nil
}

// follow opens a stream; it ends with ctx.
func (l *live) follow(ctx context.Context, query, lastEventID string) *page {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events?"+query, nil)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	w := &streamWriter{header: http.Header{}, code: make(chan int, 10), text: make(chan []byte, 10_000)}
	p := &page{events: make(chan string, 10_000)}
	go func() {
		l.Handler().ServeHTTP(w, r)
		close(w.text)
	}()
	p.code = <-w.code
	go p.read(w.text)
	return p
}

func (p *page) read(text <-chan []byte) {
	defer close(p.events)
	var event, data, id string
	for chunk := range text {
		lines := bufio.NewScanner(strings.NewReader(string(chunk)))
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				event = value
			case "data":
				data = value
			case "id":
				id = value
			case "":
				p.events <- strings.TrimSuffix(event+" "+data, " 1")
				p.id = id
			}
		}
	}
}

// heard is all that came until now.
func (p *page) heard() (all []string) {
	synctest.Wait()
	for {
		select {
		case e, ok := <-p.events:
			if !ok {
				return append(all, "closed")
			}
			all = append(all, e)
		default:
			return all
		}
	}
}

func wants(t *testing.T, p *page, want ...string) {
	t.Helper()
	if got := p.heard(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the page heard %q, not %q", got, want)
	}
}

func change(topic string, version uint64) string {
	return fmt.Sprintf(`change {"topic":%q,"version":"%d"}`, topic, version)
}

// A page hears of its own topics, once for many changes in a row, and that the
// stream lives.
func TestAPageHearsWhatItFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		p := l.follow(t.Context(), "topics=ops+ticket/US-1", "")
		wants(t, p, "hello")
		l.Events().Publish("ticket/US-2", 1)
		wants(t, p)
		l.Events().Publish("ops", 7)
		wants(t, p, change("ops", 7))
		for version := range uint64(100) {
			l.Events().Publish("ops", version)
			l.Events().Publish("ticket/US-1", version)
		}
		wants(t, p) // they gather
		time.Sleep(streamPause)
		wants(t, p, change("ops", 99), change("ticket/US-1", 99))
		time.Sleep(3*streamBeat - streamPause)
		wants(t, p, "beat", "beat", "beat")
	})
}

// A stream that was cut off goes on behind the last event the page had: over a
// thousand cuts at any place the page ends with the newest version of every topic.
func TestAStreamCutOffMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		seen := map[string]string{}
		at := l.Events().position()
		for round := range uint64(1000) {
			ctx, cut := context.WithCancel(t.Context())
			l.Events().Publish("ops", round) // while no stream is open
			p := l.follow(ctx, "topics=ops+ticket/US-1", at)
			l.Events().Publish("ticket/US-1", round)
			if round%3 == 0 {
				time.Sleep(streamPause)
			}
			cut()
			for _, e := range p.heard() {
				if kind, data, _ := strings.Cut(e, " "); kind == "change" {
					topic, version, _ := strings.Cut(strings.TrimPrefix(data, `{"topic":"`), `","version":"`)
					seen[topic] = strings.TrimSuffix(version, `"}`)
				} else if kind == "reload" {
					t.Fatal("events were lost")
				}
			}
			at = p.id
		}
		p := l.follow(t.Context(), "topics=ops+ticket/US-1", at)
		if rest := p.heard(); len(rest) > 1 {
			seen["ticket/US-1"] = "999" // the last one came at the last cut
		}
		if seen["ops"] != "999" || seen["ticket/US-1"] != "999" {
			t.Errorf("the page has %v", seen)
		}
	})
}

// Who was away for longer than events are kept, or before the last start, loads anew.
func TestAPageThatFellBehindReloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		old := l.Events().position()
		for version := range uint64(eventsKept) {
			l.Events().Publish("ops", version)
		}
		wants(t, l.follow(t.Context(), "topics=ops", old), "hello", change("ops", eventsKept-1))
		l.Events().Publish("ops", eventsKept)
		p := l.follow(t.Context(), "topics=ops&after="+old, "")
		wants(t, p, "hello", "reload")
		if p.id != l.Events().position() {
			t.Errorf("it goes on at %s", p.id)
		}
		wants(t, l.follow(t.Context(), "topics=ops", "elsewhere-3"), "hello", "reload")
	})
}

// A stream ends with the session: nothing is told after it.
func TestAStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		idle, told := l.follow(t.Context(), "topics=ops", ""), l.follow(t.Context(), "topics=ops", "")
		wants(t, idle, "hello")
		wants(t, told, "hello")
		l.out.Store(true)
		l.Events().Publish("ops", 1)
		wants(t, told, "end", "closed")
		wants(t, idle, "end", "closed")
		if p := l.follow(t.Context(), "topics=ops", ""); p.code != http.StatusUnauthorized {
			t.Errorf("signed out, a stream opens: %d", p.code)
		}
		if len(l.Events().streams) != 0 {
			t.Error("streams that ended are counted")
		}
	})
}

func TestStreamsAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		for query, want := range map[string]int{
			"": 400, "topics=ops+ops": 400, "topics=1+2+3+4+5+6+7+8+9": 400, "topics=" + strings.Repeat("t", 101): 400,
			"topics=secret": 403, "topics=ticket/INT-1": 403, "topics=ops+ticket/INT-1": 403, "topics=ticket/US-1": 200,
		} {
			ctx, cut := context.WithCancel(t.Context())
			if p := l.follow(ctx, query, ""); p.code != want {
				t.Errorf("?%s: %d, not %d", query, p.code, want)
			}
			cut()
			synctest.Wait()
		}
		for range streamsPerAgent {
			l.follow(t.Context(), "topics=ops", "")
		}
		if p := l.follow(t.Context(), "topics=ops", ""); p.code != http.StatusTooManyRequests {
			t.Errorf("one more stream: %d", p.code)
		}
	})
}

// A topic is watched while a page follows it, and from one page to the next.
func TestATopicIsWatchedWhileItIsFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := openLive(t)
		var begun, at atomic.Int64
		l.Events().Add(Topic{
			Name: "counts", Sees: func(store.Agent, string) bool { return true },
			Watch: func(ctx context.Context, _ string, changed func(uint64)) {
				at.Add(1)
				changed(uint64(begun.Add(1)))
				<-ctx.Done()
				changed(99) // too late
				at.Add(-1)
			},
		})
		ctx, cut := context.WithCancel(t.Context())
		first := l.follow(ctx, "topics=counts", "")
		l.follow(ctx, "topics=counts", "")
		wants(t, first, "hello", change("counts", 1))
		cut()
		time.Sleep(watchLingers / 2)
		ctx, cut = context.WithCancel(t.Context())
		wants(t, l.follow(ctx, "topics=counts", first.id), "hello")
		time.Sleep(2 * watchLingers)
		synctest.Wait()
		if begun.Load() != 1 || at.Load() != 1 {
			t.Errorf("begun %d times, %d at work", begun.Load(), at.Load())
		}
		cut()
		time.Sleep(2 * watchLingers)
		synctest.Wait()
		if at.Load() != 0 || l.Events().position() != first.id {
			t.Error("it goes on without a page")
		}
	})
}

// A page that listens costs some tens of KiB of heap and stack, so fifty cost a few MiB.
func TestManyStreamsAreCheap(t *testing.T) {
	l := openLive(t)
	l.Handler()
	server := httptest.NewServer(l.Handler())
	defer server.Close()
	before := footprint()
	const streams = streamsPerAgent // of one agent; more agents cost the same each
	for range streams {
		answer, err := http.Get(server.URL + "/events?topics=ops")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if line, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil || line != "retry: 1000\n" {
			t.Fatal(line, err)
		}
	}
	each := (footprint() - before) / streams
	t.Logf("%d bytes a stream, with its client", each)
	if each > 80<<10 {
		t.Errorf("a stream costs %d bytes with its client", each)
	}
}

func footprint() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
