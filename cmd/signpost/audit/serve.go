package audit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"signpost/cmd/signpost/control"
	"signpost/store"
	"signpost/store/auditlog"
)

type exportRequest struct {
	By    string           `json:"by"`
	Who   string           `json:"who"`
	Event store.AuditEvent `json:"event"`
	Since time.Time        `json:"since"`
	Until time.Time        `json:"until"`
}

type verifyRequest struct {
	Head *store.AuditHead `json:"head"`
}

type eraseRequest struct {
	By    string   `json:"by"`
	Names []string `json:"names"`
}

// verified is what a verification found.
type verified struct {
	Lines   uint64            `json:"lines"`
	Dropped store.AuditStub   `json:"dropped"`
	Broken  *store.AuditFault `json:"broken"`
	Head    *store.AuditFault `json:"head"` // why a kept head is not proven
}

// Router takes routes as http.ServeMux does.
type Router interface {
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// Mount offers the log on a control socket.
func Mount(mux Router, log store.Audits, errors *slog.Logger) {
	mux.HandleFunc("POST /audit/export", func(w http.ResponseWriter, r *http.Request) {
		export(w, r, log, errors)
	})
	mux.HandleFunc("POST /audit/head", func(w http.ResponseWriter, r *http.Request) {
		control.Answer(w, r, nil, func() (any, error) { return log.AuditHead(r.Context()) })
	})
	mux.HandleFunc("POST /audit/verify", func(w http.ResponseWriter, r *http.Request) {
		var ask verifyRequest
		control.Answer(w, r, &ask, func() (any, error) { return verify(r, log, ask) })
	})
	mux.HandleFunc("POST /audit/erase", func(w http.ResponseWriter, r *http.Request) {
		var ask eraseRequest
		control.Answer(w, r, &ask, func() (any, error) {
			return log.ErasePerson(r.Context(), time.Now(), store.ByCommandLine(ask.By), ask.Names)
		})
	})
}

// export writes the lines as they are read: an answer that ends without an End was cut off.
func export(w http.ResponseWriter, r *http.Request, log store.Audits, errors *slog.Logger) {
	var ask exportRequest
	if !control.Read(w, r, &ask) {
		return
	}
	by := store.ByCommandLine(ask.By)
	err := log.RecordAct(r.Context(), time.Now(), by, store.AuditExported, store.Object{Kind: store.ObjectAudit})
	if err != nil {
		control.Answer(w, r, nil, func() (any, error) { return nil, err })
		return
	}
	q := store.AuditQuery{Account: ask.Who, Event: ask.Event, Since: ask.Since, Until: ask.Until, Oldest: true}
	if _, err := auditlog.Export(r.Context(), w, log, by, q); err != nil {
		errors.Warn("an export of the audit log was cut off", "error", err)
	}
}

func verify(r *http.Request, log store.Audits, ask verifyRequest) (v verified, err error) {
	run, err := auditlog.Verify(r.Context(), log)
	if err == nil && ask.Head != nil {
		v.Head, err = log.ProveAuditHead(r.Context(), *ask.Head)
	}
	v.Lines, v.Dropped, v.Broken = run.Lines, run.Dropped, run.Broken
	return v, err
}

// tell says what was found; an error where the log is not as it was written.
func (v verified) tell(to io.Writer, head *store.AuditHead) error {
	if d := v.Dropped; d.Count > 0 {
		fmt.Fprintf(to, "%d lines, %d to %d, were dropped by age; the last was of %s.\n", d.Count, d.First, d.Last,
			d.Until.Format(time.RFC3339))
	}
	if v.Broken != nil && v.Broken.ID == 0 {
		return errors.New("the audit log is not as it was written: " + v.Broken.Why)
	}
	if v.Broken != nil {
		return fmt.Errorf("the audit log is not as it was written, first at line %d: %s", v.Broken.ID, v.Broken.Why)
	}
	if v.Head != nil {
		return fmt.Errorf("the audit log does not hold all that it held at line %d: %s", v.Head.ID, v.Head.Why)
	}
	fmt.Fprintf(to, "The audit log is whole: %d lines.\n", v.Lines)
	if head != nil {
		fmt.Fprintf(to, "It holds all that it held at line %d.\n", head.ID)
	}
	return nil
}
