package form

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// receivedKept is how long the received page can be opened again.
const receivedKept = 30 * 24 * time.Hour

// receivedToken is what the received page shows, carried by its address: it
// needs no store, tells nothing of who wrote or what, opens no ticket, and may be
// shown to anybody.
type receivedToken struct {
	Number     string    `json:"n"`
	Region     string    `json:"r"`
	First      time.Time `json:"f,omitzero"`
	Suppressed bool      `json:"s,omitempty"`
	Later      bool      `json:"l,omitempty"` // the confirmation waits its turn
	Expires    int64     `json:"e"`           // Unix seconds
}

// receivedData is what the received page shows.
type receivedData struct {
	Number     string
	From       string
	FirstBy    time.Time
	Zone       *time.Location
	Suppressed bool
	Later      bool
	To         string // the address the confirmation goes to, "" on another browser
}

// cookieSent keeps, for the browser that sent the form and for one hour, which
// address the confirmation goes to: seeing it, one notices a slip of the finger.
const cookieSent = "sent"

func (f *Form) toReceived(x *web.Exchange, opened store.Opened, email string) error {
	token := f.sealed(purposeReceived, receivedToken{
		Number:     opened.Ticket.Number,
		Region:     opened.Ticket.Region,
		First:      opened.Ticket.Promise.FirstResponseBy,
		Suppressed: opened.Confirmation.State == store.StateSuppressed,
		Later:      opened.Confirmation.State == store.StateThrottled,
		Expires:    time.Now().Add(receivedKept).Unix(),
	})
	http.SetCookie(x.Writer, &http.Cookie{
		Name:     cookieSent,
		Value:    base64.RawURLEncoding.EncodeToString([]byte(opened.Ticket.Number + " " + email)),
		Path:     "/contact/received",
		MaxAge:   3600,
		HttpOnly: true,
		Secure:   x.Secure(),
		SameSite: http.SameSiteLaxMode,
	})
	return x.Redirect("/contact/received/" + token)
}

func (f *Form) showReceived(x *web.Exchange) error {
	var r receivedToken
	if !f.openSealed(purposeReceived, x.Param("token"), &r) {
		return &web.Fault{Status: http.StatusNotFound, Err: store.ErrNotFound}
	}
	if time.Now().Unix() > r.Expires {
		return &web.Fault{Status: http.StatusGone, Err: store.ErrNotFound}
	}
	x.Private()
	return f.received.Show(x, http.StatusOK, receivedData{
		Number:     r.Number,
		From:       f.regionByID(r.Region).Address,
		FirstBy:    r.First,
		Zone:       f.zone(r.Region),
		Suppressed: r.Suppressed,
		Later:      r.Later,
		To:         sentTo(x.Request, r.Number),
	})
}

// sentTo reads the cookie for the ticket of this number.
func sentTo(r *http.Request, number string) string {
	c, err := r.Cookie(cookieSent)
	if err != nil || len(c.Value) > 1000 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	of, email, _ := strings.Cut(cleanLine(string(raw)), " ")
	if of != number {
		return ""
	}
	return email
}
