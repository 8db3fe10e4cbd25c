package ops

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// mailStore reads one mail of the ledger, its raw text and its answer.
type mailStore interface {
	Inbound(ctx context.Context, id store.InboundID) (store.Inbound, error)
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
	RawInbound(ctx context.Context, id store.InboundID) ([]byte, error)
}

type mailData struct {
	ID                           uint64
	Row                          ledgerRow
	Internal, Seen, Decided      string // instants, "" for not yet
	UIDs, Size, MessageID, Fault string
	Truncated, RawDropped        bool
	Answered                     *sentMail
	Outcome                      string
	Rules                        []verdict.Rule
	Reports                      []verdict.Report
}

// sentMail is the automatic answer and where it stands.
type sentMail struct {
	To, State, Reply string
}

// mailOf finds the mail that the address names.
func (o *Ops) mailOf(x *web.Exchange) (store.Inbound, error) {
	id, err := strconv.ParseUint(x.Param("id"), 10, 64)
	if err != nil {
		return store.Inbound{}, store.ErrNotFound
	}
	return o.stores.mail.Inbound(x.Request.Context(), store.InboundID(id))
}

func (o *Ops) showMail(x *web.Exchange, who store.Agent) error {
	m, err := o.mailOf(x)
	if err != nil {
		return err
	}
	d := mailData{
		ID: uint64(m.ID), Row: rowOf(m),
		Internal: exactly(m.InternalDate), Seen: exactly(m.SeenAt), Decided: exactly(m.DecidedAt),
		UIDs: fmt.Sprintf("UID %d of epoch %d", m.UID, m.UIDValidity), Size: bytesInWords(m.Size),
		MessageID: m.MessageID, Fault: m.Fault, Truncated: m.Truncated, RawDropped: m.RawDropped,
		Reports: verdict.Reports(m.Verdict.Reports), Rules: verdict.Rules(m.Verdict.Rules), Outcome: verdict.Sentence(m),
	}
	if m.Answer != 0 {
		answer, err := o.stores.mail.Outbound(x.Request.Context(), m.Answer)
		if err != nil {
			return err
		}
		d.Answered, d.Outcome = &sentMail{answer.To, string(answer.State), answer.Reply}, verdict.Answered(answer)
	}
	return o.mail.Show(x, http.StatusOK, d)
}

func bytesInWords(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// raw opens the mail as it was fetched.
func (o *Ops) raw(ctx context.Context, m store.Inbound) (io.ReadCloser, error) {
	if m.Blob != "" {
		file, _, err := o.deps.Blobs.Open(ctx, m.Blob)
		return file, err
	}
	text, err := o.stores.mail.RawInbound(ctx, m.ID)
	return io.NopCloser(bytes.NewReader(text)), err
}

// downloadTime is what a large mail may take on a slow line.
const downloadTime = 10 * time.Minute

func (o *Ops) downloadRaw(x *web.Exchange, who store.Agent) error {
	m, err := o.mailOf(x)
	if err != nil {
		return err
	}
	mail, err := o.raw(x.Request.Context(), m)
	if err != nil {
		return err
	}
	defer mail.Close()
	if err := o.recordRead(x, who, m); err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", "application/octet-stream") // a browser must not show it
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="mail-%d.eml"`, m.ID))
	x.Policy("sandbox", "")
	x.SetDeadline(downloadTime)
	x.Writer.WriteHeader(http.StatusOK)
	if _, err := io.Copy(x.Writer, mail); err != nil {
		x.Log.Debug("mail cut off", "request", x.ID, "err", err)
	}
	return nil
}

// recordRead tells the audit log that a mail was read as it was sent.
func (o *Ops) recordRead(x *web.Exchange, who store.Agent, m store.Inbound) error {
	return o.stores.audit.RecordAct(x.Request.Context(), time.Now(), staff.ActorOf(x, who), store.AuditMailRead,
		store.Object{Kind: store.ObjectInbound, ID: uint64(m.ID), Name: m.Mailbox})
}

// maxCase bounds the mail that is exported as a test case.
const maxCase = 32 << 20

// downloadCase packs the mail, what was decided and what should have been: a
// case to hold triage to from then on.
func (o *Ops) downloadCase(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	should := map[string]string{
		"answer": "should have been answered", "silence": "should not have been answered",
	}[x.Request.PostForm.Get("should")]
	if should == "" {
		return &web.Fault{Status: http.StatusBadRequest, Err: errors.New("neither answer nor silence")}
	}
	m, err := o.mailOf(x)
	if err != nil {
		return err
	}
	mail, err := o.raw(x.Request.Context(), m)
	if err != nil {
		return err
	}
	defer mail.Close()
	if err := o.recordRead(x, who, m); err != nil {
		return err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	name := fmt.Sprintf("mail-%d", m.ID)
	err = errors.Join(
		pack(z, name+".eml", io.LimitReader(mail, maxCase)),
		pack(z, name+".why", strings.NewReader(why(m, should, x.Request.PostForm.Get("why")))),
		z.Close(),
	)
	if err != nil {
		return err
	}
	x.Log.Info("mail exported as a test case", "request", x.ID, "inbound", m.ID, "agent", who.ID)
	x.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.zip"`, name))
	return x.Bytes(http.StatusOK, "application/zip", out.Bytes())
}

func pack(z *zip.Writer, name string, from io.Reader) error {
	w, err := z.Create(name)
	if err == nil {
		_, err = io.Copy(w, from)
	}
	return err
}

// why is the text beside the mail of a case.
func why(m store.Inbound, should, words string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This mail %s.\n", should)
	if words = strings.TrimSpace(words); words != "" {
		fmt.Fprintf(&b, "%s\n", words)
	}
	fmt.Fprintf(&b, "\nDecided: kind %s, answered %v\n", m.Verdict.Kind, m.Answer != 0)
	for _, r := range m.Verdict.Rules {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", r.Effect, r.ID, r.Evidence)
	}
	return b.String()
}
