package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/control"
	"signpost/cmd/signpost/doctor"
	"signpost/cmd/signpost/metrics"
)

// CheckCmd tests a configuration against the live world: each line says what
// holds, what does not, and what to do.
type CheckCmd struct {
	Config  string        `required:"" help:"Configuration file." placeholder:"FILE"`
	Timeout time.Duration `default:"20s" help:"How long one test may take (${default})."`
}

// Run prints every finding and fails when one of them keeps mail from flowing.
func (c *CheckCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ring, err := cfg.Service.Ring()
	if err != nil {
		return err
	}
	failed := doctor.Examine(doctor.Deps{
		Config: cfg, File: c.Config, Tokens: tokensOf(cfg),
		Running: func() bool {
			_, running := control.Dial(cfg.Service.Data)
			return running
		},
		Open: func() (doctor.Database, error) {
			return openStore(cfg.Service, nil, ring, metrics.New(), slog.New(slog.DiscardHandler))
		},
		TestAlarm: func(ctx context.Context) error {
			return alarm.NewWebhook(cfg.Alarm.Webhook).Test(ctx, cfg.Service.BaseURL)
		},
	}, env.stdout, c.Timeout)
	if failed > 0 {
		return fmt.Errorf("%d of the tests failed; what to do stands below each", failed)
	}
	_, err = fmt.Fprintln(env.stdout, "\nReady: signpost serve --config", c.Config)
	return err
}
