package verbs

import (
	"context"
	"errors"
	"slices"
	"time"

	"signpost/store"
)

// Drafts of replies and notes, one row for each ticket, agent and kind. What a draft
// names of the blob store is counted as an entry's.

type draftRecord struct {
	Body     []byte          `cbor:"1,keyasint"` // a text (codec.go)
	Files    []fileRecord    `cbor:"2,keyasint,omitempty"`
	Then     string          `cbor:"3,keyasint,omitempty"`
	Version  uint32          `cbor:"4,keyasint,omitempty"`
	Mentions []store.AgentID `cbor:"5,keyasint,omitempty"`
	Saved    int64           `cbor:"6,keyasint"`
}

// Kinds of draft as keys hold them.
const (
	draftOfReply = 'r'
	draftOfNote  = 'n'
)

func draftKey(id store.TicketID, agent store.AgentID, kind store.EntryKind) []byte {
	mark := byte(draftOfReply)
	if kind == store.EntryNote {
		mark = draftOfNote
	}
	return append(pair64(uint64(id), uint64(agent)), mark)
}

func (t *txn) draft(key []byte) (d store.Draft, err error) {
	var r draftRecord
	if err := t.record(bDrafts, key, &r); err != nil {
		return d, err
	}
	body, err := t.codec.unpack(r.Body)
	d = store.Draft{
		Ticket: store.TicketID(readU64(key)), Kind: store.EntryReply, Body: string(body), Then: store.Status(r.Then),
		Version: r.Version, Mentions: r.Mentions, SavedAt: instant(r.Saved),
	}
	if key[16] == draftOfNote {
		d.Kind = store.EntryNote
	}
	for _, f := range r.Files {
		d.Files = append(d.Files, store.File{Name: f.Name, Size: f.Size, Type: f.Type, Hash: blobHash(f.Hash)})
	}
	return d, err
}

// putDraft writes a draft in the place of the one there is.
func (t *txn) putDraft(agent store.AgentID, d store.Draft) error {
	key := draftKey(d.Ticket, agent, d.Kind)
	was, err := t.draft(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := t.moveReferences(was.Files, d.Files); err != nil {
		return err
	}
	r := draftRecord{
		Body: t.codec.text([]byte(d.Body)), Then: string(d.Then), Version: d.Version, Mentions: d.Mentions,
		Saved: micros(d.SavedAt),
	}
	for _, f := range d.Files {
		hash, _ := blobKey(f.Hash)
		r.Files = append(r.Files, fileRecord{f.Name, f.Size, f.Type, hash})
	}
	return t.putRecord(bDrafts, key, &r)
}

func (t *txn) dropDraft(key []byte) error {
	d, err := t.draft(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.moveReferences(d.Files, nil); err != nil {
		return err
	}
	return t.delete(bDrafts, key)
}

// restoreDraft makes a reply that was taken back a draft again, in front of what was
// begun since.
func (t *txn) restoreDraft(agent store.AgentID, d store.Draft) (store.Draft, error) {
	since, err := t.draft(draftKey(d.Ticket, agent, d.Kind))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	if since.Body != "" {
		d.Body += "\n\n" + since.Body
	}
	d.Files = slices.Concat(d.Files, since.Files)
	if len(d.Body) > store.MaxBody || len(d.Files) > store.MaxFiles {
		return d, invalid("the reply and what was begun since are too long together")
	}
	return d, t.putDraft(agent, d)
}

func checkDraft(by store.Actor, kind store.EntryKind) error {
	if by.Agent == 0 {
		return invalid("a draft is an agent's")
	}
	if kind != store.EntryReply && kind != store.EntryNote {
		return invalid("a draft is of a reply or a note")
	}
	return nil
}

// SaveDraft implements store.Desk.
func (s *Store) SaveDraft(ctx context.Context, now time.Time, by store.Actor, d store.Draft) error {
	d.SavedAt = store.Instant(now)
	err := errors.Join(checkDraft(by, d.Kind), checkWords(d.Body, d.Files))
	if err == nil && (len(d.Then) > store.MaxName || len(d.Mentions) > store.MaxMentions) {
		err = invalid("its status or its mentions are too long")
	}
	if err == nil {
		err = s.act(ctx, deed{d.SavedAt, by, store.ActAnswerTicket, ticketID(d.Ticket)}, len(d.Body), func(t *txn) error {
			if _, err := t.deskTicket(by, store.ActAnswerTicket, d.Ticket); err != nil {
				return err
			}
			return t.putDraft(by.Agent, d)
		})
	}
	return wrap("save draft on ticket", d.Ticket, err)
}

// Draft implements store.Desk.
func (s *Store) Draft(
	ctx context.Context, by store.Actor, id store.TicketID, kind store.EntryKind,
) (d store.Draft, err error) {
	if err = checkDraft(by, kind); err == nil {
		err = s.read(ctx, func(t *txn) (err error) {
			if _, err := t.deskTicket(by, store.ActAnswerTicket, id); err != nil {
				return err
			}
			d, err = t.draft(draftKey(id, by.Agent, kind))
			return err
		})
	}
	return d, wrap("draft on ticket", id, err)
}

// DropDraft implements store.Desk.
func (s *Store) DropDraft(ctx context.Context, by store.Actor, id store.TicketID, kind store.EntryKind) error {
	err := checkDraft(by, kind)
	if err == nil {
		err = s.act(ctx, deed{by: by, act: store.ActAnswerTicket}, 0, func(t *txn) error {
			if _, err := t.deskTicket(by, store.ActAnswerTicket, id); err != nil {
				return err
			}
			return t.dropDraft(draftKey(id, by.Agent, kind))
		})
	}
	return wrap("drop draft on ticket", id, err)
}

// drafts counts the blobs that drafts name, and checks that their tickets are there.
func (c *checker) drafts() error {
	return c.each(bDrafts, func(key, _ []byte) error {
		d, err := c.draft(key)
		if err != nil {
			return wrap("draft", key, err)
		}
		if !c.has(bTickets, key[:8]) {
			c.fault("a draft on ticket %d, which is not there", d.Ticket)
		}
		for _, f := range d.Files {
			c.counts["blob"+string(f.Hash)]++
		}
		return nil
	})
}
