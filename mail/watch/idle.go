package watch

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// turnEvery bounds one stay in IDLE. RFC 2177 allows 29 minutes; gateways
	// cut silent connections much earlier.
	turnEvery = 9 * time.Minute
	// pollEvery serves hosts without IDLE.
	pollEvery = time.Minute
	// settleAfter is when the folder is listed once more after IDLE began: some
	// servers never announce a mail that arrived between the last FETCH and IDLE.
	// That listing leaves the same gap, so it is made again settleFactor times
	// later, and so on, until a turn comes sooner.
	settleAfter  = time.Second
	settleFactor = 8
	// Some servers announce mail at every command, though none has come. After
	// hollowFree announcements in a row that brought nothing (any server makes one
	// or two: the mail was read by the time) the folder is listed only hollowFirst
	// after the next, and twice as long after each that follows.
	hollowFree  = 4
	hollowFirst = 100 * time.Millisecond
	maxHollow   = 10 * time.Second
)

// rest waits until the folder is to be read again: on an announcement, when the
// turn is over, or when mails put off are due. It tells whether a turn begins.
func (s *session) rest(ctx context.Context) (turn bool, err error) {
	s.w.enter(StateIdle, s)
	if s.has(imap.CapIdle) && !s.noIdle {
		err = s.idle(ctx)
	} else {
		err = s.stay(ctx, s.pause(pollEvery))
	}
	if err != nil {
		return false, err
	}
	now := time.Now()
	turn = !now.Before(s.turnAt) || (!s.retryAt.IsZero() && !now.Before(s.retryAt))
	if turn {
		return true, s.noop(ctx)
	}
	return false, nil
}

// pause is how long to rest at most, and no longer than most.
func (s *session) pause(most time.Duration) time.Duration {
	until := s.turnAt
	if !s.retryAt.IsZero() && s.retryAt.Before(until) {
		until = s.retryAt
	}
	return max(0, min(most, time.Until(until)))
}

// stay lets d pass without a command.
func (s *session) stay(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.client.Closed():
		return s.explain(errClosed)
	case <-t.C:
		return nil
	}
}

var errClosed = errors.New("the server closed the connection")

// idle sits in IDLE (RFC 2177) until something is to be done.
func (s *session) idle(ctx context.Context) error {
	select {
	case <-s.notices: // announced while we read
		return s.heed(ctx)
	default:
	}
	idle, err := s.beginIdle(ctx)
	if answered(err) { // a proxy may offer what the server behind it refuses
		s.w.log.Warn("the server refuses IDLE; the folder is looked at every minute", "answer", err)
		s.noIdle = true
		return nil
	}
	if err != nil {
		return err
	}
	announced := false
	t := time.NewTimer(s.pause(s.settle))
	defer t.Stop()
	select {
	case <-ctx.Done():
		s.hangUp()
		idle.Close()
		return ctx.Err()
	case <-s.client.Closed():
		idle.Close()
		return s.explain(errClosed)
	case <-s.notices:
		announced = true
	case <-t.C:
		s.settle, s.hollow = min(s.settle*settleFactor, turnEvery), 0
	}
	err = s.within(ctx, commandLimit, func(context.Context) error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
	if err != nil || !announced {
		return err
	}
	return s.heed(ctx)
}

// heed takes an announcement: at once, unless many before brought nothing.
func (s *session) heed(ctx context.Context) error {
	s.hollow++ // until a listing finds something
	if s.hollow <= hollowFree {
		return nil
	}
	return s.stay(ctx, min(hollowFirst<<min(s.hollow-hollowFree-1, 10), maxHollow))
}

func (s *session) beginIdle(ctx context.Context) (idle *imapclient.IdleCommand, err error) {
	err = s.within(ctx, commandLimit, func(context.Context) error {
		idle, err = s.client.Idle()
		return err
	})
	return idle, err
}

// noop proves that the server still answers.
func (s *session) noop(ctx context.Context) error {
	return s.within(ctx, commandLimit, func(context.Context) error { return s.client.Noop().Wait() })
}
