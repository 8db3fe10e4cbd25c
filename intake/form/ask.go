package form

import (
	"errors"
	"net/http"
	"time"

	"signpost/intake/web"
)

// addressAnswer is what the page's script hears of an address while the rest of
// the form is still being written. All are "" where there is nothing to say.
type addressAnswer struct {
	Address string `json:"address"` // as it would be mailed
	Fault   string `json:"fault"`   // the sentence for its field
	Fix     string `json:"fix"`     // what was probably meant
	Sure    string `json:"sure"`    // the address to send along, for one that is to be confirmed
}

var errAsked = errors.New("too many questions about addresses from this network")

// checkAddress answers POST /contact/address with what POST /contact would say of
// the field "email".
func (f *Form) checkAddress(x *web.Exchange) error {
	now := time.Now()
	if free, wait := f.guard.asked.AllowNetworks(x.Remote(), "", now); !free {
		return &web.Fault{Status: http.StatusTooManyRequests, RetryAfter: wait, Err: errAsked}
	}
	d, err := f.read(x, false)
	if err != nil {
		return err
	}
	f.checkEmail(x.Request.Context(), d, true)
	answer := addressAnswer{Sure: d.Sure}
	for _, fault := range d.Sentences(x.Lang).At("email") {
		answer.Fault, answer.Fix = fault.Text, fault.Fix
	}
	if answer.Fault == "" || d.Sure != "" {
		answer.Address = d.Email
	}
	return x.JSON(http.StatusOK, answer)
}
