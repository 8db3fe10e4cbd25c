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

// silencedFile is where mailboxes that were switched off stood before the store
// held them.
const silencedFile = "silenced.json"

// takeSilenced takes what an older signpost left in that file over into the store,
// once: the file is gone then. What the store says itself is newer.
func (a *App) takeSilenced(ctx context.Context) error {
	path := filepath.Join(a.cfg.Service.Data, silencedFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var all map[string]struct {
		Since  time.Time `json:"since"`
		Reason string    `json:"reason"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return fmt.Errorf("mailboxes switched off: %w", err)
	}
	for id, off := range all {
		known, err := a.db.MailboxResponder(ctx, id)
		if err == nil && known.Since.IsZero() {
			by := store.ByCommandLine("an earlier version")
			_, err = a.db.SwitchResponder(ctx, off.Since, by, store.Switch{Mailbox: id, Reason: off.Reason})
		}
		if err != nil {
			return fmt.Errorf("mailboxes switched off: %w", err)
		}
	}
	a.log.Info("mailboxes switched off were taken over into the store", "mailboxes", len(all))
	return os.Remove(path)
}
