package alarm

import (
	"context"
	"fmt"
	"time"

	"signpost/store"
)

// maxTripLevel is how bad a breaker that trips again and again gets.
const maxTripLevel = 3

func (s *Subject) responderTroubles(ctx context.Context, now time.Time) (list []store.Trouble) {
	if responder, err := s.Store.Responder(ctx, now); err == nil && !responder.On {
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
	if last, before, yes := s.answers.doubled(now, s.Config.Alarm.AnswersFloor); yes {
		list = append(list, store.Trouble{
			Key: "answers-doubled", What: fmt.Sprintf("automatic answers doubled: %d in the last hour, %d in the hour before",
				last, before),
			Do: "/ops/ledger?mark=answered shows whom they went to. One and the same machine under many addresses is a " +
				"loop: signpost responder off ends it, or the switch at /ops/mailboxes.",
			Level: level(last, 1, 4*s.Config.Alarm.AnswersFloor, 16*s.Config.Alarm.AnswersFloor),
		})
	}
	return list
}
