package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"signpost/cmd/signpost/config"
)

// ServeCmd runs the service.
type ServeCmd struct {
	Config string         `required:"" help:"Configuration file." placeholder:"FILE"`
	Undo   *time.Duration `env:"SIGNPOST_UNDO" help:"How long replies wait for undo; else as their author chose."`
}

// Run serves until the process is told to stop.
func (c *ServeCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	cfg.SetUndo(c.Undo)
	log, err := newLog(env.stderr, cfg.Service.Log)
	if err != nil {
		return err
	}
	d, done, err := world()
	if err != nil {
		return err
	}
	defer done()
	return serve(cfg, log, d)
}

// serve is the whole service, until the process is told to stop.
func serve(cfg config.Config, log *slog.Logger, d dialers) error {
	app, err := openApp(cfg, log)
	if err != nil {
		return err
	}
	defer app.Close()
	if err := app.build(d, nil); err != nil {
		return err
	}
	public, err := listen("service.listen", cfg.Service.Listen)
	if err != nil {
		return err
	}
	log.Info("configured", "config", cfg.Redacted())
	ctx, stop := untilSignal()
	defer stop()
	return app.Run(ctx, public)
}

// untilSignal is a context that ends at the first interrupt or termination; the
// second one ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
