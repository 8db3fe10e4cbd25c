package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signpost/store/origin"
)

// around is the frame of every request: see the package's comment.
func (s *Server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		x := s.begin(c)
		x.SetDeadline(s.cfg.Write + s.cfg.Body.Total)
		x.boundUnread()
		err := s.guarded(next, c)
		if err != nil {
			s.fail(x, err)
		}
		s.logAccess(c, x, began)
		return nil
	}
}

func (s *Server) begin(c echo.Context) *Exchange {
	x := &Exchange{
		Request: c.Request(),
		Writer:  c.Response(),
		ID:      strings.ToLower(rand.Text()[:16]),
		Log:     s.log,
		server:  s,
		echo:    c,

		eventsAt: s.events.position(),
	}
	c.Set(exchangeKey, x)
	x.choosePrefs()
	maps.Copy(x.Header(), s.secure) // the values are shared, and set anew where a page changes one
	x.Header().Set("X-Request-Id", x.ID)
	return x
}

// guarded runs the handler and turns a panic into an error.
func (s *Server) guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if r == http.ErrAbortHandler {
			panic(r) // the server's own way to drop a connection
		}
		err = &Fault{Status: http.StatusInternalServerError, Err: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
	}()
	return next(c)
}

// policy is what a page may load and where it may send, unless a room says
// otherwise for one page: the directives of its Content-Security-Policy.
func policy() map[string]string {
	return map[string]string{
		"default-src":     "'none'",
		"script-src":      "'self'",
		"style-src":       "'self'",
		"img-src":         "'self' data:",
		"connect-src":     "'self'",
		"worker-src":      "'self'",
		"form-action":     "'self'",
		"base-uri":        "'none'",
		"frame-ancestors": "'none'",
	}
}

// secure are the headers that hold for every answer.
func secure(url string) http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", renderPolicy(policy()))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // a ticket's link must never leak
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if strings.HasPrefix(url, "https:") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

// Policy sets one directive of this answer's Content-Security-Policy.
func (x *Exchange) Policy(directive, value string) {
	if x.policy == nil {
		x.policy = policy()
	}
	x.policy[directive] = value
	x.Header().Set("Content-Security-Policy", renderPolicy(x.policy))
}

func renderPolicy(policy map[string]string) string {
	var b strings.Builder
	for _, name := range []string{
		"default-src", "script-src", "style-src", "img-src", "connect-src", "worker-src", "frame-src",
		"form-action", "base-uri", "frame-ancestors", "sandbox",
	} {
		value, ok := policy[name]
		if !ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.TrimSuffix(name+" "+value, " "))
	}
	return b.String()
}

// logAccess writes the one line a request leaves: never its path or query, which
// may hold tokens, and of the client only its network.
func (s *Server) logAccess(c echo.Context, x *Exchange, began time.Time) {
	level := slog.LevelInfo
	route := c.Path()
	if strings.HasPrefix(route, staticPrefix) || route == "/healthz" || route == "/readyz" || route == "/metrics" {
		level = slog.LevelDebug // machinery, many times a minute
	}
	s.log.LogAttrs(context.WithoutCancel(x.Request.Context()), level, "http",
		slog.String("request", x.ID),
		slog.String("method", method(x.Request.Method)),
		slog.String("route", route),
		slog.Int("status", c.Response().Status),
		slog.Int64("bytes", c.Response().Size),
		slog.Int64("ms", time.Since(began).Milliseconds()),
		slog.String("network", origin.Widest(x.Remote()).String()),
	)
}

// method keeps what a client made up out of the log.
func method(m string) string {
	if len(m) > 10 {
		return m[:10]
	}
	return m
}

func isCancelled(err error) bool { return errors.Is(err, context.Canceled) }
