package form

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
)

const (
	// maxReceivedAge is how long the received page can be opened again.
	maxReceivedAge = 30 * 24 * time.Hour
	// maxSentAge is how long the browser that sent a request is shown what it sent,
	// and may give another address: long enough for a bounce to come back.
	maxSentAge = 2 * time.Hour
	// delayed is after how long a confirmation that waits is said to be late: a relay
	// takes one within seconds.
	delayed = 3 * time.Minute
)

// receivedToken is what the received page shows, carried by its address: it
// says neither who wrote nor what, and opens no ticket, so that it is no secret.
type receivedToken struct {
	Number  string    `json:"n"`
	Region  string    `json:"r"`
	First   time.Time `json:"f,omitzero"`
	State   mailState `json:"w"`
	Expires int64     `json:"e"` // Unix seconds
}

// sentToken stands in the cookie of the browser that sent a request. It is bound
// to one received page by its path and its number.
type sentToken struct {
	Ticket  store.TicketID `json:"t"`
	Number  string         `json:"n"`
	Expires int64          `json:"e"` // Unix seconds
}

const cookieSent = "sent"

// mailState is what has become of a confirmation, as its requester is told: a
// part of the keys of the sentences that say it.
type mailState string

const (
	mailComing   mailState = "coming"   // sent, or about to be
	mailLater    mailState = "later"    // it waits for room in a budget
	mailHeld     mailState = "held"     // it could not be sent yet, and is tried again
	mailMany     mailState = "many"     // its mailbox has had too many today
	mailBack     mailState = "back"     // mail to the address comes back
	mailUnwanted mailState = "unwanted" // its owner reported an earlier one
	mailFailed   mailState = "failed"   // it was not accepted
)

// mailStateOf is the state of a ticket's confirmation.
func mailStateOf(now time.Time, ticket store.Ticket, mail store.Outbound) mailState {
	suppressed := mail.State == store.StateSuppressed
	switch {
	case mail.Delivery.Fate == store.FateBounced, suppressed && ticket.Question == store.QuestionUndeliverable:
		return mailBack
	case mail.State == store.StateThrottled:
		return mailLater
	case mail.State == store.StateHeld, mail.State.Waiting() &&
		(mail.Hold.Stage != "" || now.Sub(mail.QueuedAt) > delayed):
		return mailHeld
	case suppressed && strings.HasPrefix(mail.Reason, store.RuleBudget):
		return mailMany
	case suppressed:
		return mailUnwanted
	case mail.State == store.StateFailed, mail.Delivery.Fate == store.FateRefused:
		return mailFailed
	}
	return mailComing
}

// receivedData is what the received page shows.
type receivedData struct {
	Number  string
	From    string
	FirstBy time.Time
	Zone    *time.Location
	State   mailState
	// Sent is what this browser sent; nil on another one.
	Sent *sentData
	// Of the form that gives another address; see the template "address".
	MayChange bool
	Action    string
	Draft     *draft
	Faults    post.Sentences
}

type sentData struct {
	To, Title, Body string
	Files           []string
}

// Waits tells whether the confirmation comes by itself.
func (d receivedData) Waits() bool { return d.State == mailLater || d.State == mailHeld }

// Calm tells whether the reader need not do anything.
func (d receivedData) Calm() bool { return d.State == mailComing || d.Waits() }

// Bad tells whether the reader has to act.
func (d receivedData) Bad() bool { return d.State == mailBack || d.State == mailFailed }

// receivedPage is the address of the received page, on which this browser alone is let
// see what it sent.
func (f *Form) receivedPage(x *web.Exchange, opened store.Opened) string {
	now := time.Now()
	to := "/contact/received/" + guard.Seal(f.deps.Ring, purposeReceived, receivedToken{
		Number:  opened.Ticket.Number,
		Region:  opened.Ticket.Region,
		First:   opened.Ticket.Promise.FirstResponseBy,
		State:   mailStateOf(now, opened.Ticket, opened.Confirmation),
		Expires: now.Add(maxReceivedAge).Unix(),
	})
	http.SetCookie(x.Writer, &http.Cookie{
		Name: cookieSent,
		Value: guard.Seal(f.deps.Ring, purposeSent, sentToken{
			Ticket: opened.Ticket.ID, Number: opened.Ticket.Number, Expires: now.Add(maxSentAge).Unix(),
		}),
		Path:     to,
		MaxAge:   int(maxSentAge / time.Second),
		HttpOnly: true,
		Secure:   x.Secure(),
		SameSite: http.SameSiteLaxMode,
	})
	return to
}

func (f *Form) showReceived(x *web.Exchange) error {
	r, err := f.openReceived(x)
	if err != nil {
		return err
	}
	return f.showSent(x, http.StatusOK, r, &draft{})
}

// openReceived reads the token of the page's address.
func (f *Form) openReceived(x *web.Exchange) (r receivedToken, err error) {
	switch {
	case !guard.Unseal(f.deps.Ring, purposeReceived, x.Param("token"), &r):
		return r, &web.Fault{Status: http.StatusNotFound, Err: store.ErrNotFound}
	case time.Now().Unix() > r.Expires:
		return r, &web.Fault{Status: http.StatusGone, Err: store.ErrNotFound}
	}
	return r, nil
}

// showSent shows the received page: to the browser that sent the request, with
// what it sent and how its confirmation stands by now.
func (f *Form) showSent(x *web.Exchange, status int, r receivedToken, d *draft) error {
	x.Private()
	x.ReferrerSameOrigin() // no secret in this page's address; see there
	data := receivedData{
		Number:  r.Number,
		From:    f.regionByID(r.Region).Address,
		FirstBy: r.First,
		Zone:    f.zone(r.Region),
		State:   r.State,
		Action:  "/contact/received/" + x.Param("token") + "/address",
		Draft:   d,
		Faults:  d.Sentences(x.Lang),
	}
	if id, ok := f.sentBy(x.Request, r.Number); ok {
		if err := f.addSent(x, id, &data); err != nil {
			return err
		}
	}
	return f.received.Show(x, status, data)
}

// sentBy tells which ticket of this number the browser sent, from its cookie.
func (f *Form) sentBy(r *http.Request, number string) (store.TicketID, bool) {
	c, err := r.Cookie(cookieSent)
	if err != nil {
		return 0, false
	}
	var sent sentToken
	ok := guard.Unseal(f.deps.Ring, purposeSent, c.Value, &sent)
	return sent.Ticket, ok && sent.Number == number && time.Now().Unix() <= sent.Expires
}

// addSent adds what the browser sent. Of the thread it is shown the first message
// alone, its own: support's answers are for a proven address.
func (f *Form) addSent(x *web.Exchange, id store.TicketID, data *receivedData) error {
	ctx := x.Request.Context()
	ticket, err := f.deps.Tickets.Ticket(ctx, id)
	if err != nil {
		return err
	}
	entries, err := store.Items(f.deps.Tickets.Entries(ctx, id, 0, store.Page{Limit: messagesAtOnce}))
	if err != nil {
		return err
	}
	mails, err := store.Items(f.deps.Tickets.OutboundsOfTicket(ctx, id, store.Page{Limit: messagesAtOnce}))
	if err != nil {
		return err
	}
	data.MayChange = ticket.ProvenAt.IsZero() && ticket.Status == store.StatusOpen && ticket.Replies == 0
	data.Sent = &sentData{To: ticket.Requester.Email, Title: ticket.Title}
	if len(entries) > 0 && entries[0].Kind == store.EntryMessage {
		data.Sent.Body = entries[0].Body
		for _, file := range entries[0].Files {
			data.Sent.Files = append(data.Sent.Files, file.Name)
		}
	}
	for _, mail := range slices.Backward(mails) {
		if mail.Kind == store.MailConfirmation {
			data.State = mailStateOf(time.Now(), ticket, mail)
			break
		}
	}
	return nil
}
