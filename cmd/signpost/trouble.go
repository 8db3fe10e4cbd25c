package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"signpost/mail/outbox"
	"signpost/store"
)

// silence is how long a watcher may go without a completed cycle before it
// counts as trouble; its own turns are 9 minutes long.
const silence = 15 * time.Minute

// waitTooLong is how old the oldest unsent mail may grow before it is trouble.
const waitTooLong = 10 * time.Minute

// troubleStore is the one trouble in which no ticket could be taken.
const troubleStore = "store"

// troublesAsSaid are all that ail the service now, each with what mends it, in words
// among which servers' own stand. A level rises when a trouble gets worse, so that it
// is told anew.
func (a *App) troublesAsSaid(ctx context.Context) []store.Trouble {
	now := time.Now()
	stats, err := a.db.Stats(ctx)
	if err != nil {
		return []store.Trouble{{
			Key: troubleStore, What: fmt.Sprintf("the store cannot be read: %v", err), Level: 3,
			Do: "No ticket can be taken until it can. Look at the disk and the log of the service; signpost check tests the data file.",
		}}
	}
	held := a.heldTrouble(ctx, now, stats)
	var canary []store.Trouble
	if len(held) == 0 || !a.sender.HoldsAll() { // else its mails wait as all others do
		canary = a.canaryTroubles(ctx, now)
	}
	return slices.Concat(
		throttledTroubles(stats, a.cfg.Alarm.Throttled),
		outboxTroubles(now, a.oldestUnheld(ctx, stats), a.sender.Relay()), held, a.mailboxTroubles(now),
		a.responderTroubles(ctx, now),
		a.refusalTroubles(ctx, now), a.tokenTroubles(now), a.silencedTroubles(ctx), a.diskTroubles(now), canary,
		guessTroubles(a.staff.Guessed(now)),
	)
}

// level is how many of the limits a value has passed: 1 beyond the first.
func level[T int | time.Duration](value T, limits ...T) (n int) {
	for _, limit := range limits {
		if value >= limit {
			n++
		}
	}
	return n
}

// outboxTroubles tells of mail that waits, oldest being when the oldest was queued
// (zero: none waits), and of a relay that is down.
func outboxTroubles(now, oldest time.Time, relay outbox.RelayStatus) (list []store.Trouble) {
	if age := now.Sub(oldest); !oldest.IsZero() && age > waitTooLong {
		list = append(list, store.Trouble{
			Key: "outbox", What: fmt.Sprintf("a mail has been waiting in the outbox for %v", age.Round(time.Second)),
			Do:    "/ops/queue shows each mail that waits, with the server's own words. Where the relay is at fault nothing is lost: all goes out by itself once it takes mail.",
			Level: max(1, level(age, waitTooLong, time.Hour, 6*time.Hour, 24*time.Hour)),
		})
	}
	if relay.State == outbox.RelayDown {
		list = append(list, store.Trouble{
			Key: "relay", What: fmt.Sprintf("the relay does not take mail: %v", relay.Err), Level: 1,
			Do: "Is it up, and does our login still hold? signpost check tests both. Mail waits for it and is not lost.",
		})
	}
	return list
}

func (a *App) mailboxTroubles(now time.Time) (list []store.Trouble) {
	for _, w := range a.watchers {
		h := w.Health()
		since := slices.MaxFunc([]time.Time{h.LastCycle, h.Advanced, a.began}, time.Time.Compare)
		if quiet := now.Sub(since); quiet > silence {
			what := fmt.Sprintf("mailbox %s: no completed cycle (%s)", h.Mailbox, h.State)
			if h.LastError != "" {
				what += ": " + h.LastError
			}
			list = append(list, store.Trouble{
				Key: "mailbox/" + h.Mailbox, What: what, Level: max(1, level(quiet, silence, 2*time.Hour, 12*time.Hour)),
				Do: "Bounces and strays in it go unseen until it is read; nothing of them is lost. Does the mail host answer, does the password or token still hold? signpost check tests it.",
			})
		}
	}
	return list
}

// maxTripLevel is how bad a breaker that trips again and again gets.
const maxTripLevel = 3

func (a *App) responderTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	if responder, err := a.db.Responder(ctx, now); err == nil && !responder.On {
		t := store.Trouble{
			Key: "responder", What: "automatic answers are off: " + responder.Reason, Level: 1,
			Do: "They were switched off by hand. When the reason is gone: signpost responder on, or the switch at " +
				"/ops/mailboxes.",
		}
		if responder.Tripped {
			t.Key, t.Level = "breaker", min(responder.Trips, maxTripLevel)
			t.What = fmt.Sprintf("automatic answers are stopped until %s UTC: %s",
				responder.RearmsAt.UTC().Format("2 Jan 15:04"), responder.Reason)
			t.Do = fmt.Sprintf("More answers went out than people write, or came back: a loop, or a flood of forged mail. "+
				"/ops/ledger?mark=answered shows whom they went to. "+
				"They go on by themselves then; if it trips again, after %s. When it has ended: signpost responder on, or the "+
				"switch at /ops/mailboxes, begins at once; signpost responder off stops them until they are turned on by hand.",
				spanWords(store.BreakerPause(responder.Trips+1)))
		}
		list = append(list, t)
	}
	if last, before, yes := a.rate.doubled(now, a.cfg.Alarm.AnswersFloor); yes {
		list = append(list, store.Trouble{
			Key: "answers-doubled", What: fmt.Sprintf("automatic answers doubled: %d in the last hour, %d in the hour before", last, before),
			Do:    "/ops/ledger?mark=answered shows whom they went to. One and the same machine under many addresses is a loop: signpost responder off ends it, or the switch at /ops/mailboxes.",
			Level: level(last, 1, 4*a.cfg.Alarm.AnswersFloor, 16*a.cfg.Alarm.AnswersFloor),
		})
	}
	return list
}

const (
	// refusedWithin is the time within which refusals count together.
	refusedWithin = 24 * time.Hour
	refusedMost   = 100 // clusters looked at
)

// refusalTroubles tells of hosts that refuse us for several people: not their
// addresses are at fault then, but we are.
func (a *App) refusalTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	floor := a.cfg.Alarm.Refusals
	since := now.Add(-refusedWithin)
	clusters, err := a.db.Refusals(ctx, since, refusedMost)
	if err != nil || floor <= 0 {
		return nil // a store that cannot be read is told of by itself
	}
	told := map[string]bool{}
	for _, c := range clusters {
		n := c.Since(since)
		if n < floor || told[c.Host] {
			continue
		}
		told[c.Host] = true
		list = append(list, store.Trouble{
			Key: "refusals/" + c.Host, What: fmt.Sprintf(
				"%d addresses at %s had our mail refused within a day; the latest report says %s", n, unlinked(c.Host),
				claim(c.Diagnostic)),
			Do: "The addresses may well be good: the host objects to us or to what we write. What is quoted are the " +
				"report's own words, which its writer chose; /ops/bounces has all cases.",
			Level: level(n, 1, 2*floor, 4*floor),
		})
	}
	return list
}
