package watch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"signpost/store"
)

// memory keeps the promises of store.Ledger that the watcher relies on.
type memory struct {
	mu    sync.Mutex
	state map[string]store.MailboxState
	rows  []store.Inbound
	raw   map[store.InboundID][]byte
	outs  []store.Outbound
	last  map[string]time.Time
	// hook runs before each verb; its error is the verb's.
	hook func(verb string) error
}

func newMemory() *memory {
	return &memory{state: map[string]store.MailboxState{}, raw: map[store.InboundID][]byte{}, last: map[string]time.Time{}}
}

func (m *memory) begin(verb string) (func(), error) {
	if m.hook != nil {
		if err := m.hook(verb); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	return m.mu.Unlock, nil
}

func (m *memory) ConnectMailbox(_ context.Context, now time.Time, box string) (store.MailboxState, error) {
	end, err := m.begin("connect")
	if err != nil {
		return store.MailboxState{}, err
	}
	defer end()
	if _, ok := m.state[box]; !ok {
		m.state[box] = store.MailboxState{Mailbox: box, ConnectedAt: now}
	}
	return m.state[box], nil
}

func (m *memory) BeginEpoch(_ context.Context, _ time.Time, box string, validity uint32) (store.MailboxState, error) {
	end, err := m.begin("epoch")
	if err != nil {
		return store.MailboxState{}, err
	}
	defer end()
	s := m.state[box]
	s.UIDValidity, s.UID = validity, 0
	m.state[box] = s
	return s, nil
}

func (m *memory) RecordInbound(_ context.Context, now time.Time, mails []store.NewInbound) ([]store.Inbound, error) {
	end, err := m.begin("record")
	if err != nil {
		return nil, err
	}
	defer end()
	var out []store.Inbound
	for _, n := range mails {
		i := slices.IndexFunc(m.rows, func(r store.Inbound) bool {
			return r.UIDValidity == n.UIDValidity && r.UID == n.UID || r.UIDValidity != n.UIDValidity && r.Hash == n.Hash
		})
		if i < 0 {
			i = len(m.rows)
			m.rows = append(m.rows, store.Inbound{ID: store.InboundID(i + 1), Mailbox: n.Mailbox, InternalDate: n.InternalDate, SeenAt: now, Size: n.Size,
				Hash: n.Hash, MessageID: n.MessageID, From: n.From, Subject: n.Subject, Blob: n.Blob, Truncated: n.Truncated, State: store.InboundStored})
			m.raw[store.InboundID(i+1)] = n.Raw
		}
		m.rows[i].UIDValidity, m.rows[i].UID = n.UIDValidity, n.UID
		out = append(out, m.rows[i])
	}
	return out, nil
}

func (m *memory) advance(box string, validity, uid uint32) {
	if s := m.state[box]; s.UIDValidity == validity && uid > s.UID {
		s.UID = uid
		m.state[box] = s
	}
}

func (m *memory) DecideInbound(_ context.Context, now time.Time, ds []store.Decision) ([]store.Inbound, error) {
	end, err := m.begin("decide")
	if err != nil {
		return nil, err
	}
	defer end()
	var out []store.Inbound
	for _, d := range ds {
		row := &m.rows[d.ID-1]
		m.advance(row.Mailbox, row.UIDValidity, row.UID)
		if row.State == store.InboundStored {
			row.State, row.DecidedAt, row.Verdict = store.InboundDecided, now, d.Verdict
			m.reserve(now, row, d)
		}
		out = append(out, *row)
	}
	return out, nil
}

func (m *memory) reserve(now time.Time, row *store.Inbound, d store.Decision) {
	if !d.Verdict.Answer || d.Answer == nil {
		return
	}
	rule := ""
	if at, ok := m.last[d.Limits.Sender]; ok && now.Sub(at) < d.Limits.Period {
		rule = store.RuleAnswered
	}
	if row.InternalDate.Before(m.state[row.Mailbox].ConnectedAt) {
		rule = store.RuleConnected
	}
	if rule != "" {
		row.Verdict.Answer = false
		row.Verdict.Rules = append(slices.Clip(row.Verdict.Rules), store.Rule{ID: rule, Effect: store.EffectStop})
		return
	}
	m.last[d.Limits.Sender] = now
	answer := *d.Answer
	answer.ID, answer.State, answer.QueuedAt = store.OutboundID(len(m.outs)+1), store.StateQueued, now
	m.outs = append(m.outs, answer)
	row.Answer = answer.ID
}

func (m *memory) SkipTo(_ context.Context, box string, validity, uid uint32) error {
	end, err := m.begin("skip")
	if err != nil {
		return err
	}
	defer end()
	m.advance(box, validity, uid)
	return nil
}

func (m *memory) QuarantineInbound(_ context.Context, _ time.Time, id store.InboundID, reason string) (store.Inbound, error) {
	end, err := m.begin("quarantine")
	if err != nil {
		return store.Inbound{}, err
	}
	defer end()
	row := &m.rows[id-1]
	if row.Attempts++; row.Attempts >= 3 {
		row.State, row.Fault = store.InboundQuarantined, reason
		m.advance(row.Mailbox, row.UIDValidity, row.UID)
	}
	return *row, nil
}

func (m *memory) RawInbound(_ context.Context, id store.InboundID) ([]byte, error) {
	end, err := m.begin("raw")
	if err != nil {
		return nil, err
	}
	defer end()
	return m.raw[id], nil
}

func (m *memory) InboundByUID(_ context.Context, box string, validity, uid uint32) (store.Inbound, error) {
	end, err := m.begin("by-uid")
	if err != nil {
		return store.Inbound{}, err
	}
	defer end()
	for _, r := range m.rows {
		if r.Mailbox == box && r.UIDValidity == validity && r.UID == uid {
			return r, nil
		}
	}
	return store.Inbound{}, fmt.Errorf("inbound by uid %d: %w", uid, store.ErrNotFound)
}

func (m *memory) PendingInbound(_ context.Context, box string, limit int) ([]store.Inbound, error) {
	end, err := m.begin("pending")
	if err != nil {
		return nil, err
	}
	defer end()
	var out []store.Inbound
	for _, r := range m.rows {
		if r.Mailbox == box && r.State == store.InboundStored && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) ledger() []store.Inbound {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rows)
}

func (m *memory) outbox() []store.Outbound {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.outs)
}
