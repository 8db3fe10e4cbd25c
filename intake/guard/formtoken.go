package guard

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The reasons for which a form's token is not accepted. None may cost the
// partner what they typed: show the form again, filled in, with a new token.
var (
	// ErrForged: the token was not made here, or was changed on the way.
	ErrForged = errors.New("not signed by this server")
	// ErrExpired: it was made too long ago.
	ErrExpired = errors.New("expired")
)

// TooFastError: the form came back sooner than a person can fill it in.
type TooFastError struct{ Wait time.Duration }

func (e *TooFastError) Error() string { return fmt.Sprintf("filled in too fast, by %v", e.Wait) }

// Signer makes tokens that carry a payload for one purpose, safe in a URL and an
// attribute, and reads back its own alone; *ident.Ring does.
type Signer interface {
	Sign(purpose string, payload []byte) string
	Verify(purpose, token string) (payload []byte, ok bool)
}

// Opened dates forms: a signed token within the form says when it was opened. It
// is safe for concurrent use.
type Opened struct {
	signer      Signer
	least, most time.Duration
}

const purposeOpened = "form-opened"

// NewOpened accepts forms that come back not before least (0: at once) and not
// after most since they were opened.
func NewOpened(signer Signer, least, most time.Duration) *Opened {
	return &Opened{signer: signer, least: least, most: most}
}

// Token is what a form opened now carries.
func (o *Opened) Token(now time.Time) string {
	return o.signer.Sign(purposeOpened, strconv.AppendInt(nil, now.UnixMilli(), 10))
}

// Check tells whether the form may be taken now: ErrForged, ErrExpired,
// *TooFastError or nil. One token serves any number of posts, so a refused post
// can be sent again. A token from the future was signed here before the clock
// was set back, and is accepted.
func (o *Opened) Check(token string, now time.Time) error {
	payload, ok := o.signer.Verify(purposeOpened, token)
	if !ok {
		return ErrForged
	}
	ms, err := strconv.ParseInt(string(payload), 10, 64)
	if err != nil {
		return ErrForged
	}
	age := now.Sub(time.UnixMilli(ms))
	switch {
	case age > o.most:
		return ErrExpired
	case age >= 0 && age < o.least:
		return &TooFastError{Wait: o.least - age}
	}
	return nil
}
