// Package post is what every door shares that takes text and files from a form: the
// contact form, the partner's ticket page, the console, the agents' desk. It reads a
// body with bounds, cleans its texts, streams its files into the blob store, and finds
// and words the faults that no door has to know. It knows no page, no ticket and no verb
// of the store.
//
// # How a post flows
//
// A door makes a Draft whose Fields say which texts it takes and where they go, and
// hands it to Reader.Read. read.go walks the body part by part (multipart/form-data,
// RFC 7578) or pair by pair (urlencoded). Texts go into the fields, decoded from the
// encoding that they name (decode.go) and cleaned (clean.go): the store holds valid
// UTF-8 without NUL. Each file goes straight into the blob store (files.go), unless its
// name alone refuses it (endings.go) or a limit does (Config, uploads.go): a post of any
// size occupies a few buffers. What is wrong becomes a fault at its field (faults.go),
// and the reading goes on, so that one answer names all of it.
//
// The door then checks what is its own, by the checks of check.go where they fit, and
// either calls one verb of the store, with Draft.Files, Draft.Key and
// Draft.Fingerprint, or refuses (refuse.go). A refusal shows the door's page again with
// everything in it that was read; to a client that asked for JSON it is one sentence a
// field. Files that were taken before the refusal stay in the blob store, and the page
// carries signed references to them (kept.go), so that nothing is sent twice. Blobs that
// no entry names in the end are swept by the service's upkeep.
//
//	422 a fault at a field            408 the body came too slowly
//	413 a file or the body too large  409 the key was used for another content
//	415 no form, unknown encoding     429 too many posts (the door decides)
//	400 the body is cut or no form    503 no room for files, or nothing can be saved
//
// # How to add a door
//
//	type reply struct {
//		post.Draft
//		Body, Then string
//	}
//
//	func newReply() *reply {
//		r := &reply{}
//		r.Fields = []post.Field{
//			{Name: "body", Into: &r.Body, Kind: post.Text},
//			{Name: "then", Into: &r.Then},
//		}
//		return r
//	}
//
//	func (d *Desk) postReply(x *web.Exchange) error {
//		r := newReply()
//		page := func(status int) error { return d.showTicket(x, status, r) }
//		if err := d.posts.Read(x, &r.Draft); err != nil {
//			return d.posts.RefuseBody(x, &r.Draft, err, page)
//		}
//		if r.CheckMessage("body", r.Body, maxReply); r.HasFaults() {
//			return r.Refuse(x, page)
//		}
//		entry, err := d.tickets.Reply(ctx, now, store.NewReply{Body: r.Body, Files: r.Files,
//			Idempotency: r.Key, Fingerprint: r.Fingerprint(r.Body)})
//		switch {
//		case errors.Is(err, store.ErrConflict):
//			return r.RefuseRepeat(x, post.Problem{Key: "desk.fault_repeat"}, page)
//		case err != nil:
//			return r.RefuseStore(x, err, page)
//		}
//		...
//	}
//
// The route's Body is Reader.Pace, and its Crowded calls Reader.ReadBeginning. The page
// shows Draft.Sentences at its fields and Reader.FileArea in its file area; its form
// carries the fields "idempotency_key" and "lang", and "kept" for each kept file.
//
// One Reader serves all doors whose limits are the same: what they take counts together
// against the bytes of a day.
package post
