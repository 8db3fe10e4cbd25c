package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"signpost/mail/triage"
	"signpost/store"
)

// classified is the JSON line of one message.
type classified struct {
	File    string         `json:"file"`
	Kind    store.Kind     `json:"kind"`
	Answer  bool           `json:"answer"`
	Rules   []store.Rule   `json:"rules"`
	Reports []store.Report `json:"reports"`
}

// classify writes one JSON line for each message file, "-" being in. A file that
// cannot be read does not keep the others from being judged; its error is among
// those returned.
func classify(out io.Writer, in io.Reader, files []string, env triage.Envelope) error {
	w := bufio.NewWriter(out)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	var faults []error
	for _, file := range files {
		raw, truncated, err := readMessage(in, file)
		if err != nil {
			faults = append(faults, fmt.Errorf("message %s: %w", file, err))
			continue
		}
		env.Truncated = truncated
		r := triage.Classify(raw, env)
		line := classified{File: file, Kind: r.Kind, Answer: r.Answer, Rules: r.Rules, Reports: r.Reports}
		if line.Rules == nil {
			line.Rules = []store.Rule{}
		}
		if line.Reports == nil {
			line.Reports = []store.Report{}
		}
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("write verdict of %s: %w", file, err)
		}
	}
	return errors.Join(append(faults, w.Flush())...)
}

// readMessage reads a message as far as it is judged; truncated tells that there
// was more.
func readMessage(in io.Reader, file string) (raw []byte, truncated bool, err error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, false, err
		}
		defer f.Close()
		in = f
	}
	raw, err = io.ReadAll(io.LimitReader(in, triage.MaxSize+1))
	if len(raw) > triage.MaxSize {
		return raw[:triage.MaxSize], true, err
	}
	return raw, false, err
}
