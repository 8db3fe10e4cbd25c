package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"signpost/cmd/signpost/config"
	"signpost/mail/triage"
	"signpost/store"
)

// ClassifyCmd says what triage makes of mails.
type ClassifyCmd struct {
	RelayReply string `help:"${classify_relay_reply}" placeholder:"FILE"`

	Config string `help:"Configuration: with it, mail that names none of our addresses is told apart." placeholder:"FILE"`

	Files []string `arg:"" optional:"" name:"file" help:"Message files; - is standard input."`
}

// Run prints one JSON line a message.
func (c *ClassifyCmd) Run(env *environment) error {
	if c.RelayReply != "" {
		return classifyReplies(env.stdout, env.stdin, c.RelayReply)
	}
	if len(c.Files) == 0 {
		return errors.New("name message files, or - for standard input")
	}
	var known triage.Envelope
	if c.Config != "" {
		cfg, err := config.LoadWithoutLogins(c.Config, env.environ)
		if err != nil {
			return err
		}
		if known, err = ownEnvelope(cfg); err != nil {
			return err
		}
	}
	return classify(env.stdout, env.stdin, c.Files, known)
}

// ownEnvelope is what triage may know of an installation.
func ownEnvelope(cfg config.Config) (triage.Envelope, error) {
	ring, err := cfg.Service.Ring()
	if err != nil {
		return triage.Envelope{}, err
	}
	instance, err := cfg.Service.Instance()
	return triage.Envelope{Ours: cfg.OwnAddresses(), OwnMessageID: ring.OwnMessageID, OwnInstance: instance}, err
}

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
