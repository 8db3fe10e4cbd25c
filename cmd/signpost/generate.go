package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/generate"
	"signpost/mail/triage"
	"signpost/store/datafile"
)

// GenerateCmd fills a store with realistic tickets: for benchmarks, and for
// looking at full pages.
type GenerateCmd struct {
	Config  string `help:"Configuration whose data folder is filled." placeholder:"FILE" xor:"into"`
	Demo    string `help:"Data folder of a demo to fill instead." placeholder:"FOLDER" xor:"into"`
	Tickets int    `default:"10000" help:"How many (${default})."`
	Mails   int    `default:"0" help:"How many mails in the ledger beside them (${default})."`
	Days    int    `default:"365" help:"Over how many days up to now (${default})."`
	Seed    uint64 `default:"1" help:"The same seed makes the same tickets (${default})."`
	Chars   int    `default:"0" help:"Characters of every description; 0 for lengths as people write them."`
}

// Validate refuses numbers that make no sense.
func (c *GenerateCmd) Validate() error {
	if c.Tickets < 0 || c.Mails < 0 || c.Chars < 0 || c.Days < 1 {
		return errors.New("--tickets, --mails and --chars count from 0, --days from 1")
	}
	return nil
}

// Run fills the store and tells the rate.
func (c *GenerateCmd) Run(env *environment) error {
	cfg, err := c.config(env)
	if err != nil {
		return err
	}
	app, err := openApp(cfg, slog.New(slog.DiscardHandler))
	if errors.Is(err, datafile.ErrInUse) {
		return fmt.Errorf("%w: stop it, generate, and start it again", err)
	}
	if err != nil {
		return err
	}
	defer app.Close()
	if err := c.mayFill(app); err != nil {
		return err
	}
	began := time.Now()
	g := generate.New(generate.Deps{
		Store: app.db, Ring: app.ring, Regions: app.cfg.Regions(), Promise: app.policy.Promise,
		Triage: triage.Envelope{Ours: app.ours, OwnMessageID: app.ring.OwnMessageID, OwnInstance: app.instance},
	}, generate.Shape{Tickets: c.Tickets, Mails: c.Mails, Days: c.Days, Seed: c.Seed, Chars: c.Chars}, began)
	if err := g.FillTickets(context.Background()); err != nil {
		return err
	}
	tell(env.stdout, "tickets", c.Tickets, began)
	if c.Mails == 0 {
		return nil
	}
	filled := time.Now()
	if err := g.FillLedger(context.Background()); err != nil {
		return err
	}
	tell(env.stdout, "mails", c.Mails, filled)
	return nil
}

// mayFill refuses to mix what is made up with what partners wrote: nothing takes
// it out again, and its numbers are never given anew. A demo has no partners.
func (c *GenerateCmd) mayFill(app *App) error {
	if c.Config == "" {
		return nil
	}
	stats, err := app.db.Stats(context.Background())
	if err != nil {
		return err
	}
	held := uint64(0)
	for _, n := range stats.Tickets {
		held += n
	}
	if held > 0 {
		return fmt.Errorf("%s holds %s already, and nothing takes out again what is generated; name a configuration "+
			"whose data folder is new", app.cfg.Service.Data, counted(int(held), "ticket"))
	}
	return nil
}

// tell prints the rate.
func tell(w io.Writer, what string, n int, began time.Time) {
	took := time.Since(began)
	fmt.Fprintf(w, "%d %s in %v, %.0f a second\n", n, what, took.Round(time.Millisecond), float64(n)/took.Seconds())
}

func (c *GenerateCmd) config(env *environment) (config.Config, error) {
	if c.Config != "" {
		return config.LoadWithoutLogins(c.Config, env.environ)
	}
	if c.Demo == "" {
		return config.Config{}, errors.New("give --config FILE or --demo FOLDER")
	}
	secret, err := demoSecret(c.Demo)
	return demoConfig(c.Demo, "http://127.0.0.1:8080", secret), err
}
