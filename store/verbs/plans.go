package verbs

import (
	"signpost/store"
	"signpost/store/engine"
)

// What the commonest verbs know beforehand of the rows they will read: those whose
// keys follow from what they were given. What they find by walking, or by what a first
// row says, is not here.

func (o opening) plan() engine.Plan {
	return engine.Plan{Size: len(o.entry), Reads: func() []engine.Row {
		rows := blobReads(o.Files)
		if o.Idempotency != "" {
			rows = append(rows, engine.Row{Bucket: bPosts, Key: o.key[:]})
		}
		rows = append(rows,
			engine.Row{Bucket: bLinks, Key: o.Link[:]},
			engine.Row{Bucket: bCounts, Key: append([]byte{countNumber}, numberPrefix(o.Region.Prefix)...)},
			engine.Row{Bucket: bCounts, Key: append([]byte{countTicket}, o.Region.ID...)},
		)
		for _, scope := range store.Scopes() {
			if scope.Stops(store.MailConfirmation) {
				key := suppressionKey(o.Requester.Email, scope)
				rows = append(rows, engine.Row{Bucket: bSuppressions, Key: key[:]})
			}
		}
		return rows
	}}
}

func planOfMessage(m store.NewMessage) engine.Plan {
	return engine.Plan{Size: len(m.Body), Reads: func() []engine.Row {
		key := messageKey(m)
		return append(blobReads(m.Files),
			engine.Row{Bucket: bLinks, Key: m.Link[:]},
			engine.Row{Bucket: bPosts, Key: key[:]},
		)
	}}
}

func planOfFinish(f store.Finish) engine.Plan {
	return engine.Plan{Reads: func() []engine.Row {
		return []engine.Row{{Bucket: bOutbounds, Key: u64(uint64(f.ID))}}
	}}
}

// blobReads are the rows that count who names the files.
func blobReads(files []store.File) []engine.Row {
	var rows []engine.Row
	for _, f := range files {
		if key, ok := blobKey(f.Hash); ok {
			rows = append(rows, engine.Row{Bucket: bBlobs, Key: key})
		}
	}
	return rows
}
