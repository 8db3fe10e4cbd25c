package alarm

import (
	"context"
	"fmt"
	"time"

	"signpost/mail/outbox"
	"signpost/store"
)

// waitTooLong is how old the oldest unsent mail may grow before it is trouble.
const waitTooLong = 10 * time.Minute

// outboxTroubles tells of mail that waits, oldest being when the oldest was queued
// (zero: none waits), and of a relay that is down.
func outboxTroubles(now, oldest time.Time, relay outbox.RelayStatus) (list []store.Trouble) {
	if age := now.Sub(oldest); !oldest.IsZero() && age > waitTooLong {
		list = append(list, store.Trouble{
			Key: "outbox", What: fmt.Sprintf("a mail has been waiting in the outbox for %v", age.Round(time.Second)),
			Do: "/ops/queue shows each mail that waits, with the server's own words. Where the relay is at fault " +
				"nothing is lost: all goes out by itself once it takes mail.",
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

// heldTrouble tells of mail that the relay refuses for a reason of ours: one alarm,
// however many domains it is about.
func (s *Subject) heldTrouble(ctx context.Context, now time.Time, stats store.Stats) []store.Trouble {
	holds, held := s.Sender.Holds(), stats.Outbounds[store.StateHeld]
	if held == 0 {
		return nil
	}
	t := store.Trouble{Key: "held", Level: 1}
	since := now
	if len(holds) == 0 {
		rows, err := store.Items(s.Store.HeldOutbounds(ctx, store.Page{Limit: 1}))
		if err != nil || len(rows) == 0 {
			return nil
		}
		row := rows[0]
		since = row.Hold.Since
		t.What = fmt.Sprintf("%s held, refused for a reason of ours at %s: %s", mailsAre(held), row.Hold.Stage, row.Reply)
		t.Do = outbox.Mend(outbox.Stage(row.Hold.Stage), row.Reply)
	} else {
		h := holds[0]
		since = h.Since
		scope := "all our mail"
		if h.Domain != "" {
			scope = "our mail to " + h.Domain
		} else {
			held += stats.Outbounds[store.StateQueued]
		}
		if n := len(holds); n > 1 {
			scope += fmt.Sprintf(" and %d more domains", n-1)
		}
		t.What = fmt.Sprintf("the relay refuses %s since %s UTC at %s: %s (%s held)", scope,
			since.UTC().Format("2 Jan 15:04"), h.Stage, h.Words, mailsAre(held))
		t.Do = outbox.Mend(h.Stage, h.Words)
	}
	t.Do += " Held mail is not lost and goes out by itself once the relay takes it; /ops/queue shows it, and ops may " +
		"give it up there."
	t.Level += level(now.Sub(since), 6*time.Hour, 24*time.Hour)
	return []store.Trouble{t}
}

func mailsAre(n uint64) string {
	if n == 1 {
		return "1 mail is"
	}
	return fmt.Sprintf("%d mails are", n)
}

// waitingLooked is how many waiting mails are looked at for one that no hold keeps.
const waitingLooked = 100

// oldestUnheld is since when the oldest waiting mail that no hold keeps back could be
// sent, as far as looked; zero when there is none. What a hold kept back could be sent
// when that ended: it is not late at once.
func (s *Subject) oldestUnheld(ctx context.Context, now time.Time, stats store.Stats) (oldest time.Time) {
	if stats.OldestQueued.IsZero() || now.Sub(stats.OldestQueued) <= waitTooLong {
		return stats.OldestQueued
	}
	rows, err := store.Items(s.Store.WaitingOutbounds(ctx, store.Page{Limit: waitingLooked}))
	if err != nil {
		return stats.OldestQueued
	}
	for _, row := range rows {
		if row.Hold.Stage != "" || s.Sender.Holding(row.To) {
			continue
		}
		since := row.QueuedAt
		if freed := s.Sender.Freed(row.To); freed.After(since) {
			since = freed
		}
		if oldest.IsZero() || since.Before(oldest) {
			oldest = since
		}
	}
	return oldest
}
