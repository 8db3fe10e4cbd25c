package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"signpost/store"
)

// silencedFile holds the mailboxes that were switched off by hand, so that a
// restart does not switch them on again.
const silencedFile = "silenced.json"

// silenced is when and why a mailbox was switched off.
type silenced struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// readSilenced is all that is switched off, by mailbox.
func readSilenced(data string) (map[string]silenced, error) {
	all := map[string]silenced{}
	raw, err := os.ReadFile(filepath.Join(data, silencedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("mailboxes switched off: %w", err)
	}
	return all, nil
}

// SwitchMailbox is the control socket's verb: it turns the automatic answers to
// the mail of one mailbox on or off. Mail already answered stays answered.
func (a *App) SwitchMailbox(_ context.Context, id string, on bool, reason string) (status ResponderStatus, err error) {
	if _, ok := a.cfg.Mailbox[id]; !ok {
		return status, fmt.Errorf("there is no [mailbox.%s]", id)
	}
	a.switching.Lock()
	defer a.switching.Unlock()
	all, err := readSilenced(a.cfg.Service.Data)
	if err != nil {
		return status, err
	}
	now := store.Instant(time.Now())
	if delete(all, id); !on {
		all[id] = silenced{now, reason}
	}
	raw, err := json.Marshal(all)
	if err == nil {
		err = writeWhole(filepath.Join(a.cfg.Service.Data, silencedFile), raw)
	}
	if err != nil {
		return status, err
	}
	a.silence(all)
	a.log.Warn("automatic answers of a mailbox switched", "mailbox", id, "on", on, "reason", reason)
	return ResponderStatus{On: on, Since: now, Reason: reason, Mailbox: id}, nil
}

// MailboxSwitch is the control socket's verb.
func (a *App) MailboxSwitch(_ context.Context, id string) (ResponderStatus, error) {
	if _, ok := a.cfg.Mailbox[id]; !ok {
		return ResponderStatus{}, fmt.Errorf("there is no [mailbox.%s]", id)
	}
	all, err := readSilenced(a.cfg.Service.Data)
	off, isOff := all[id]
	return ResponderStatus{On: !isOff, Since: off.Since, Reason: off.Reason, Mailbox: id}, err
}

// silence tells every watcher whether it may have mail answered.
func (a *App) silence(all map[string]silenced) {
	for _, w := range a.watchers {
		off, isOff := all[w.Health().Mailbox]
		w.Silence(isOff, off.Reason)
	}
}

// silencedTroubles tells of mailboxes that were switched off by hand.
func (a *App) silencedTroubles() (list []trouble) {
	for _, w := range a.watchers {
		if h := w.Health(); h.Silenced {
			list = append(list, trouble{"silenced/" + h.Mailbox, "mailbox " + h.Mailbox + " answers nobody: switched off by hand"})
		}
	}
	return list
}

// writeWhole replaces a file in one step; only we may read it.
func writeWhole(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
