package ops

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"signpost/intake/staff"
	"signpost/intake/verdict"
	"signpost/intake/web"
	"signpost/store"
)

// heldStore reads why mail is held, and gives it up.
type heldStore interface {
	SuppressionsOf(ctx context.Context, now time.Time, address string) ([]store.Suppression, error)
	GiveUpOutbounds(ctx context.Context, now time.Time, by store.Actor, ids []store.OutboundID) ([]store.Outbound, error)
	HeldOutbounds(ctx context.Context, p store.Page) (store.List[store.Outbound], error)
}

// Hold is mail that the relay refuses for a reason of ours, as the sender sees it.
type Hold struct {
	Domain  string // whose mail it is; "" for all mail
	Since   time.Time
	Words   string // the relay's own
	Stage   string // of the dialogue at which they came
	Do      string // what mends it
	ProbeAt time.Time
}

// Relay is one trait of the relay in words.
type Relay struct{ Name, Value string }

type holdRow struct {
	What, Words, Do string
	Since, Probe    string
}

func holdRows(holds []Hold, now time.Time) (rows []holdRow) {
	for _, h := range holds {
		row := holdRow{What: "The relay refuses all our mail", Words: h.Words, Do: h.Do, Since: when(h.Since),
			Probe: "one mail is trying now"}
		if h.Domain != "" {
			row.What = "Our mail to " + h.Domain + " is refused"
		}
		row.What += fmt.Sprintf(" (at %s, for %s)", h.Stage, web.Span(now.Sub(h.Since)))
		if h.ProbeAt.After(now) {
			row.Probe = "one mail tries again in " + web.Span(h.ProbeAt.Sub(now))
		}
		rows = append(rows, row)
	}
	return rows
}

// suppressedWords say of a mail that can be tried again why it would not leave, ""
// when nothing keeps it.
func (o *Ops) suppressedWords(ctx context.Context, m store.Outbound, now time.Time) (string, error) {
	list, err := o.stores.held.SuppressionsOf(ctx, now, m.To)
	if err != nil {
		return "", err
	}
	for _, s := range list {
		if s.Scope.Stops(m.Kind) {
			words := "This address has been suppressed since " + when(s.Since)
			switch {
			case s.By != "":
				words += ", by " + s.By
			case s.Reason != "":
				words += ": " + verdict.Reason(s.Reason)
			}
			return words + ".", nil
		}
	}
	return "", nil
}

// postGiveUp ends one held mail, or all of them.
func (o *Ops) postGiveUp(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	f, ctx := x.Request.PostForm, x.Request.Context()
	n := 0
	for {
		ids, err := o.heldIDs(ctx, f.Get("id"), f.Get("all"))
		if err != nil || len(ids) == 0 {
			if err != nil {
				return err
			}
			break
		}
		ended, err := o.stores.held.GiveUpOutbounds(ctx, time.Now(), staff.ActorOf(x, who), ids)
		if err != nil {
			return err
		}
		n += len(ended)
		if f.Get("all") == "" || len(ended) == 0 || n >= retryMost {
			break
		}
	}
	if n > 0 {
		x.Log.Info("held mails given up", "request", x.ID, "mails", n, "agent", who.ID)
	}
	return x.Redirect("/ops/queue?givenup=" + strconv.Itoa(n))
}

// heldIDs are the mails that a form names.
func (o *Ops) heldIDs(ctx context.Context, id, all string) (ids []store.OutboundID, err error) {
	switch all {
	case "held":
		rows, err := store.Items(o.stores.held.HeldOutbounds(ctx, store.Page{Limit: retryBatch}))
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		return ids, err
	case "":
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return nil, &web.Fault{Status: http.StatusBadRequest, Err: err}
		}
		return []store.OutboundID{store.OutboundID(n)}, nil
	}
	return nil, &web.Fault{Status: http.StatusBadRequest, Err: errors.New("no such list of mails")}
}

func givenUpWords(n int) string {
	switch n {
	case 0:
		return "Nothing was held any more."
	case 1:
		return "One mail was given up. It is among those that failed, and can be tried again."
	}
	return fmt.Sprintf("%d mails were given up. They are among those that failed, and can be tried again.", n)
}

// leftWords say how many mails were not tried since their address is suppressed.
func leftWords(n int) string {
	if n == 1 {
		return "One mail was left alone: its address is suppressed, so it would not be sent."
	}
	return fmt.Sprintf("%d mails were left alone: their addresses are suppressed, so they would not be sent.", n)
}
