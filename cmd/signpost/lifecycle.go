package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stage is one part of the service. run returns when its context ends and its
// work is put down, or with the error that keeps it from working on.
type stage struct {
	name string
	run  func(ctx context.Context) error
}

// stopBound is how long all stages together may take to stop; what is still
// under way then is cut off, and the store's contracts say that nothing
// acknowledged is lost by it.
const stopBound = 15 * time.Second

// runStages starts all stages together and stops them in their order, each only
// when the one before has put down its work: doors first, the sender last, so
// that nothing is accepted that is not handed on. It stops when ctx ends or a
// stage fails, and returns what failed.
func runStages(ctx context.Context, log *slog.Logger, stages []stage) error {
	type running struct {
		stage
		stop context.CancelFunc
		done chan error
	}
	failed := make(chan error, len(stages))
	all := make([]running, len(stages))
	for i, s := range stages {
		stageCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{stage: s, stop: stop, done: make(chan error, 1)}
		all[i] = r
		go func() {
			err := r.run(stageCtx)
			if err != nil && stageCtx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", r.name, err)
			}
			r.done <- err
		}()
	}
	var first error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case first = <-failed:
		log.Error("stopping: a part of the service failed", "error", first)
	}
	bound := time.NewTimer(stopBound)
	defer bound.Stop()
	for _, r := range all {
		r.stop()
		select {
		case err := <-r.done:
			if err != nil && !errors.Is(err, context.Canceled) && first == nil {
				first = fmt.Errorf("stopping %s: %w", r.name, err)
			}
		case <-bound.C:
			return errors.Join(first, fmt.Errorf("%s did not stop within %v", r.name, stopBound))
		}
	}
	return first
}
