package storetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"signpost/store"
)

func ledgerStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A mailbox is connected once":                        connecting,
		"Every mail becomes a row with its raw text":         recording,
		"A mail seen again is the row it was":                seenAgain,
		"A new epoch recognises mail by its content":         newEpoch,
		"A broken arrival is refused and leaves nothing":     refusedArrival,
		"A verdict is written and the cursor moves":          deciding,
		"A decision stands":                                  decidedTwice,
		"An unknown id stops the whole chunk":                unknownDecision,
		"The cursor never moves back":                        cursor,
		"The third failure quarantines":                      quarantine,
		"The ledger is listed newest first":                  listing,
		"The latest mail of a mailbox is its highest UID":    latest,
		"Mail with one Message-ID is told apart":             sameMessageID,
		"What a crash left undecided is found, oldest first": pending,
	}
}

func latest(d *desk) {
	_, err := d.LatestInbound(d.ctx, box)
	d.wantErr(err, store.ErrNotFound)
	d.connects()
	_, err = d.LatestInbound(d.ctx, box)
	d.wantErr(err, store.ErrNotFound)
	d.records(d.arrival(9))
	d.records(d.arrival(4))
	d.same(must[store.Inbound](d)(d.LatestInbound(d.ctx, box)).UID, uint32(9))
	must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 6))
	_, err = d.LatestInbound(d.ctx, box)
	d.wantErr(err, store.ErrNotFound)
	again := d.records(d.arrival(4, inEpoch(6, 2)))[0]
	d.same(must[store.Inbound](d)(d.LatestInbound(d.ctx, box)), again)
}

const box = "INBOX of us"

// arrival is the mail with that UID; its content follows from the UID.
func (d *desk) arrival(uid uint32, change ...func(*store.NewInbound)) store.NewInbound {
	raw := []byte(fmt.Sprintf("From: p%d@partner.example\r\n\r\nHello\r\n%s", uid, long))
	m := store.NewInbound{
		Mailbox: box, UIDValidity: 7, UID: uid, InternalDate: d.at().Add(time.Minute), Size: int64(len(raw)),
		Hash: sha256.Sum256(raw), MessageID: fmt.Sprintf("m%d@partner.example", uid),
		From: "Bob <bob@partner.example>", Subject: "Héllo", Raw: raw,
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

func inEpoch(validity, uid uint32) func(*store.NewInbound) {
	return func(m *store.NewInbound) { m.UIDValidity, m.UID = validity, uid }
}

// connects connects the mailbox and begins epoch 7.
func (d *desk) connects() {
	d.Helper()
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, box))
	must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 7))
}

func (d *desk) records(mails ...store.NewInbound) []store.Inbound {
	d.Helper()
	return must[[]store.Inbound](d)(d.RecordInbound(d.ctx, d.now, mails))
}

// mailbox reads the state that connecting again returns unchanged.
func (d *desk) mailbox(name string) store.MailboxState {
	d.Helper()
	return must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, name))
}

func (d *desk) decides(decisions ...store.Decision) []store.Inbound {
	d.Helper()
	return must[[]store.Inbound](d)(d.DecideInbound(d.ctx, d.now, decisions))
}

func silent(id store.InboundID, kind store.Kind) store.Decision {
	return store.Decision{ID: id, Verdict: store.Verdict{Kind: kind, Rules: []store.Rule{
		{ID: "null-sender", Effect: store.EffectStop, Evidence: "Return-Path: <>"},
	}}}
}

func connecting(d *desk) {
	first := must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, box))
	d.same(first, store.MailboxState{Mailbox: box, ConnectedAt: store.ConnectionInstant(d.now)})
	d.pass(time.Hour)
	d.same(d.mailbox(box), first)

	first.UIDValidity = 7
	d.same(must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 7)), first)
	d.must(d.SkipTo(d.ctx, box, 7, 12))
	first.UID = 12
	d.same(must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 7)), first)
	first.UIDValidity, first.UID = 8, 0
	d.same(must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 8)), first)
	d.same(d.mailbox(box), first)

	_, err := d.BeginEpoch(d.ctx, d.now, box, 0)
	d.wantErr(err, store.ErrInvalid)
	_, err = d.ConnectMailbox(d.ctx, d.now, "")
	d.wantErr(err, store.ErrInvalid)
	for _, verb := range []func() error{
		func() error { _, err := d.BeginEpoch(d.ctx, d.now, "other", 7); return err },
		func() error { return d.SkipTo(d.ctx, "other", 7, 1) },
		func() error { _, err := d.lists().pending("other"); return err },
		func() error { _, err := d.InboundByUID(d.ctx, "other", 7, 1); return err },
	} {
		d.wantErr(verb(), store.ErrNotFound)
	}
}

func recording(d *desk) {
	d.connects()
	small := d.arrival(1)
	small.Subject, small.From = strings.Repeat("s", 500), strings.Repeat("f", 500)
	huge := d.arrival(2, func(m *store.NewInbound) { m.Raw, m.Blob, m.Truncated = nil, hashOf("huge"), true })
	bare := d.arrival(3, func(m *store.NewInbound) { m.Raw, m.MessageID, m.InternalDate = []byte{}, "", time.Time{} })
	d.pass(time.Hour)
	rows := d.records(small, huge, bare)
	want := make([]store.Inbound, 3)
	for i, m := range []store.NewInbound{small, huge, bare} {
		want[i] = store.Inbound{
			ID: rows[i].ID, Mailbox: box, UIDValidity: 7, UID: m.UID, InternalDate: m.InternalDate, SeenAt: d.at(),
			Size: m.Size, Hash: m.Hash, MessageID: m.MessageID, From: m.From, Subject: m.Subject, Blob: m.Blob,
			Truncated: m.Truncated, State: store.InboundStored,
		}
	}
	want[0].Subject, want[0].From = small.Subject[:200], small.From[:320]
	d.same(rows, want)
	for _, row := range want {
		d.same(must[store.Inbound](d)(d.Inbound(d.ctx, row.ID)), row)
		d.same(must[store.Inbound](d)(d.InboundByUID(d.ctx, box, 7, row.UID)), row)
	}
	if raw := must[[]byte](d)(d.RawInbound(d.ctx, rows[0].ID)); !bytes.Equal(raw, small.Raw) {
		d.Errorf("the raw mail came back as %q", raw)
	}
	if raw := must[[]byte](d)(d.RawInbound(d.ctx, rows[2].ID)); len(raw) != 0 {
		d.Errorf("the empty mail came back as %q", raw)
	}
	_, err := d.RawInbound(d.ctx, rows[1].ID)
	d.wantErr(err, store.ErrNotFound)
	d.same(must[[]bool](d)(d.BlobsReferenced(d.ctx, []store.BlobHash{hashOf("huge")})), []bool{true})
	if state := d.mailbox(box); state.UID != 0 {
		d.Errorf("recording moved the cursor to %d", state.UID)
	}
	for _, verb := range []func() error{
		func() error { _, err := d.Inbound(d.ctx, 99); return err },
		func() error { _, err := d.RawInbound(d.ctx, 99); return err },
		func() error { _, err := d.InboundByUID(d.ctx, box, 7, 9); return err },
	} {
		d.wantErr(verb(), store.ErrNotFound)
	}
}

func seenAgain(d *desk) {
	d.connects()
	rows := d.records(d.arrival(1), d.arrival(2))
	d.decides(silent(rows[0].ID, store.KindBounce))
	d.pass(time.Hour)
	again := d.records(d.arrival(2), d.arrival(3), d.arrival(1), d.arrival(3))
	d.same(again[0], rows[1])
	if again[2].ID != rows[0].ID || again[2].State != store.InboundDecided {
		d.Errorf("the decided mail came back as %+v", again[2])
	}
	if again[1].ID <= rows[1].ID {
		d.Errorf("ids do not ascend: %d after %d", again[1].ID, rows[1].ID)
	}
	d.same(again[3], again[1])
	// The same content under another UID of the same epoch is another mail.
	copied := d.records(d.arrival(1, inEpoch(7, 4)))
	if copied[0].ID == rows[0].ID {
		d.Error("a second copy vanished")
	}
	stats := must[store.Stats](d)(d.Stats(d.ctx))
	d.same(stats.Inbounds, map[store.InboundState]uint64{store.InboundStored: 3, store.InboundDecided: 1})
}

func newEpoch(d *desk) {
	d.connects()
	twin := d.arrival(1, inEpoch(7, 2)) // the content of 1 once more
	rows := d.records(d.arrival(1), twin, d.arrival(3))
	d.decides(silent(rows[0].ID, store.KindBounce))
	must[store.MailboxState](d)(d.BeginEpoch(d.ctx, d.now, box, 9))

	moved := d.records(d.arrival(1, inEpoch(9, 50)), d.arrival(1, inEpoch(9, 51)),
		d.arrival(1, inEpoch(9, 52)), d.arrival(8, inEpoch(9, 53)))
	if moved[0].ID != rows[0].ID || moved[1].ID != rows[1].ID {
		d.Errorf("two copies became rows %d and %d", moved[0].ID, moved[1].ID)
	}
	if moved[2].ID <= rows[2].ID || moved[3].ID <= moved[2].ID {
		d.Errorf("new mail became rows %d and %d", moved[2].ID, moved[3].ID)
	}
	want := must[store.Inbound](d)(d.Inbound(d.ctx, rows[0].ID))
	if want.UIDValidity != 9 || want.UID != 50 || want.State != store.InboundDecided {
		d.Errorf("the row moved to %+v", want)
	}
	d.same(must[store.Inbound](d)(d.InboundByUID(d.ctx, box, 9, 50)), want)
	_, err := d.InboundByUID(d.ctx, box, 7, 1)
	d.wantErr(err, store.ErrNotFound)
	// A late decision on a row of the old epoch moves no cursor.
	d.decides(silent(rows[2].ID, store.KindSpam))
	if state := d.mailbox(box); state.UID != 0 {
		d.Errorf("the cursor stands at %d", state.UID)
	}
	// The same content in another mailbox is another mail.
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "other"))
	other := d.records(d.arrival(1, func(m *store.NewInbound) { m.Mailbox, m.UIDValidity = "other", 1 }))
	if other[0].ID <= moved[3].ID {
		d.Error("a mail of another mailbox was taken for ours")
	}
}

func refusedArrival(d *desk) {
	d.connects()
	for name, change := range map[string]func(*store.NewInbound){
		"no mailbox":  func(m *store.NewInbound) { m.Mailbox = "" },
		"no epoch":    inEpoch(0, 1),
		"no UID":      inEpoch(7, 0),
		"too large":   func(m *store.NewInbound) { m.Raw = make([]byte, store.RawInline+1) },
		"broken hash": func(m *store.NewInbound) { m.Raw, m.Blob = nil, "zz" },
		"kept twice":  func(m *store.NewInbound) { m.Blob = hashOf("x") },
	} {
		_, err := d.RecordInbound(d.ctx, d.now, []store.NewInbound{d.arrival(1), d.arrival(2, change)})
		if d.wantErr(err, store.ErrInvalid); len(must[[]store.Inbound](d)(d.lists().ledger())) != 0 {
			d.Errorf("%s: rows were left", name)
		}
	}
	unconnected := d.arrival(2, func(m *store.NewInbound) { m.Mailbox = "unconnected" })
	_, err := d.RecordInbound(d.ctx, d.now, []store.NewInbound{d.arrival(1), unconnected})
	d.wantErr(err, store.ErrNotFound)
	d.same(d.records(), []store.Inbound{})
	if rows := must[[]store.Inbound](d)(d.lists().ledger()); len(rows) != 0 {
		d.Errorf("rows were left: %v", rows)
	}
	largest := d.arrival(1, func(m *store.NewInbound) { m.Raw = make([]byte, store.RawInline) })
	d.records(largest)
}

func deciding(d *desk) {
	d.connects()
	rows := d.records(d.arrival(1), d.arrival(2), d.arrival(3))
	d.pass(time.Hour)
	verdict := store.Verdict{
		Kind: store.KindBounce,
		Rules: []store.Rule{
			{ID: "a", Effect: store.EffectStop, Evidence: strings.Repeat("e", 300)},
			{ID: "b", Effect: store.EffectNote}, {ID: "a", Effect: store.EffectNote},
		},
		Reports: []store.Report{{
			Recipient: "p@partner.example", Action: "failed", Status: "5.1.1", Reason: "userunknown", Hard: true,
			Outcome: "dead", Diagnostic: "550 no such user", OriginalMessageID: "c.x.y@desk.example",
		}},
	}
	decided := d.decides(store.Decision{ID: rows[1].ID, Verdict: verdict}, silent(rows[0].ID, store.KindSpam))
	want := rows[1]
	want.State, want.DecidedAt, want.Verdict = store.InboundDecided, d.at(), verdict
	cut := store.Rule{ID: "a", Effect: store.EffectStop, Evidence: strings.Repeat("e", 200)}
	want.Verdict.Rules = append([]store.Rule{cut}, verdict.Rules[1:]...)
	d.same(decided[0], want)
	d.same(must[store.Inbound](d)(d.Inbound(d.ctx, want.ID)), want)
	if decided[1].ID != rows[0].ID {
		d.Error("rows are not returned in the order given")
	}
	if state := d.mailbox(box); state.UID != 2 {
		d.Errorf("the cursor stands at %d, want 2", state.UID)
	}
	stats := must[store.Stats](d)(d.Stats(d.ctx))
	d.same(stats.Inbounds, map[store.InboundState]uint64{store.InboundDecided: 2, store.InboundStored: 1})
	d.same(stats.Verdicts, map[store.Kind]uint64{store.KindBounce: 1, store.KindSpam: 1})
	d.same(stats.Rules, map[string]uint64{"a": 1, "b": 1, "null-sender": 1})
}

func decidedTwice(d *desk) {
	d.connects()
	rows := d.records(d.arrival(1), d.arrival(2))
	first := d.decides(silent(rows[0].ID, store.KindBounce))[0]
	d.pass(time.Hour)
	again := d.decides(d.answer(rows[0].ID), silent(rows[1].ID, store.KindSpam), silent(rows[1].ID, store.KindList))
	d.same(again[0], first)
	if again[1].Verdict.Kind != store.KindSpam || again[2].Verdict.Kind != store.KindSpam {
		d.Errorf("decided twice in one chunk: %v, then %v", again[1].Verdict.Kind, again[2].Verdict.Kind)
	}
	_, err := d.NextOutbound(d.ctx)
	d.wantErr(err, store.ErrNotFound)
	d.same(d.decides(), []store.Inbound{})
}

func unknownDecision(d *desk) {
	d.connects()
	row := d.records(d.arrival(1))[0]
	unknown := []store.Decision{silent(row.ID, store.KindBounce), silent(99, store.KindBounce)}
	_, err := d.DecideInbound(d.ctx, d.now, unknown)
	d.wantErr(err, store.ErrNotFound)
	_, err = d.DecideInbound(d.ctx, d.now, []store.Decision{silent(row.ID, store.KindBounce), silent(row.ID, "")})
	d.wantErr(err, store.ErrInvalid)
	d.same(must[store.Inbound](d)(d.Inbound(d.ctx, row.ID)), row)
	if state := d.mailbox(box); state.UID != 0 {
		d.Errorf("the cursor stands at %d", state.UID)
	}
}

func cursor(d *desk) {
	d.connects()
	d.must(d.SkipTo(d.ctx, box, 7, 40))
	d.must(d.SkipTo(d.ctx, box, 7, 30))
	d.wantErr(d.SkipTo(d.ctx, box, 8, 50), store.ErrConflict)
	row := d.records(d.arrival(20))[0]
	d.decides(silent(row.ID, store.KindSpam))
	if state := d.mailbox(box); state.UID != 40 {
		d.Errorf("the cursor stands at %d, want 40", state.UID)
	}
	row = d.records(d.arrival(41))[0]
	d.decides(silent(row.ID, store.KindSpam))
	if state := d.mailbox(box); state.UID != 41 {
		d.Errorf("the cursor stands at %d, want 41", state.UID)
	}
}

func quarantine(d *desk) {
	d.connects()
	row := d.records(d.arrival(1))[0]
	for try := 1; try <= 3; try++ {
		d.pass(time.Hour)
		row.Attempts = try
		if try == 3 {
			row.State, row.Fault, row.DecidedAt = store.InboundQuarantined, "panic 3", d.at()
		}
		d.same(must[store.Inbound](d)(d.QuarantineInbound(d.ctx, d.now, row.ID, fmt.Sprint("panic ", try))), row)
		if state := d.mailbox(box); state.UID != uint32(try/3) {
			d.Errorf("after try %d the cursor stands at %d", try, state.UID)
		}
	}
	_, err := d.QuarantineInbound(d.ctx, d.now, row.ID, "again")
	d.wantErr(err, store.ErrConflict)
	_, err = d.QuarantineInbound(d.ctx, d.now, 99, "x")
	d.wantErr(err, store.ErrNotFound)
	d.same(d.decides(silent(row.ID, store.KindSpam))[0], row)
	must[[]byte](d)(d.RawInbound(d.ctx, row.ID))
	d.same(must[[]store.Inbound](d)(d.lists().pending(box)), []store.Inbound{})
	d.same(must[store.Stats](d)(d.Stats(d.ctx)).Inbounds, map[store.InboundState]uint64{store.InboundQuarantined: 1})
}

func listing(d *desk) {
	d.connects()
	var want []store.Inbound
	for uid := range uint32(9) {
		want = append(d.records(d.arrival(uid+1)), want...)
	}
	d.same(must[[]store.Inbound](d)(d.lists().ledger()), want)
}

func sameMessageID(d *desk) {
	d.connects()
	id := func(id string) func(*store.NewInbound) { return func(m *store.NewInbound) { m.MessageID = id } }
	rows := d.records(d.arrival(1, id("X@y.example")), d.arrival(2, id("x@Y.example")), d.arrival(3), d.arrival(4, id("")))
	d.same(must[[]store.Inbound](d)(d.lists().byMessageID("x@y.EXAMPLE")), []store.Inbound{rows[1], rows[0]})
	d.same(must[[]store.Inbound](d)(d.lists().byMessageID("unknown@y.example")), []store.Inbound{})
	d.same(must[[]store.Inbound](d)(d.lists().byMessageID("")), []store.Inbound{})
}

func pending(d *desk) {
	d.connects()
	must[store.MailboxState](d)(d.ConnectMailbox(d.ctx, d.now, "other"))
	other := d.arrival(2, func(m *store.NewInbound) { m.Mailbox = "other" })
	rows := d.records(d.arrival(3), d.arrival(1), other, d.arrival(4))
	d.decides(silent(rows[1].ID, store.KindSpam))
	d.same(must[[]store.Inbound](d)(d.lists().pending(box)), []store.Inbound{rows[0], rows[3]})
	d.same(must[[]store.Inbound](d)(d.lists().pending("other")), rows[2:3])
}
