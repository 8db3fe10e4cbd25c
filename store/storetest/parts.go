package storetest

import (
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

// threadParts reads a thread from its end, part by part, with the mails of each.
func threadParts(d *desk) {
	d.connects()
	k := d.opens().Ticket
	var first, lost store.Replied
	for i := range 12 {
		switch n := d.reads(k.ID); {
		case i%3 == 0:
			done := d.replies(n)
			if i == 0 {
				first = done
			}
			lost = done
			d.pass(time.Minute)
			d.ends(store.StateSent, store.Report{})
		case i%3 == 1:
			d.says(n, fmt.Sprint("And ", i))
		default:
			must[store.Noted](d)(d.Note(d.ctx, d.now, d.lee(), store.NewNote{Ticket: k.ID, Body: fmt.Sprint("Note ", i)}))
		}
	}
	must[store.Undone](d)(d.Undo(d.ctx, d.now, d.lee(), d.replies(d.reads(k.ID)).Mail.ID))
	d.hears(failed(lost.Mail, store.OutcomeLater))
	d.hears(failed(first.Mail, store.OutcomeLater))
	for _, s := range must[[]store.Suppression](d)(d.SuppressionsOf(d.ctx, d.now, k.Requester.Email)) {
		must[store.Suppression](d)(d.ReleaseSuppression(d.ctx, d.now, store.ByService(), s.ID))
	}
	must[store.Outbound](d)(d.ResendReply(d.ctx, d.now, d.lee(), first.Mail.ID, d.mailing()))
	read := must[uint32](d)(d.ReadUpTo(d.ctx, d.lee(), k.ID))
	thread := must[store.List[store.Entry]](d)(d.Thread(d.ctx, d.lee(), k.ID, store.Page{Limit: 99})).Items
	mails := must[[]store.Outbound](d)(d.lists().mailsOf(k.ID))
	for most := 1; most <= len(thread)+1; most++ {
		before, rest := uint32(0), thread
		for len(rest) > 0 {
			part := must[store.ThreadPart](d)(d.ThreadBefore(d.ctx, d.lee(), k.ID, before, most))
			want := rest[max(0, len(rest)-most):]
			d.same(part, store.ThreadPart{
				Ticket: d.reads(k.ID), Read: read, Entries: want, Mails: mailsOfEntries(mails, want),
			})
			before, rest = want[0].Seq, rest[:len(rest)-len(want)]
		}
		if before != 1 {
			d.Fatalf("the thread begins with entry %d", before)
		}
	}
	d.shownParts(k.ID, thread, mails)
	if part := must[store.ThreadPart](d)(d.ThreadBefore(d.ctx, d.lee(), k.ID, 1, 9)); len(part.Entries) > 0 {
		d.Errorf("in front of the first entry stand %+v", part.Entries)
	}
	for _, most := range []int{0, -1, store.MaxPage + 1} {
		_, err := d.ThreadBefore(d.ctx, d.lee(), k.ID, 0, most)
		d.wantErr(err, store.ErrInvalid)
		_, err = d.ShownBefore(d.ctx, d.now, k.ID, 0, most)
		d.wantErr(err, store.ErrInvalid)
	}
	_, err := d.ShownBefore(d.ctx, d.now, 99, 0, 1)
	d.wantErr(err, store.ErrNotFound)
}

// shownParts reads what partners are shown of a thread, from its end, also while its last
// reply can be taken back.
func (d *desk) shownParts(id store.TicketID, thread []store.Entry, mails []store.Outbound) {
	d.Helper()
	shown := slices.DeleteFunc(slices.Clone(thread), func(e store.Entry) bool {
		return e.Kind != store.EntryMessage && e.Kind != store.EntryReply
	})
	for most := 1; most <= len(shown)+1; most++ {
		before, rest := uint32(0), shown
		for len(rest) > 0 {
			part := must[store.ThreadPart](d)(d.ShownBefore(d.ctx, d.now, id, before, most))
			want := rest[max(0, len(rest)-most):]
			d.same(part, store.ThreadPart{Ticket: d.reads(id), Entries: want, Mails: mailsOfEntries(mails, want)})
			before, rest = want[0].Seq, rest[:len(rest)-len(want)]
		}
	}
	last := shown[len(shown)-1].Seq
	done := d.replies(d.reads(id))
	seq := func() uint32 {
		return must[store.ThreadPart](d)(d.ShownBefore(d.ctx, d.now, id, 0, 1)).Entries[0].Seq
	}
	if got := seq(); got != last {
		d.Errorf("a reply that can be taken back is shown: entry %d", got)
	}
	d.now = done.Entry.UndoUntil
	if got := seq(); got != done.Entry.Seq {
		d.Errorf("a reply that cannot be taken back any more is not shown, but entry %d", got)
	}
}

// mailsOfEntries are those of replies and those that events tell of.
func mailsOfEntries(mails []store.Outbound, entries []store.Entry) (all []store.Outbound) {
	for _, m := range mails {
		if slices.ContainsFunc(entries, func(e store.Entry) bool {
			return e.Outbound == m.ID || e.Kind == store.EntryReply && e.Seq == m.Entry
		}) {
			all = append(all, m)
		}
	}
	return all
}
