package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"signpost/store"
)

// Fault is an error that knows its status. Rooms return it where store's errors
// say too little.
type Fault struct {
	Status int
	// Key of the catalogue: Key.title and Key.text stand on the page. "" for the
	// general words of the status.
	Key        string
	RetryAfter time.Duration // of 429 and 503
	Err        error         // for the log alone
}

func (f *Fault) Error() string {
	return fmt.Sprintf("status %d: %v", f.Status, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// faultData is what the error page shows.
type faultData struct {
	Status  int
	Key     string
	Request string
}

// known are the statuses that have words of their own in the catalogue.
var known = [...]int{400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 503}

// faultOf finds the status for an error: the one table between the domain's
// errors and HTTP.
func faultOf(err error) *Fault {
	var f *Fault
	var he *echo.HTTPError
	var tooLarge *http.MaxBytesError
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrSlow):
		status = http.StatusRequestTimeout
	case errors.Is(err, store.ErrForbidden):
		status = http.StatusForbidden
	case errors.Is(err, store.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, store.ErrConflict):
		status = http.StatusConflict
	case errors.Is(err, store.ErrInvalid):
		status = http.StatusUnprocessableEntity
	case errors.Is(err, store.ErrFull), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &Fault{Status: http.StatusServiceUnavailable, RetryAfter: time.Minute, Err: err}
	case errors.As(err, &he):
		status = he.Code
	}
	return &Fault{Status: status, Err: err}
}

// fail is the one place where an error becomes an answer. What the error says
// goes to the log, never to the reader.
func (s *Server) fail(x *Exchange, err error) {
	f := faultOf(err)
	s.logFault(x, f)
	if x.echo.Response().Committed {
		return // the answer is on its way; nothing truer can be said any more
	}
	x.retryAfter(f)
	if f.Key == "" {
		f = &Fault{Status: f.Status, Key: wordsFor(f.Status)}
	}
	x.Header().Set("Cache-Control", "no-store")
	if x.WantsJSON() {
		_ = x.JSON(f.Status, map[string]string{"error": x.Lang.T(f.Key + ".text"), "request": x.ID})
		return
	}
	page := s.fault
	if x.shell != nil {
		page = s.staffFault
	}
	if err := page.Show(x, f.Status, faultData{Status: f.Status, Key: f.Key, Request: x.ID}); err != nil {
		s.log.Error("error page", "request", x.ID, "err", err)
		http.Error(x.Writer, http.StatusText(f.Status), f.Status)
	}
}

func (x *Exchange) retryAfter(f *Fault) {
	if f.RetryAfter > 0 {
		x.Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
}

func wordsFor(status int) string {
	for _, k := range known {
		if k == status {
			return "web.error" + strconv.Itoa(status)
		}
	}
	if status >= 400 && status < 500 {
		return "web.error400"
	}
	return "web.error500"
}

func (s *Server) logFault(x *Exchange, f *Fault) {
	level := slog.LevelDebug
	if f.Status >= 500 && !isCancelled(f.Err) {
		level = slog.LevelError
	}
	s.log.Log(context.WithoutCancel(x.Request.Context()), level, "request failed",
		"request", x.ID, "route", x.echo.Path(), "status", f.Status, "err", f.Err)
}
