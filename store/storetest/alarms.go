package storetest

import (
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

func alarmStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"An alarm stands until it is over":                 alarmStands,
		"An acknowledgement holds for one trouble alone":   alarmAcknowledged,
		"An acknowledgement ends by time and by worsening": alarmLoud,
		"An alarm that makes no sense is refused":          alarmRefused,
		"What is long over is dropped":                     alarmsDropped,
		"A mail of the service's own is queued once":       ownMail,
	}
}

func (d *desk) raises(key string, level int) store.Alarm {
	d.Helper()
	trouble := store.Trouble{Key: key, What: "it is " + key, Do: "mend it", Level: level}
	return must[store.Alarm](d)(d.RaiseAlarm(d.ctx, d.now, trouble))
}

func (d *desk) standing() []store.Alarm {
	d.Helper()
	return must[[]store.Alarm](d)(d.lists().standing())
}

func alarmStands(d *desk) {
	began := d.at()
	relay, disk := d.raises("relay", 1), d.raises("disk", 2)
	trouble := store.Trouble{Key: "relay", What: "it is relay", Do: "mend it", Level: 1}
	d.same(relay, store.Alarm{ID: relay.ID, Trouble: trouble, Since: began})
	d.pass(time.Minute)
	again := must[store.Alarm](d)(d.RaiseAlarm(d.ctx, d.now, store.Trouble{Key: "relay", What: "worse", Level: 3}))
	d.same(again, store.Alarm{ID: relay.ID, Trouble: store.Trouble{Key: "relay", What: "worse", Level: 3}, Since: began})
	d.same(d.standing(), []store.Alarm{again, disk})
	again.Over = d.at()
	d.same(must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, "relay")), again)
	d.same(d.standing(), []store.Alarm{disk})
	d.same(must[[]store.Alarm](d)(d.lists().ended()), []store.Alarm{again})
	_, err := d.EndAlarm(d.ctx, d.now, "relay")
	d.wantErr(err, store.ErrNotFound)
	d.raises("relay", 1)
	newest := must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, "relay"))
	d.same(must[[]store.Alarm](d)(d.lists().ended()), []store.Alarm{newest, again})
}

func (d *desk) acknowledges(id store.AlarmID, until time.Time) store.Alarm {
	d.Helper()
	return must[store.Alarm](d)(d.AcknowledgeAlarm(d.ctx, d.now, as("ana@desk.example"), id, until))
}

func alarmAcknowledged(d *desk) {
	first := d.raises("relay", 2)
	d.pass(time.Minute)
	got := d.acknowledges(first.ID, time.Time{})
	d.same(got.Acknowledgement, store.Acknowledgement{By: "ana@desk.example", At: d.at(), UpTo: 2})
	d.same(d.raises("relay", 1).Acknowledgement, got.Acknowledgement)
	got.Level = 1
	d.same(d.standing(), []store.Alarm{got})
	must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, "relay"))
	_, err := d.AcknowledgeAlarm(d.ctx, d.now, as("ana@desk.example"), first.ID, time.Time{})
	d.wantErr(err, store.ErrConflict)
	if again := d.raises("relay", 1); again.ID == first.ID || !again.At.IsZero() {
		d.Errorf("the next alarm is %d and acknowledged at %v", again.ID, again.At)
	}
}

func alarmLoud(d *desk) {
	a := d.acknowledges(d.raises("relay", 2).ID, d.now.Add(time.Hour))
	for when, want := range map[time.Time]bool{
		d.now: true, d.now.Add(time.Hour - time.Millisecond): true, d.now.Add(time.Hour): false,
	} {
		if got := a.Quiet(when); got != want {
			d.Errorf("at %v it is quiet: %v", when, got)
		}
	}
	if d.raises("relay", 3).Quiet(d.now) {
		d.Error("it got worse and is quiet")
	}
	if !d.acknowledges(a.ID, time.Time{}).Quiet(d.now.Add(1000 * time.Hour)) {
		d.Error("acknowledged anew, without end, it is told")
	}
}

func alarmRefused(d *desk) {
	for _, bad := range []store.Trouble{{Level: 1}, {Key: "x"}, {Key: strings.Repeat("x", 201), Level: 1}} {
		_, err := d.RaiseAlarm(d.ctx, d.now, bad)
		d.wantErr(err, store.ErrInvalid)
	}
	a := d.raises("relay", 1)
	_, err := d.AcknowledgeAlarm(d.ctx, d.now, store.ByService(), a.ID, time.Time{})
	d.wantErr(err, store.ErrInvalid)
	_, err = d.AcknowledgeAlarm(d.ctx, d.now, as("ana"), a.ID, d.now)
	d.wantErr(err, store.ErrInvalid)
	_, err = d.AcknowledgeAlarm(d.ctx, d.now, as("ana"), a.ID+1, time.Time{})
	d.wantErr(err, store.ErrNotFound)
	d.same(d.standing(), []store.Alarm{a})
}

func alarmsDropped(d *desk) {
	stands := d.raises("disk", 1)
	for i := range 3 {
		d.raises(fmt.Sprint(i), 1)
		must[store.Alarm](d)(d.EndAlarm(d.ctx, d.now, fmt.Sprint(i)))
	}
	d.pass(store.AlarmKept - time.Second)
	d.same(must[int](d)(d.Housekeep(d.ctx, d.now, 9)), 0)
	d.pass(time.Second)
	d.same(must[int](d)(d.Housekeep(d.ctx, d.now, 9)), 3)
	d.same(must[[]store.Alarm](d)(d.lists().ended()), []store.Alarm{})
	d.same(d.standing(), []store.Alarm{stands})
}

func (d *desk) ownMail(kind store.OutboundKind) store.NewMail {
	return store.NewMail{
		Kind: kind, From: "support-us@desk.example", FromName: "Support", To: "ops@desk.example",
		MessageID: messageIDOf(d.mint()), Subject: "Trouble", Text: "The relay\nis down.", Mark: "mark",
	}
}

func ownMail(d *desk) {
	n := d.ownMail(store.MailAlarm)
	row := must[store.Outbound](d)(d.QueueMail(d.ctx, d.now, n))
	d.same(row, store.Outbound{
		ID: row.ID, Kind: n.Kind, Region: store.OwnRegion, From: n.From, FromName: n.FromName,
		To: n.To, MessageID: n.MessageID,
		Subject: n.Subject, Text: n.Text, Mark: n.Mark, QueuedAt: d.at(), State: store.StateQueued, DueAt: d.at(),
	})
	d.same(must[store.Outbound](d)(d.Outbound(d.ctx, row.ID)), row)
	claim := store.Claim{Limit: 9, Lease: store.Leases{time.Minute}}
	claimed := must[[]store.Outbound](d)(d.ClaimOutbound(d.ctx, d.now, claim))
	if len(claimed) != 1 || claimed[0].Text != n.Text {
		d.Errorf("claimed %+v", claimed)
	}
	for _, bad := range []store.NewMail{n, {Kind: n.Kind, From: n.From, To: n.To}, d.ownMail(store.MailConfirmation)} {
		_, err := d.QueueMail(d.ctx, d.now, bad)
		d.wantErr(err, store.ErrInvalid)
	}
}
