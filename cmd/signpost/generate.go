package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/control"
	"signpost/cmd/signpost/generate"
	"signpost/mail/triage"
	"signpost/store/datafile"
)

// GenerateCmd fills a store with a healthy month: tickets that were answered, and wait, in
// five languages. It is for looking at full pages, and for benchmarks.
type GenerateCmd struct {
	Config  string `help:"Configuration whose data folder is filled." placeholder:"FILE" xor:"into"`
	Demo    string `help:"Data folder of a demo to fill instead, also while it runs." placeholder:"FOLDER" xor:"into"`
	Tickets int    `default:"10000" help:"How many (${default})."`
	Mails   int    `default:"0" help:"How many mails in the ledger beside them (${default})."`
	Days    int    `default:"30" help:"Over how many days up to now (${default})."`
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
	shape := generate.Shape{Tickets: c.Tickets, Mails: c.Mails, Days: c.Days, Seed: c.Seed, Chars: c.Chars}
	made, err := c.fill(env, shape)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(env.stdout, made)
	return err
}

// fill has a running demo fill its folder, or does so itself.
func (c *GenerateCmd) fill(env *environment, shape generate.Shape) (made generate.Made, err error) {
	if c.Demo != "" {
		if r, ok := control.Dial(c.Demo); ok {
			return made, r.Call(context.Background(), "POST", "/generate", shape, &made)
		}
	}
	cfg, err := c.config(env)
	if err != nil {
		return made, err
	}
	app, err := openApp(cfg, slog.New(slog.DiscardHandler))
	if errors.Is(err, datafile.ErrInUse) {
		return made, fmt.Errorf("%w: stop it, generate, and start it again", err)
	}
	if err != nil {
		return made, err
	}
	defer app.Close()
	if c.Config != "" {
		err = c.mayFill(app)
	} else {
		err = addDemoStaff(app.db)
	}
	if err != nil {
		return made, err
	}
	return app.fill(context.Background(), shape)
}

// Generate is the control socket's verb, of a demo alone. Mails are left to one that is
// stopped, since its watchers would take them for what lies in the mailboxes.
func (a *App) Generate(ctx context.Context, shape generate.Shape) (generate.Made, error) {
	switch {
	case !a.demo:
		return generate.Made{}, errors.New("only a demo takes what is generated while it runs")
	case shape.Mails > 0:
		return generate.Made{}, errors.New("the demo runs, and mails in its ledger can be generated only while it " +
			"is stopped: leave --mails out, or stop it, generate, and start it again")
	}
	return a.fill(ctx, shape)
}

func (a *App) fill(ctx context.Context, shape generate.Shape) (generate.Made, error) {
	return generate.Fill(ctx, generate.Deps{
		Store: a.db, Ring: a.ring, Regions: a.cfg.Regions(), Categories: a.cfg.Form.Categories, Promise: a.policy.Promise,
		Triage: triage.Envelope{Ours: a.ours, OwnMessageID: a.ring.OwnMessageID, OwnInstance: a.instance},
	}, shape)
}

// mayFill refuses to mix what is made up with what partners wrote: nothing takes
// it out again, and its numbers are never given anew.
func (c *GenerateCmd) mayFill(app *App) error {
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
