package main

import (
	"context"
	"errors"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/intake/staff"
	"signpost/mail/watch"
	"signpost/store"
)

// buildAlarms wires what looks at the service and what tells of it.
func (a *App) buildAlarms() {
	a.subject.Config, a.subject.Began, a.subject.Store, a.subject.Sender = a.cfg, a.began, a.db, a.sender
	a.subject.Accounts, a.subject.Disk = a.accounts, a.disk
	a.subject.Guessed = func(now time.Time) []staff.Guessed { return a.staff.Guessed(now) }
	for _, w := range a.watchers {
		a.subject.Watchers = append(a.subject.Watchers, w)
	}
	deps := alarm.Deps{
		Source: a.subject.Troubles, Book: a.db, Standing: a.metrics.AlarmsStanding, Noticed: a.metrics.Noticed, Log: a.log,
		Service: a.cfg.Service.BaseURL, Repeat: a.cfg.Alarm.Repeat,
	}
	if hook := a.cfg.Alarm.Webhook; hook != "" {
		deps.Tell = alarm.NewWebhook(hook).Post
	}
	if len(a.cfg.Alarm.Mail) > 0 {
		deps.Mail = a.alarmMail()
	}
	a.alarms = alarm.New(deps)
}

func (a *App) alarmMail() *alarm.Mail {
	from := a.cfg.Regions()[0]
	return &alarm.Mail{
		Queue: a.db.QueueMail, Earlier: a.db.OutboundsTo, Kick: a.sender.Kick,
		Mint: func(now time.Time) string {
			return a.ring.MessageID(now, store.MailAlarm, store.Domain(from.Address))
		},
		From: from.Address, Name: a.cfg.Service.Product, To: a.cfg.Alarm.Mail,
		Page: a.cfg.Service.BaseURL + "/ops/health", Hooked: a.cfg.Alarm.Webhook != "", Repeat: a.cfg.Alarm.Repeat,
	}
}

// watchObserver counts what watchers decide, and has a tripped breaker told at once.
func (a *App) watchObserver() watch.Observer {
	o := a.metrics.WatchObserver()
	decided := o.Decided
	o.Decided = func(row store.Inbound, lag time.Duration) {
		decided(row, lag)
		if a.subject.Decided(row) {
			a.alarms.Kick()
		}
	}
	return o
}

// runAlarms is the stage that watches the service itself.
func (a *App) runAlarms(ctx context.Context) error {
	if err := a.subject.Recall(ctx); err != nil && !errors.Is(err, context.Canceled) {
		a.log.Error("earlier mail could not be counted", "error", err)
	}
	return a.alarms.Run(ctx)
}

// troubles are all that ail the service now.
func (a *App) troubles(ctx context.Context) []store.Trouble {
	return a.subject.Troubles(ctx, time.Now())
}
