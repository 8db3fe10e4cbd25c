package outbox

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"signpost/store"
	"signpost/store/origin"
)

// memory is an outbox that keeps the contract of store.Outbox in a map.
type memory struct {
	mu     sync.Mutex
	rows   map[store.OutboundID]*store.Outbound
	claims int   // calls of ClaimOutbound
	fault  error // what FinishOutbound fails with, while it is set
}

func newMemory() *memory { return &memory{rows: map[store.OutboundID]*store.Outbound{}} }

// add queues a mail.
func (m *memory) add(kind store.OutboundKind, to string) store.OutboundID {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := store.OutboundID(len(m.rows) + 1)
	now := store.Instant(time.Now())
	m.rows[id] = &store.Outbound{
		ID: id, Kind: kind, To: to, From: "support@desk.example", MessageID: fmt.Sprintf("m%d@desk.example", id),
		QueuedAt: now, DueAt: now, State: store.StateQueued,
	}
	return id
}

func (m *memory) get(id store.OutboundID) store.Outbound {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.rows[id]
}

// claimed is how often rows were claimed.
func (m *memory) claimed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claims
}

// count counts the rows in a state.
func (m *memory) count(state store.OutboundState) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if r.State == state {
			n++
		}
	}
	return n
}

func (m *memory) waiting() []*store.Outbound {
	var due []*store.Outbound
	for _, r := range m.rows {
		if r.State.Waiting() {
			due = append(due, r)
		}
	}
	sort.Slice(due, func(i, j int) bool {
		if due[i].DueAt.Equal(due[j].DueAt) {
			return due[i].ID < due[j].ID
		}
		return due[i].DueAt.Before(due[j].DueAt)
	})
	return due
}

func (m *memory) ClaimOutbound(_ context.Context, now time.Time, c store.Claim) ([]store.Outbound, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	waiting := m.waiting()
	leased := map[string]int{}
	for _, r := range waiting {
		if r.State == store.StateClaimed && r.DueAt.After(now) {
			leased[store.Domain(r.To)]++
		}
	}
	var out []store.Outbound
	for _, r := range waiting {
		domain := store.Domain(r.To)
		if len(out) == c.Limit || r.DueAt.After(now) {
			break
		}
		if to := origin.Organisation(r.To); c.Only != "" && c.Only != to || slices.Contains(c.Except, to) {
			continue
		}
		if c.PerDomain > 0 && leased[domain] >= c.PerDomain {
			continue
		}
		if r.State == store.StateClaimed && r.Kind == store.MailAutoResponse {
			r.State = store.StateUnknown
			continue
		}
		leased[domain]++
		r.Attempts++
		r.State, r.Claim = store.StateClaimed, uint64(m.claims)
		r.DueAt = store.Instant(now.Add(c.Lease.Of(r.Attempts)))
		out = append(out, *r)
	}
	return out, nil
}

func (m *memory) FinishOutbound(_ context.Context, now time.Time, f store.Finish) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return m.fault
	}
	r := m.rows[f.ID]
	if r == nil || r.State != store.StateClaimed || r.Claim != f.Claim {
		return fmt.Errorf("finish outbound %d: %w", f.ID, store.ErrConflict)
	}
	r.State, r.Claim, r.DueAt = f.State, 0, store.Instant(f.DueAt)
	r.Reply, r.Code, r.Enhanced = f.Reply, f.Code, f.Enhanced
	r.Hold.Stage = f.Hold
	if f.State == store.StateHeld {
		if r.Hold.Last = store.Instant(now); r.Hold.Since.IsZero() {
			r.Hold.Since = r.Hold.Last
		}
	}
	if !f.State.Waiting() {
		r.DoneAt = store.Instant(now)
	}
	return nil
}

func (m *memory) RetryOutbounds(_ context.Context, now time.Time, _ store.Actor, r store.Retry) (done store.Retried,
	_ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range r.IDs {
		if row := m.rows[id]; row.State == store.StateHeld {
			row.DueAt = store.Instant(now)
			done.Due = append(done.Due, *row)
		}
	}
	return done, nil
}

func (m *memory) HeldOutbounds(_ context.Context, p store.Page) (held store.List[store.Outbound], _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if r.State == store.StateHeld && len(held.Items) < p.Limit {
			held.Items = append(held.Items, *r)
		}
	}
	return held, nil
}

func (m *memory) NextOutbound(context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := m.waiting()
	if len(waiting) == 0 {
		return time.Time{}, fmt.Errorf("next outbound: %w", store.ErrNotFound)
	}
	return waiting[0].DueAt, nil
}
