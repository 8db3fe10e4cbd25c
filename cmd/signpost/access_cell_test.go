package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The forms in which an answer is asked for.
const (
	formPage   = "page"
	formJSON   = "JSON"
	formSocket = "command line" // the desk on the control socket, which vouches for the agent
)

// accessOutcomes are the kinds of answer, by the words that the file has for them, and
// whether it is a refusal: nothing of the object is told, and nothing was written.
var accessOutcomes = map[string]bool{
	"ok":        false, // done, or led on
	"shows":     false, // done, and the object's words stand in the answer
	"hides":     false, // done, and they do not
	"faulty":    false, // the form was read, and is not right: who asks was let in
	"conflict":  false, // let in, and it is too late
	"ask":       true,  // "did you write this?": the address is not proven
	"sign-in":   true,
	"forbidden": true,
	"refused":   false, // forbidden to who sees the object
	"missing":   true,
	"gone":      true,
	"method":    true, // the address takes another method
}

// accessAnswer is what one request got.
type accessAnswer struct {
	status   int
	location string
	body     string
	plain    string // of a refusal, the same without what is of this request alone
	outcome  string
}

// request is one of the matrix, from a network of its own.
func (w *accessWorld) request(method, path string, fields map[string]string, form string) *http.Request {
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	body := ""
	if method == http.MethodGet || method == http.MethodHead {
		if len(values) > 0 {
			path += "?" + values.Encode()
		}
	} else {
		body = values.Encode()
	}
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != formPage {
		r.Header.Set("Accept", "application/json")
	}
	w.asked++
	r.RemoteAddr = fmt.Sprintf("[2001:%x:%x::1]:1000", 0x1000+w.asked>>16, w.asked&0xffff)
	return r
}

var pathParameter = regexp.MustCompile(`:[a-z]+|\*$`)

// parameters of paths, where the row says nothing else.
var pathDefaults = map[string]string{
	":number": "$number", ":token": "$token", ":entry": "$entry", ":file": "0", ":name": "file.txt", ":act": "reply",
	":hash": "0000000000000000", "*": "web/none.css", ":part": "0", ":id": "0",
}

// asks is the request of a row for a stage.
func (s *accessStage) asks(place string, row accessRow, form string) *http.Request {
	method, path, _ := strings.Cut(row.route, " ")
	path = pathParameter.ReplaceAllStringFunc(path, func(name string) string {
		text, ok := row.fields[name]
		if !ok {
			text = pathDefaults[name]
		}
		return url.PathEscape(s.value(text))
	})
	fields := map[string]string{}
	for name, text := range row.fields {
		if !strings.HasPrefix(name, ":") {
			fields[name] = s.value(text)
		}
	}
	r := s.w.request(method, strings.ReplaceAll(path, "%2F", "/"), fields, form)
	if place == "control" {
		r = s.w.control.request(method, path, fields)
	}
	s.present(r, form)
	return r
}

// request is one of the control socket, whose bodies are JSON.
func (*recordedRoutes) request(method, path string, fields map[string]string) *http.Request {
	if method == http.MethodGet {
		return httptest.NewRequest(method, path, nil)
	}
	var pairs []string
	for name, value := range fields {
		if value != "true" {
			value = strconv.Quote(value)
		}
		pairs = append(pairs, strconv.Quote(name)+":"+value)
	}
	return httptest.NewRequest(method, path, strings.NewReader("{"+strings.Join(pairs, ",")+"}"))
}

// present adds what the who has to show: their session, and all else that they hold in the
// place of one.
func (s *accessStage) present(r *http.Request, form string) {
	who := accessWhos[s.who]
	switch {
	case form == formSocket:
		r.Header.Set("Signpost-As", s.w.staff[s.who].Email)
	case s.session != "":
		r.AddCookie(&http.Cookie{Name: "session", Value: s.session})
	case who.link != "":
		r.AddCookie(&http.Cookie{Name: "session", Value: s.token})
		r.Header.Set("Referer", "http://localhost/t/"+s.token)
	}
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
}

// cutOff is an answer that ends its request once the beginning of a stream is written.
type cutOff struct {
	*httptest.ResponseRecorder
	cut context.CancelFunc
}

func (c cutOff) Flush() { c.ResponseRecorder.Flush(); c.cut() }

func (cutOff) SetReadDeadline(time.Time) error  { return nil }
func (cutOff) SetWriteDeadline(time.Time) error { return nil }

func (w *accessWorld) ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	ctx, cut := context.WithCancel(r.Context())
	defer cut()
	rec := httptest.NewRecorder()
	h.ServeHTTP(cutOff{rec, cut}, r.WithContext(ctx))
	return rec
}

// handler is what serves a table in a form.
func (w *accessWorld) handler(place, form string) http.Handler {
	switch {
	case place == "control" || form == formSocket:
		return &w.control.ServeMux
	case place == "inside":
		return &w.inside.ServeMux
	}
	return w.public
}

// answered reads an answer.
func (s *accessStage) answered(rec *httptest.ResponseRecorder) accessAnswer {
	a := accessAnswer{status: rec.Code, location: rec.Header().Get("Location"), body: rec.Body.String()}
	if a.outcome = s.judge(a); a.outcome == "missing" {
		a.plain = s.withoutOwn(rec, a.body)
	}
	return a
}

func (s *accessStage) withoutOwn(rec *httptest.ResponseRecorder, body string) string {
	plain := fmt.Sprint(rec.Code, rec.Header(), body)
	for _, text := range []string{
		s.ticket.Number, s.token, s.query, s.mark, s.inner, s.session, rec.Header().Get("X-Request-Id"),
		s.w.staff[s.who].Email,
	} {
		if text != "" {
			plain = strings.ReplaceAll(plain, text, "*")
		}
	}
	return ofItself.ReplaceAllString(plain, "*")
}

// ofItself is what differs from one answer to the next: the name of the stream, what a form
// carries, the demo's way to the newest ticket, instants, lengths, and counts in the
// navigation.
var ofItself = regexp.MustCompile(
	`(?s)<nav.*?</nav>|US-987654|data-events="[^"]*"|value="[\w-]{20,}"|href="/t/[\w-]{20,}"|[A-Z0-9]{26}|[0-9]+`)

// judge names the outcome.
func (s *accessStage) judge(a accessAnswer) string {
	asksProof := strings.Contains(a.body, `/mine"`) || strings.Contains(a.body, `"proven":false`)
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusSeeOther && a.toSignIn():
		return "sign-in"
	case (a.status == http.StatusOK || a.status == http.StatusForbidden) && asksProof:
		return "ask"
	case a.status >= 300 && a.status < 400:
		return "ok"
	case a.status < 300 && s.object == "page":
		return "ok"
	case a.status < 300 && (strings.Contains(a.body, s.mark) || strings.Contains(a.body, fileMark)):
		return "shows"
	case a.status < 300:
		return "hides"
	}
	words := map[int]string{
		403: "forbidden", 404: "missing", 405: "method", 409: "conflict", 410: "gone", 422: "faulty",
	}[a.status]
	if words == "" {
		return fmt.Sprintf("status %d", a.status)
	}
	return words
}

func (a accessAnswer) toSignIn() bool {
	return strings.HasPrefix(a.location, "/sign-in") || strings.HasPrefix(a.location, "/console/sign-in")
}

// is tells whether the answer is of the outcome that is wanted: "ok" says nothing of what
// stands in it, and on the command line an account that may not come in is forbidden it.
func (a accessAnswer) is(want, form string) bool {
	switch {
	case want == "ok" && slices.Contains([]string{"shows", "hides"}, a.outcome):
		return true
	case want == "refused", form == formSocket && want == "sign-in":
		return a.outcome == "forbidden"
	}
	return a.outcome == want
}

// faults are what an answer does wrong beside its outcome: a refusal tells nothing of the
// object, writes nothing, and is the same for what is there and for what is not; and no
// partner is shown what is for staff.
func (s *accessStage) faults(row accessRow, c accessCell, form string, a accessAnswer, wrote bool) (all []string) {
	refusal := accessOutcomes[a.outcome] && c.in(form) != "refused"
	told := func(words string) bool { return words != "" && strings.Contains(a.body, words) }
	if refusal && (told(s.mark) || told(s.inner) || told(fileMark)) {
		all = append(all, "the refusal has words of the object in it")
	}
	if accessWhos[s.who].account != signedIn && told(s.inner) {
		all = append(all, "the answer has words in it that are for staff alone")
	}
	if refusal && wrote {
		all = append(all, "something was written all the same")
	}
	if a.outcome != "missing" {
		return all
	}
	key := fmt.Sprint(row.route, c.who, form, s.token == s.w.app.ring.LinkToken(s.link))
	first, ok := s.w.refusals[key]
	if !ok {
		s.w.refusals[key] = a
	} else if first.plain != a.plain {
		all = append(all, "the refusal differs from that of another object: "+difference(first.plain, a.plain))
	}
	return all
}

// difference shows where two texts part.
func difference(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	from := max(0, n-30)
	return fmt.Sprintf("%.100q and %.100q", a[from:], b[from:])
}
