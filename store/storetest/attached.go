package storetest

import "signpost/store"

// attachedFiles writes replies with files in a region that attaches 10 bytes: decided once,
// for each mail by its own address, and anew when it is sent again.
func attachedFiles(d *desk) {
	attaching := region("us", "US")
	attaching.AttachFiles = 10
	with := func(files ...int64) func(*store.NewReply) {
		return func(n *store.NewReply) {
			n.Region, n.Files, n.Undo = attaching, nil, 0
			for _, size := range files {
				f := store.File{Name: "invoice.pdf", Size: size, Type: "application/pdf", Hash: hashOf("invoice")}
				n.Files = append(n.Files, f)
			}
		}
	}
	unproven := d.opens().Ticket
	first := d.replies(unproven, with(3))
	d.ends(store.StateSent, store.Report{})
	again := func() bool {
		d.Helper()
		m := d.mailing(func(m *store.Mailing) { m.Region = attaching })
		mail := must[store.Outbound](d)(d.ResendReply(d.ctx, d.now, d.lee(), first.Mail.ID, m))
		d.same(must[store.Outbound](d)(d.Outbound(d.ctx, mail.ID)), mail)
		d.ends(store.StateSent, store.Report{})
		return mail.Attached
	}
	if first.Mail.Attached || again() {
		d.Error("files go along to an address that is not proven")
	}
	d.says(unproven, "It is me.")
	if !again() {
		d.Error("a reply sent again after the proof has no files")
	}
	if kept := must[store.Outbound](d)(d.Outbound(d.ctx, first.Mail.ID)); kept.Attached {
		d.Error("the proof changed a mail that was sent")
	}

	k, _ := d.joins(d.proves(from("bob@partner.example")), bea)
	for _, c := range []struct {
		what  string
		files []int64
		want  bool
	}{
		{"no file", nil, false},
		{"files of the size allowed", []int64{3, 7}, true},
		{"files a byte larger together", []int64{3, 8}, false},
	} {
		k = d.reads(k.ID)
		done := d.replies(k, with(c.files...), d.copies)
		copied := d.mailsTo(k.ID, bea)
		if last := copied[len(copied)-1]; done.Mail.Attached != c.want || last.Attached != c.want {
			d.Errorf("%s: attached %v, to the colleague %v", c.what, done.Mail.Attached, last.Attached)
		}
	}
	if done := d.replies(d.reads(k.ID), with(3), d.copies, attachingNone); done.Mail.Attached {
		d.Error("files go along where the region says nothing of it")
	}
}

// attachingNone lets a reply's region attach nothing.
func attachingNone(n *store.NewReply) { n.Region.AttachFiles = 0 }
