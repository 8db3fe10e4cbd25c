package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStagesStopInOrderEachAfterTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var stopped []string
		part := func(name string, takes time.Duration) stage {
			return stage{name, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(takes)
				mu.Lock()
				defer mu.Unlock()
				stopped = append(stopped, name)
				return nil
			}}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		stages := []stage{part("http", 3*time.Second), part("watch", time.Second), part("outbox", 0)}
		if err := runStages(ctx, slog.New(slog.DiscardHandler), stages); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(stopped, []string{"http", "watch", "outbox"}) {
			t.Errorf("stopped in the order %v", stopped)
		}
	})
}

func TestAFailingStageStopsTheOthersAndIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the disk is gone")
		wait := stage{"http", func(ctx context.Context) error { <-ctx.Done(); return nil }}
		fail := stage{"upkeep", func(context.Context) error { return broken }}
		err := runStages(t.Context(), slog.New(slog.DiscardHandler), []stage{wait, fail})
		if !errors.Is(err, broken) || err.Error() != "upkeep: the disk is gone" {
			t.Errorf("got %v", err)
		}
	})
}

func TestAStageThatHangsIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		hang := stage{"watch", func(context.Context) error { <-release; return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		err := runStages(ctx, slog.New(slog.DiscardHandler), []stage{hang})
		if err == nil || time.Since(begin) != stopBound {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}
