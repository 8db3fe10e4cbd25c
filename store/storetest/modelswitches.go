package storetest

import (
	"time"

	"signpost/store"
)

// The switches of the automatic answers, and what stands beside them on a page,
// in the model's words.

func (m *model) switchOf(box string) *store.Responder {
	if m.on[box] == nil {
		m.on[box] = &store.Responder{On: true}
	}
	return m.on[box]
}

func (m *model) switchResponder(now time.Time, s store.Switch) store.Responder {
	m.on[s.Mailbox] = &store.Responder{On: s.On, Since: now, By: s.By, Reason: s.Reason}
	if s.On && s.Mailbox == "" {
		m.watched, m.back = nil, map[store.OutboundID]bool{}
	}
	if s.On && s.Mailbox == "" && m.tripped != nil {
		key := *m.tripped
		key.Limit = 0
		delete(m.usage, key)
		m.tripped = nil
	}
	return *m.on[s.Mailbox]
}

// latest is the mail with the highest UID of the running epoch.
func (m *model) latest(box string) (store.Inbound, error) {
	var found *store.Inbound
	for _, k := range m.mails {
		if k.Mailbox == box && k.UIDValidity == m.boxes[box].UIDValidity && (found == nil || k.UID > found.UID) {
			found = k
		}
	}
	if found == nil {
		return store.Inbound{}, store.ErrNotFound
	}
	return *found, nil
}
