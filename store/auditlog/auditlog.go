// Package auditlog writes the audit log out as JSON lines and proves it, page by page, for
// the page that offers it and for the command line alike.
//
// What stands here: Export and its Line, and Verify. Both walk the verbs of store.Audits
// until the end; neither keeps anything. To add a field to the export, add it to Line.
package auditlog

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"signpost/store"
)

// page is how many rows one transaction reads.
const page = 200

// Line is a row of the audit log in JSON.
type Line struct {
	Line    store.AuditID    `json:"line"`
	At      time.Time        `json:"at"`
	Event   store.AuditEvent `json:"event"`
	Act     store.Act        `json:"act,omitempty"`
	Agent   store.AgentID    `json:"agent,omitempty"`
	Account string           `json:"account,omitempty"`
	Network string           `json:"network,omitempty"`
	Object  Object           `json:"object"`
	Region  string           `json:"region,omitempty"`
	Count   uint64           `json:"count,omitempty"`
	Changes []Change         `json:"changes,omitempty"`
	Key     string           `json:"key"`
	MAC     []byte           `json:"mac"`
}

// Object is what it was done to.
type Object struct {
	Kind store.ObjectKind `json:"kind"`
	ID   uint64           `json:"id,omitempty"`
	Name string           `json:"name,omitempty"`
}

// Change is one value before and after.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// End is the last line of an export: how many lines stand above, and the head of the log
// by then, to be kept elsewhere. An export without it was cut off.
type End struct {
	Lines int              `json:"lines"`
	Head  *store.AuditHead `json:"head"`
}

// LineOf is a row as a line.
func LineOf(a store.Audit) Line {
	l := Line{
		Line: a.ID, At: a.At, Event: a.Event, Act: a.Act, Agent: a.Agent, Account: a.Account, Network: a.Network,
		Object: Object(a.Object), Region: a.Region, Count: a.Count, Key: a.Key, MAC: a.MAC,
	}
	for _, c := range a.Changes {
		l.Changes = append(l.Changes, Change(c))
	}
	return l
}

// Lister lists the audit log.
type Lister interface {
	ListAudits(
		ctx context.Context, by store.Actor, q store.AuditQuery, p store.Page,
	) (store.List[store.Audit], error)
	AuditHead(ctx context.Context) (store.AuditHead, error)
}

// Export writes the rows that q wants, of those that the actor sees, as one JSON line each
// and an End. It returns how many rows it wrote.
func Export(ctx context.Context, to io.Writer, log Lister, by store.Actor, q store.AuditQuery) (rows int, err error) {
	out := json.NewEncoder(to)
	list := func(p store.Page) (store.List[store.Audit], error) { return log.ListAudits(ctx, by, q, p) }
	for a, err := range store.All(page, list) {
		if err != nil {
			return rows, err
		}
		if err := out.Encode(LineOf(a)); err != nil {
			return rows, err
		}
		rows++
	}
	end := End{Lines: rows}
	switch head, err := log.AuditHead(ctx); {
	case err == nil:
		end.Head = &head
	case !errors.Is(err, store.ErrNotFound):
		return rows, err
	}
	return rows, out.Encode(end)
}

// Prover proves the audit log.
type Prover interface {
	VerifyAudits(ctx context.Context, after store.AuditHead, limit int) (store.AuditRun, error)
}

// Verify proves the whole log, up to the first fault. Rows may be added meanwhile.
func Verify(ctx context.Context, log Prover) (all store.AuditRun, err error) {
	for !all.End && all.Broken == nil {
		run, err := log.VerifyAudits(ctx, all.Head, page)
		if err != nil {
			return all, err
		}
		run.Lines += all.Lines
		all = run
	}
	return all, nil
}
