package compose

import (
	"context"

	"signpost/store"
)

// Replies is where what a reply holds beside its row is read from.
type Replies interface {
	ReplyOf(ctx context.Context, id store.OutboundID, earlier int) (store.Entry, []store.Entry, error)
}

// ReadReply reads what the mail of a reply is made from. It is the same at every try. An
// error is one of replies or blobs: another try may end otherwise. A file that is gone from
// blobs makes links of all; without blobs the contents of attached files are left out.
func ReadReply(ctx context.Context, replies Replies, blobs Blobs, o store.Outbound) (Reply, error) {
	most := 0
	if o.Proven {
		most = earlierShown + 1 // one more tells that there are more
	}
	entry, earlier, err := replies.ReplyOf(ctx, o.ID, most)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Body: entry.Body, Signature: o.Text, Status: entry.Change.StatusTo, Files: entry.Files}
	for _, e := range earlier {
		r.Earlier = append(r.Earlier, Earlier{
			Author: e.Author, At: e.At, Body: e.Body, Markdown: e.Kind == store.EntryReply,
		})
	}
	if o.Attached {
		r.Attached, err = attached(ctx, blobs, entry.Files)
	}
	return r, err
}
