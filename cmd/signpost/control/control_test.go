package control

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /double", func(w http.ResponseWriter, r *http.Request) {
		var n int
		Answer(w, r, &n, func() (any, error) {
			if n < 0 {
				return nil, errors.New("less than nothing")
			}
			return 2 * n, nil
		})
	})
	mux.HandleFunc("POST /stream", func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			io.WriteString(w, strings.Repeat("x", 1000))
		}
	})
	return mux
}

// A command asks the same over the socket of a service and, without one, of itself.
func TestACommandAsksAServiceOrItself(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if _, ok := Dial(data); ok {
		t.Fatal("a service answers where none runs")
	}
	l, err := Listen(data)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler()}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	remote, ok := Dial(data)
	if !ok {
		t.Fatal("the service does not answer")
	}
	for name, c := range map[string]*Client{"the service": remote, "itself": Within(handler())} {
		var got int
		if err := c.Call(t.Context(), "POST", "/double", 21, &got); err != nil || got != 42 {
			t.Errorf("%s: %d, %v", name, got, err)
		}
		if err := c.Call(t.Context(), "POST", "/double", -1, &got); err == nil || err.Error() != "less than nothing" {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Call(t.Context(), "POST", "/double", "x", &got); err == nil {
			t.Errorf("%s takes a word for a number", name)
		}
		if err := c.Call(t.Context(), "POST", "/nowhere", 1, &got); err == nil {
			t.Errorf("%s answers at no address", name)
		}
		long, err := c.Open(t.Context(), "POST", "/stream", nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if n, err := io.Copy(io.Discard, long); n != 1_000_000 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		long.Close()
	}
}
