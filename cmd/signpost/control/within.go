package control

import (
	"io"
	"net/http"
)

// Within is a client of a handler in this process, for a subcommand that opened the data
// folder itself since no service holds it.
func Within(h http.Handler) *Client { return &Client{http.Client{Transport: within{h}}} }

type within struct{ handler http.Handler }

// RoundTrip runs the handler while its answer is read.
func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	body, into := io.Pipe()
	a := &answering{header: http.Header{}, into: into, begun: make(chan int, 1)}
	go func() {
		w.handler.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK) // a handler that wrote nothing
		into.Close()
	}()
	return &http.Response{StatusCode: <-a.begun, Header: a.header, Body: body, Request: r, ContentLength: -1}, nil
}

// answering is the answer of one request as its handler writes it.
type answering struct {
	header http.Header
	into   *io.PipeWriter
	begun  chan int // gets the status once
	wrote  bool
}

func (a *answering) Header() http.Header { return a.header }

func (a *answering) WriteHeader(status int) {
	if !a.wrote {
		a.wrote = true
		a.begun <- status
	}
}

func (a *answering) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.into.Write(b)
}
