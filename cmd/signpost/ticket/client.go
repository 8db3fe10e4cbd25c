package ticket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Env is what the commands use of the process they run in.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	// Service reaches the service that runs on a configuration's data folder, or on a
	// demo's.
	Service func(config, demo string) (*http.Client, error)
}

// Who says as whom a command acts, and where.
type Who struct {
	Config string `help:"Configuration of the running service." placeholder:"FILE" xor:"service"`
	Demo   string `help:"Data folder of a running demo instead." placeholder:"FOLDER" xor:"service"`
	As     string `required:"" help:"Address of the agent who acts, with their rights and regions." placeholder:"ADDRESS"`
}

const (
	// maxAnswer bounds an answer: a ticket with a thousand entries of the longest kind.
	maxAnswer = 256 << 20
	// maxText bounds what is read from the input: more than the desk takes.
	maxText = 1 << 20
)

// Refused is why the desk did not do it.
type Refused struct {
	Status int
	Words  string
}

// Error implements error.
func (r *Refused) Error() string { return r.Words }

// ExitCode is 3 when the ticket has gone on since the version that a reply was written on,
// or mail to its address is suppressed; the answer on the output says which.
func (r *Refused) ExitCode() int {
	if r.Status == http.StatusConflict {
		return 3
	}
	return 1
}

// ask sends one request to the desk and prints its JSON; a nil form is a GET. A refusal
// is printed too where a script may want it (409), and returned.
func (w Who) ask(env *Env, path string, form url.Values) error {
	if w.Config == "" && w.Demo == "" {
		return errors.New("give --config FILE or --demo FOLDER")
	}
	client, err := env.Service(w.Config, w.Demo)
	if err != nil {
		return err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://control"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set(asHeader, w.As)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	failed := resp.StatusCode >= 300
	if !failed || resp.StatusCode == http.StatusConflict {
		if _, err := fmt.Fprintf(env.Stdout, "%s\n", bytes.TrimSpace(answer)); err != nil {
			return err
		}
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return &Refused{resp.StatusCode, "there is no such ticket among those that " + w.As + " may see"}
	case failed:
		return &Refused{resp.StatusCode, refusal(resp.StatusCode, answer)}
	}
	return nil
}

// refusal is what an answer says went wrong.
func refusal(status int, answer []byte) string {
	var said struct {
		Error  string            `json:"error"`
		Errors map[string]string `json:"errors"`
	}
	if json.Unmarshal(answer, &said) == nil {
		if said.Error != "" {
			return said.Error
		}
		var all []string
		for field, words := range said.Errors {
			all = append(all, field+": "+words)
		}
		if slices.Sort(all); len(all) > 0 {
			return strings.Join(all, "\n")
		}
	}
	return strings.ToLower(http.StatusText(status))
}

// text is a body from the command line, or from the input where it is "-" or not there.
func (e *Env) text(arg string) (string, error) {
	if arg != "" && arg != "-" {
		return arg, nil
	}
	read, err := io.ReadAll(io.LimitReader(e.Stdin, maxText+1))
	if err == nil && len(read) > maxText {
		err = errors.New("the text on the input is longer than 1 MiB")
	}
	return string(read), err
}
