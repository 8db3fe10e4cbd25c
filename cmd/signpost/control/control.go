// Package control is how a subcommand reaches the service that holds a data folder: HTTP
// with JSON over a Unix socket in that folder, open to its owner alone.
//
// What stands here: Listen makes the socket and Dial reaches it; Client.Call asks it, and
// Answer answers one request. A call flows so: a subcommand dials; where a service answers,
// it calls it, else it opens the data folder itself. To add something that the socket
// offers, mount a handler on its mux (main's controlHandler) that ends in Answer.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Path is where the service of a data folder listens.
func Path(data string) string { return filepath.Join(data, "control.sock") }

// Listen opens the socket. A socket left by a service that was killed is replaced: the
// store's own lock says that no other service is alive.
func Listen(data string) (net.Listener, error) {
	path := Path(data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Client asks the service of a data folder.
type Client struct{ HTTP http.Client }

// Dial reaches the service of a data folder; false when none runs.
func Dial(data string) (*Client, bool) {
	path := Path(data)
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil, false
	}
	conn.Close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Client{http.Client{Transport: &http.Transport{DialContext: dial}}}, true
}

// Call sends in as JSON and reads the answer into out.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.Open(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Close()
	return json.NewDecoder(resp).Decode(out)
}

// Open sends in as JSON and returns the answer, to be closed. What the service refuses is
// an error in its words.
func (c *Client) Open(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
		return nil, errors.New(string(bytes.TrimSpace(text)))
	}
	return resp.Body, nil
}

// maxRequest bounds what a subcommand may send.
const maxRequest = 1 << 16

// Read reads a request into into, and refuses one that is none.
func Read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(into)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

// Answer reads a request into into, where that is not nil, and answers with what do returns.
func Answer(w http.ResponseWriter, r *http.Request, into any, do func() (any, error)) {
	if into != nil && !Read(w, r, into) {
		return
	}
	result, err := do()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result) // a client that left needs no answer
}
