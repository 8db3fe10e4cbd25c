package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/doctor"
)

// WatchCmd shows what the watcher would do with the newest mails of the
// mailboxes. Watching itself is part of serve.
type WatchCmd struct {
	Config  string        `required:"" help:"Configuration file." placeholder:"FILE"`
	DryRun  bool          `required:"" help:"List what would be done with each mail; nothing is sent, kept or marked."`
	Mailbox string        `help:"Only this mailbox." placeholder:"ID"`
	Limit   int           `default:"20" help:"How many of the newest mails of each mailbox (${default})."`
	Timeout time.Duration `default:"5m" help:"How long one mailbox may take (${default})."`
}

// Run prints a line a mail.
func (c *WatchCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	if c.Limit < 1 || c.Limit > 10_000 {
		return errors.New("--limit: use 1 to 10000")
	}
	ids := slices.Sorted(maps.Keys(cfg.Mailbox))
	if c.Mailbox != "" {
		if _, ok := cfg.Mailbox[c.Mailbox]; !ok {
			return fmt.Errorf("there is no [mailbox.%s] in %s", c.Mailbox, c.Config)
		}
		ids = []string{c.Mailbox}
	}
	watchers, err := doctor.Probers(cfg, tokensOf(cfg))
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range ids {
		faults = append(faults, c.list(env, id, watchers[id]))
	}
	return errors.Join(faults...)
}

func (c *WatchCmd) list(env *environment, id string, w doctor.Prober) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	fmt.Fprintf(env.stdout, "\nMailbox %s\n", id)
	lines, err := w.DryRun(ctx, c.Limit)
	for _, line := range lines {
		fmt.Fprintf(env.stdout, "  %s: %s\n", line.Verdict.Kind, doctor.DryRunLine(line))
	}
	if err != nil {
		return fmt.Errorf("mailbox %s: %w", id, err)
	}
	fmt.Fprintf(env.stdout, "  %d mails; what was answered before and the budgets are left out\n", len(lines))
	return nil
}
