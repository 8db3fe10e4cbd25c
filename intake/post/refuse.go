package post

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// A refusal puts the fault into the draft and shows it again: on the page it came
// from, with everything in it that was read.

// Page shows a door's page again under a status, with what its draft holds.
type Page func(status int) error

// retryFull is when to come back after a disk was full.
const retryFull = 5 * time.Minute

// Answer is the page, or the faults for a client that asked for JSON.
func (d *Draft) Answer(x *web.Exchange, status int, page Page) error {
	if x.WantsJSON() {
		return x.JSON(status, d.errors(x.Lang))
	}
	return page(status)
}

// Refuse answers a draft with faults.
func (d *Draft) Refuse(x *web.Exchange, page Page) error { return d.Answer(x, d.Status(), page) }

// Switched tells a post by which a reader changes language or appearance alone: the
// page is shown again, and nothing is taken. Programs have no such buttons.
func (d *Draft) Switched(x *web.Exchange) bool { return d.Switch && !x.WantsJSON() }

// RefuseBody answers a post that Read returned an error for.
func (r *Reader) RefuseBody(x *web.Exchange, d *Draft, err error, page Page) error {
	var tooLarge *http.MaxBytesError
	var fault *web.Fault
	var unknown *charsetError
	if !errors.Is(err, web.ErrSlow) {
		r.drain(x)
	}
	switch {
	case errors.As(err, &tooLarge):
		d.AddFault(fieldFiles, Problem{
			Key: "post.body_large", Pairs: []any{"limit", text.Size(r.cfg.MaxTotal)}, tooLarge: true,
		})
		return d.Answer(x, http.StatusRequestEntityTooLarge, page)
	case errors.As(err, &unknown):
		label := CleanLine(fmt.Sprintf("%.40s", unknown.label))
		d.AddFault(fieldForm, Problem{Key: "post.fault_charset", Pairs: []any{"charset", label}})
		return d.Answer(x, http.StatusUnsupportedMediaType, page)
	case errors.Is(err, web.ErrSlow):
		d.AddFault(fieldForm, Problem{Key: "post.fault_slow"})
		return d.Answer(x, http.StatusRequestTimeout, page)
	case errors.As(err, &fault) && fault.Status == http.StatusServiceUnavailable, errors.Is(err, store.ErrFull):
		return d.RefuseStore(x, err, page)
	case errors.As(err, &fault) && fault.Status == http.StatusBadRequest:
		if !d.HasFaults() {
			d.AddFault(fieldForm, Problem{Key: "post.fault_cut"})
		}
		return d.Answer(x, http.StatusBadRequest, page)
	}
	return err
}

// drain reads the rest of a body that is refused, so that a browser which is still
// sending comes to read the answer.
func (r *Reader) drain(x *web.Exchange) { x.Drain(3*r.cfg.MaxTotal, 30*time.Second) }

// RefuseRate answers a post that may come again after wait.
func (d *Draft) RefuseRate(x *web.Exchange, wait time.Duration, page Page) error {
	x.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
	minutes := max(1, int((wait+time.Minute-1)/time.Minute))
	d.AddFault(fieldForm, Problem{Key: "post.fault_rate", Pairs: []any{"count", minutes}})
	return d.Answer(x, http.StatusTooManyRequests, page)
}

// RefuseRepeat answers a form that was taken before and came back with another
// content (store.ErrConflict): nothing is lost, and a fresh key lets it be sent anew.
// The sentence says so in the door's words.
func (d *Draft) RefuseRepeat(x *web.Exchange, repeat Problem, page Page) error {
	d.Key = ""
	d.AddFault(fieldForm, repeat)
	return d.Answer(x, http.StatusConflict, page)
}

// RefuseStore answers when nothing can be written; the log tells why.
func (d *Draft) RefuseStore(x *web.Exchange, err error, page Page) error {
	if x.Request.Context().Err() != nil {
		return err // the client has gone and reads no answer
	}
	x.Log.Error("post not taken", "request", x.ID, "err", err)
	setRetry(x)
	d.AddFault(fieldForm, Problem{Key: "post.fault_store"})
	return d.Answer(x, http.StatusServiceUnavailable, page)
}

func setRetry(x *web.Exchange) {
	x.Header().Set("Retry-After", strconv.Itoa(int(retryFull/time.Second)))
}
