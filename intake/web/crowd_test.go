package web_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signpost/intake/web"
)

// upload is a body under way: large or of unknown size until it is ended.
type upload struct {
	body   *io.PipeWriter
	status int
	took   time.Duration
}

// A machine that keeps many bodies under way holds up nobody but its own network,
// whose others wait for a turn and are told when to come back.
func TestOneNetworkHasAFewBodiesUnderWayAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := web.Defaults()
		cfg.BodiesPerNetwork = 2
		s, _ := testRoom(t, cfg)
		handler := s.Handler()
		var under sync.WaitGroup
		begin := func(from string, length int64) *upload {
			body, end := io.Pipe()
			u := &upload{body: end}
			r := httptest.NewRequest("POST", "/read", body)
			r.RemoteAddr, r.ContentLength = from, length
			under.Go(func() {
				began, w := time.Now(), httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				u.status, u.took = w.Code, time.Since(began)
				if u.status == 429 && w.Header().Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			})
			synctest.Wait()
			return u
		}
		slow := []*upload{begin("[2001:db8::1]:5000", -1), begin("[2001:db8::2]:5000", 1<<20)}
		waiting := begin("[2001:db8::3]:5000", -1)
		small := begin("[2001:db8::4]:5000", 900)
		other := begin("[2001:db8:0:1::1]:5000", -1)
		small.body.Close()
		other.body.Close()
		time.Sleep(3 * time.Second)
		slow[0].body.Close()
		synctest.Wait()
		late := begin("[2001:db8::5]:5000", -1)
		time.Sleep(time.Minute)
		waiting.body.Close()
		slow[1].body.Close()
		under.Wait()
		for _, u := range []*upload{slow[0], slow[1], waiting, small, other} {
			if u.status != 200 {
				t.Errorf("%+v, want status 200", u)
			}
		}
		if late.status != 429 || late.took > 11*time.Second {
			t.Errorf("the last of a full network: %d after %v", late.status, late.took)
		}
		if small.took != 0 || other.took != 0 {
			t.Errorf("a small body waited %v, another network's %v", small.took, other.took)
		}
		again := begin("[2001:db8::3]:5000", -1)
		again.body.Close()
		under.Wait()
		if again.status != 200 {
			t.Errorf("after the crowd: %d", again.status)
		}
	})
}

// Who has a /48 has not 65,536 networks' worth of bodies under way, and all
// networks together have an end too.
func TestWiderNetworksAndAllTogetherHaveTheirShareOfBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := web.Defaults()
		cfg.BodiesPerNetwork, cfg.BodiesInAll = 2, 10
		s, _ := testRoom(t, cfg)
		handler := s.Handler()
		var under sync.WaitGroup
		begin := func(from string) *upload {
			body, end := io.Pipe()
			u := &upload{body: end}
			r := httptest.NewRequest("POST", "/read", body)
			r.RemoteAddr, r.ContentLength = from, -1
			under.Go(func() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				u.status = w.Code
			})
			synctest.Wait()
			return u
		}
		var all []*upload
		for i := range 12 { // a /64 each, eight of them fit the /48
			all = append(all, begin(fmt.Sprintf("[2001:db8:0:%x00::1]:5000", i)))
		}
		for i := range 4 { // two of these fit beside them
			all = append(all, begin(fmt.Sprintf("192.0.%d.1:5000", i)))
		}
		time.Sleep(time.Minute)
		for _, u := range all {
			u.body.Close()
		}
		under.Wait()
		got := map[int]int{}
		for _, u := range all {
			got[u.status]++
		}
		// The others of the /48 wait for it alone, not for a turn of everybody's.
		if got[200]+got[408] != 10 || got[429] != 4 || got[503] != 2 {
			t.Errorf("%v, want 10 under way, 4 of the /48 too many and 2 of all", got)
		}
		again := begin("[2001:db8::9]:5000")
		again.body.Close()
		under.Wait()
		if again.status != 200 {
			t.Errorf("after the crowd: %d", again.status)
		}
	})
}
