package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// around are other ways to ask for what was refused: another spelling of the path, another
// method, and headers by which some servers let a client name another path, method or part.
var around = []struct {
	name   string
	change func(r *http.Request)
}{
	{"HEAD", asMethod(http.MethodHead)},
	{"OPTIONS", asMethod(http.MethodOptions)},
	{"PUT", asMethod(http.MethodPut)},
	{"PATCH", asMethod(http.MethodPatch)},
	{"DELETE", asMethod(http.MethodDelete)},
	{"TRACE", asMethod(http.MethodTrace)},
	{"GET in lower case", asMethod("get")},
	{"POST overridden", func(r *http.Request) {
		r.Header.Set("X-HTTP-Method-Override", r.Method)
		r.Header.Set("X-HTTP-Method", r.Method)
		r.Method = http.MethodPost
	}},
	{"a field _method", func(r *http.Request) {
		q := r.URL.Query()
		q.Set("_method", r.Method)
		r.URL.RawQuery, r.Method = q.Encode(), http.MethodPost
	}},
	{"a slash at the end", asPath(func(p string) string { return p + "/" })},
	{"two slashes", asPath(func(p string) string { return "/" + p })},
	{"slashes within", asPath(func(p string) string { return p[:1] + strings.ReplaceAll(p[1:], "/", "//") })},
	{"dots", asPath(func(p string) string { return "/." + p })},
	{"a way up", asPath(func(p string) string { return "/t/x/../.." + p })},
	{"a way up, encoded", asPath(func(p string) string { return "/static/x/%2e%2e/%2e%2e" + p })},
	{"encoded slashes", asPath(func(p string) string { return p[:1] + strings.ReplaceAll(p[1:], "/", "%2F") })},
	{"an encoded letter", asPath(func(p string) string { return strings.Replace(p, "s", "%73", 1) })},
	{"upper case", asPath(strings.ToUpper)},
	{"a parameter", asPath(func(p string) string { return p + ";x=1" })},
	{"an ending", asPath(func(p string) string { return p + ".json" })},
	{"a NUL", asPath(func(p string) string { return p + "%00" })},
	{"a range", asHeader("Range", "bytes=0-20")},
	{"any entity tag", asHeader("If-None-Match", "*")},
	{"any type", asHeader("Accept", "*/*;q=0.1, text/event-stream")},
	{"as a live part", asHeader("Signpost-Live", "1")},
	{"from this host", asHeader("X-Forwarded-For", "127.0.0.1", "X-Real-IP", "127.0.0.1", "Forwarded", "for=127.0.0.1")},
	{"as an agent by name", asHeader("Signpost-As", "everywhere@staff.example.com", "X-Remote-User", "author")},
	{"another path in a header", func(r *http.Request) {
		r.Header.Set("X-Original-URL", r.URL.Path)
		r.Header.Set("X-Rewrite-URL", r.URL.Path)
		r.URL.Path, r.URL.RawPath = "/healthz", ""
	}},
}

func asMethod(method string) func(r *http.Request) {
	return func(r *http.Request) { r.Method = method }
}

// asPath changes the path as it is written.
func asPath(change func(string) string) func(*http.Request) {
	return func(r *http.Request) {
		written := change(r.URL.EscapedPath())
		path, err := url.PathUnescape(written)
		if err != nil {
			panic(err) // only of a change that writes no path
		}
		r.URL.Path, r.URL.RawPath = path, written
	}
}

func asHeader(pairs ...string) func(r *http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
	}
}

// tryAround asks for what was refused in all other ways. None may tell or write anything.
func (w *accessWorld) tryAround(table *accessTable, row accessRow, c accessCell) (faults []string) {
	for _, way := range around {
		w.around++
		s := w.stage(c.who, c.object, false)
		r := s.asks(table.place, row, formPage)
		way.change(r)
		before := w.lastChange()
		rec := w.ask(w.handler(table.place, formPage), r)
		told := rec.Body.String()
		for _, words := range []string{s.mark, s.inner, fileMark} {
			if strings.Contains(told, words) {
				faults = append(faults, fmt.Sprintf("%s: status %d, and words of the object in it", way.name, rec.Code))
			}
		}
		if w.lastChange() != before {
			faults = append(faults, fmt.Sprintf("%s: status %d, and something was written", way.name, rec.Code))
		}
		if rec.Code == http.StatusNotModified || rec.Code == http.StatusPartialContent {
			faults = append(faults, fmt.Sprintf("%s: status %d", way.name, rec.Code))
		}
	}
	return faults
}

// tryFromElsewhere has the page of a stranger send the form that is taken from our own.
func (w *accessWorld) tryFromElsewhere(table *accessTable, row accessRow, c accessCell) (faults []string) {
	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		w.around++
		s := w.stage(c.who, c.object, false)
		r := s.asks(table.place, row, formPage)
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set(header[0], header[1])
		before := w.lastChange()
		rec := w.ask(w.handler(table.place, formPage), r)
		io.Copy(io.Discard, rec.Body)
		if rec.Code != http.StatusForbidden || w.lastChange() != before {
			faults = append(faults, fmt.Sprintf("sent from a stranger's page (%s): status %d, want 403 and nothing written",
				header[0], rec.Code))
		}
	}
	return faults
}
