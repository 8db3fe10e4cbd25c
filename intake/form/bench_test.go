package form_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
)

// benchWorld is a form without the limits that a benchmark would run into.
func benchWorld(b *testing.B) *world {
	return newWorld(b, func(s *setting) {
		s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0
		s.cfg.ConfirmationsPerAddress, s.cfg.ConfirmationsPerNetwork, s.cfg.ConfirmationsInAll = 0, 0, 0
	})
}

func post(b *testing.B, w *world, contentType string, body []byte) {
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
		post(b, w, contentType, body.Bytes())
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
					post(b, w, body.kind, []byte(body.text))
				}
			})
		})
	}
}

func BenchmarkShowTheForm(b *testing.B) {
	w := benchWorld(b)
	for b.Loop() {
		out := httptest.NewRecorder()
		w.handler.ServeHTTP(out, httptest.NewRequest("GET", "/contact", nil))
	}
}
