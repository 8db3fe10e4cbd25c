package staff

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// stream is an answer that is read while it is written.
type stream struct {
	*httptest.ResponseRecorder
	mu   sync.Mutex
	over bool
}

func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ResponseRecorder.Write(b)
}

// said is what came until now and whether the stream has ended.
func (s *stream) said() (text string, over bool) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Body.String(), s.over
}

// follow opens the stream of live events of the room for ops.
func (b *browser) follow(ctx context.Context) *stream {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events?topics=room", nil)
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	s := &stream{ResponseRecorder: httptest.NewRecorder()}
	go func() {
		b.server.Handler().ServeHTTP(s, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
	}()
	synctest.Wait()
	return s
}

// A stream of live events is for who has signed in and may see the topic, is told
// nothing once that is over, and keeps no session alive.
func TestLiveEventsEndWithWhatPermitsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		defer h.db.Close()
		h.server.Events().Add(web.Topic{Name: "room", Sees: func(who store.Agent, _ string) bool {
			return who.Has(store.RoleOps) && who.Actor().Sees("")
		}})
		h.hire("lee@desk.example", store.RoleAgent)
		cy := h.hire("cy@desk.example", store.RoleOps)

		stranger, agent := h.browser(), h.browser()
		agent.signIn("lee@desk.example", password, "")
		if s := stranger.follow(t.Context()); s.Code != http.StatusUnauthorized {
			t.Errorf("a stranger: %d", s.Code)
		}
		if s := agent.follow(t.Context()); s.Code != http.StatusForbidden {
			t.Errorf("an agent: %d", s.Code)
		}

		leaves, limited, idles := h.browser(), h.browser(), h.browser()
		leaves.signIn(ana, password, "")
		idles.signIn(ana, password, "")
		limited.signIn("cy@desk.example", password, "")
		left, limits, idle := leaves.follow(t.Context()), limited.follow(t.Context()), idles.follow(t.Context())
		leaves.do("POST", "/sign-out", nil)
		some := store.AgentChange{Regions: &[]string{"us"}}
		if _, err := h.db.ChangeAgent(t.Context(), time.Now(), store.ByService(), cy.ID, some); err != nil {
			t.Fatal(err)
		}
		h.server.Events().Publish("room", 1)
		for what, s := range map[string]*stream{"signed out": left, "limited to a region": limits} {
			if text, over := s.said(); !over || strings.Contains(text, "change") || !strings.Contains(text, "event: end") {
				t.Errorf("%s, the stream says %q; over: %v", what, text, over)
			}
		}
		if text, over := idle.said(); over || !strings.Contains(text, `{"topic":"room","version":"1"}`) {
			t.Errorf("the other stream says %q; over: %v", text, over)
		}
		time.Sleep(5 * time.Hour)
		if _, over := idle.said(); !over {
			t.Error("a stream outlives a session that idled away")
		}
		idles.isOut()
	})
}
