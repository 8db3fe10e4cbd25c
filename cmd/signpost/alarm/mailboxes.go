package alarm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"signpost/mail/watch"
	"signpost/store"
)

// silence is how long a watcher may go without a completed cycle before it counts as
// trouble; its own turns are 9 minutes long.
const silence = 15 * time.Minute

// Silent tells a mailbox that has not been read for too long, in a service that runs
// since began, and for how long it was not.
func Silent(h watch.Health, began, now time.Time) (quiet time.Duration, yes bool) {
	quiet = now.Sub(slices.MaxFunc([]time.Time{h.LastCycle, h.Advanced, began}, time.Time.Compare))
	return quiet, quiet > silence
}

func (s *Subject) mailboxTroubles(now time.Time) (list []store.Trouble) {
	for _, w := range s.Watchers {
		h := w.Health()
		if quiet, yes := Silent(h, s.Began, now); yes {
			what := fmt.Sprintf("mailbox %s: no completed cycle (%s)", h.Mailbox, h.State)
			if h.LastError != "" {
				what += ": " + h.LastError
			}
			list = append(list, store.Trouble{
				Key: "mailbox/" + h.Mailbox, What: what, Level: max(1, level(quiet, silence, 2*time.Hour, 12*time.Hour)),
				Do: "Bounces and strays in it go unseen until it is read; nothing of them is lost. Does the mail host answer, " +
					"does the password or token still hold? signpost check tests it.",
			})
		}
	}
	return list
}

// silencedTroubles tells of mailboxes that were switched off by hand.
func (s *Subject) silencedTroubles(ctx context.Context) (list []store.Trouble) {
	for _, w := range s.Watchers {
		id := w.Health().Mailbox
		if r, err := s.Store.MailboxResponder(ctx, id); err == nil && !r.On {
			list = append(list, store.Trouble{
				Key: "silenced/" + id, What: "mailbox " + id + " sends no answers: " + cmp.Or(r.Reason, "switched off by hand"),
				Level: 1,
				Do:    "When the reason is gone: signpost responder on --mailbox " + id + ", or the switch at /ops/mailboxes.",
			})
		}
	}
	return list
}
