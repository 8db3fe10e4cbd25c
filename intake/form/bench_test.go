package form_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"signpost/intake/form"
)

// benchWorld is a form without the limits that a benchmark would run into.
func benchWorld(b *testing.B) *world {
	return newWorld(b, func(s *setting) {
		s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0
		budgetsOf(&s.cfg, 0)
	})
}

// budgetsOf sets every budget of confirmations.
func budgetsOf(c *form.Config, limit int) {
	for _, budget := range []*int{
		&c.ConfirmationsPerAddress, &c.ConfirmationsPerAddressDay, &c.ConfirmationsPerDomain, &c.ConfirmationsPerDomainDay,
		&c.ConfirmationsPerNetwork, &c.ConfirmationsPerNetworkDay, &c.ConfirmationsInAll, &c.ConfirmationsInAllDay,
	} {
		*budget = limit
	}
}

func sendPost(b *testing.B, w *world, contentType string, body []byte) {
	r := httptest.NewRequest("POST", "/contact", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept", "application/json")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	if out.Code != 201 {
		b.Fatalf("%d %s", out.Code, out.Body)
	}
}

// A lone post with 2 KiB of text, one after another: the time of one.
func BenchmarkALonePost(b *testing.B) {
	w := benchWorld(b)
	contentType, body := multi(with(good(), "description", strings.Repeat("0123456789abcdef", 128)))
	for b.Loop() {
		sendPost(b, w, contentType, body.Bytes())
	}
}

// 64 clients posting at once, with files to come and without: the time a post
// when they share the commits.
func BenchmarkPostsOf64Clients(b *testing.B) {
	fields := with(good(), "description", strings.Repeat("0123 56789 bcd f", 128))
	contentType, parts := multi(fields)
	for name, body := range map[string]struct{ kind, text string }{
		"parts": {contentType, parts.String()},
		"pairs": {"application/x-www-form-urlencoded", fields.Encode()},
	} {
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b)
			b.ReportAllocs()
			b.SetParallelism(32) // times GOMAXPROCS, which is 2 where it is measured
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					sendPost(b, w, body.kind, []byte(body.text))
				}
			})
		})
	}
}

// The same posts, each from an address and a network of its own and charged to every
// budget there is: what the budgets cost.
func BenchmarkPostsUnderBudgets(b *testing.B) {
	for name, limit := range map[string]int{"without": 0, "with": 1e6} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(s *setting) {
				s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0
				budgetsOf(&s.cfg, limit)
			})
			var n atomic.Uint32
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					postAs(b, w, n.Add(1))
				}
			})
		})
	}
}

// postAs posts as a partner of a company of ten, from a network of their own.
func postAs(b *testing.B, w *world, n uint32) {
	email := fmt.Sprintf("p%d@company%d.example", n, n/10)
	body := with(with(good(), "description", strings.Repeat("0123 56789 bcd f", 128)), "email", email).Encode()
	r := httptest.NewRequest("POST", "/contact", strings.NewReader(body))
	r.RemoteAddr = fmt.Sprintf("%d.%d.%d.%d:4711", 1+n>>24, byte(n>>16), byte(n>>8), byte(n))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	if out.Code != 201 {
		b.Fatalf("%d %s", out.Code, out.Body)
	}
}

func BenchmarkShowTheForm(b *testing.B) {
	w := benchWorld(b)
	for b.Loop() {
		out := httptest.NewRecorder()
		w.handler.ServeHTTP(out, httptest.NewRequest("GET", "/contact", nil))
	}
}
