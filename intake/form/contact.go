package form

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// contactData is what the form shows.
type contactData struct {
	Draft   *draft
	Faults  post.Sentences
	Regions []regionFacts
	Region  regionFacts // of the reader
	Known   bool        // the reader's country is known
	Files   post.FileArea
	Config  Config
	Most    struct{ Name, Title int } // characters, for the page's script
	Key     string
	Token   string
	Work    string // the challenge, "" when none is asked
}

func (f *Form) showContact(x *web.Exchange) error {
	x.DefaultLang(defaultLang(f.regionFor(x.GuessCountry())))
	return f.showForm(x, http.StatusOK, &draft{Country: x.Country()})
}

// showForm shows the form with whatever the draft holds.
func (f *Form) showForm(x *web.Exchange, status int, d *draft) error {
	now := time.Now()
	x.ReferrerSameOrigin() // no secret in this page's address; see there
	x.Header().Set("Cache-Control", "no-store")
	country := d.Country
	if !web.IsCountry(country) {
		country = x.Country()
	}
	data := contactData{
		Draft:  d,
		Faults: d.Sentences(x.Lang),
		Region: f.facts(x, f.regionFor(country), country, now),
		Known:  country != "",
		Files:  f.deps.Posts.FileArea(now, &d.Draft),
		Config: f.cfg,
		Key:    d.Key,
		Token:  cmp.Or(d.Token, f.guard.opened.Token(now)),
		Work:   f.guard.work.Challenge(now),
	}
	data.Most.Name, data.Most.Title = maxName, maxTitle
	for _, r := range f.deps.Regions {
		data.Regions = append(data.Regions, f.facts(x, r, "", now))
	}
	if data.Key == "" {
		data.Key = rand.Text()
	}
	return f.contact.Show(x, status, data)
}

// postContact opens a ticket, or shows the form again with everything in it.
func (f *Form) postContact(x *web.Exchange) error {
	ctx, now := x.Request.Context(), time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	d, err := f.read(x, free)
	x.UseCountry(d.Country)
	page := func(status int) error { return f.showForm(x, status, d) }
	if err != nil {
		return f.deps.Posts.RefuseBody(x, &d.Draft, err, page)
	}
	if d.Switched(x) {
		return page(http.StatusOK)
	}
	if !free {
		return d.RefuseRate(x, wait, page)
	}
	if f.check(x, d); d.HasFaults() {
		return d.Refuse(x, page)
	}
	// By address and network: a stranger may name any address, and its owner must
	// still get in from elsewhere.
	if free, wait := f.guard.sender.AllowNetworks(x.Remote(), origin.Mailbox(d.Email), now); !free {
		return d.RefuseRate(x, wait, page)
	}
	opened, region, err := f.open(ctx, time.Now(), x, d)
	if errors.Is(err, store.ErrConflict) {
		repeat := post.Problem{Key: "form.fault_repeat", Pairs: []any{"number", opened.Ticket.Number}}
		return d.RefuseRepeat(x, repeat, page)
	}
	if err != nil {
		return d.RefuseStore(x, err, page)
	}
	f.deps.Kick()
	x.Log.Info("ticket opened", "request", x.ID, "ticket", opened.Ticket.Number, "region", region.ID,
		"files", len(d.Files), "confirmation", opened.Confirmation.State, "replayed", opened.Replayed)
	return f.accepted(x, d, opened, region)
}

// open writes the ticket.
func (f *Form) open(ctx context.Context, now time.Time, x *web.Exchange, d *draft) (store.Opened, store.Region, error) {
	region := f.regionFor(d.Country)
	promise, err := f.deps.Promise(region.ID, now)
	if err != nil {
		return store.Opened{}, region, fmt.Errorf("promise: %w", err)
	}
	opened, err := f.deps.Tickets.OpenTicket(ctx, store.Instant(now), store.NewTicket{
		Region:      region,
		Channel:     store.ChannelForm,
		Requester:   store.Contact{Name: d.Name, Email: d.Email, Company: d.Company, Country: d.Country, Lang: x.Lang.Tag()},
		Category:    d.Category,
		Title:       d.Title,
		Body:        d.Description,
		Files:       d.Files,
		Promise:     promise,
		Link:        ident.NewLink(now),
		LinkExpires: store.Instant(now.Add(f.cfg.LinkKept)),
		MessageID:   f.deps.Ring.MessageID(now, store.MailConfirmation, store.Domain(region.Address)),
		Idempotency: d.onceKey(),
		Fingerprint: d.Fingerprint(d.Name, d.Email, d.Company, d.Country, d.Category, d.Title, d.Description),
		Budgets:     f.budgets(d.Email, x.Remote()),
		Network:     origin.Widest(x.Remote()).String(),
	})
	return opened, region, err
}

// onceKey is the key by which repeated posts fold. The form's own is random; that
// of a script is bound to the address, since two scripts may well both count from
// 1 and neither must hear that its request came before.
func (d *draft) onceKey() string {
	if d.Key == "" || d.Token != "" {
		return d.Key
	}
	sum := sha256.Sum256([]byte(store.AnswerKey(d.Email) + "\n" + d.Key))
	return hex.EncodeToString(sum[:])
}

// receipt is the answer to a client that asked for JSON.
type receipt struct {
	Number  string `json:"number"`
	Region  string `json:"region"`
	From    string `json:"from"`
	Promise struct {
		FirstResponseBy time.Time `json:"first_response_by,omitzero"`
		ResolutionBy    time.Time `json:"resolution_by,omitzero"`
	} `json:"promise"`
	// Confirmation is what becomes of the confirmation, where it is not just sent,
	// and Notice says so to the requester.
	Confirmation mailState `json:"confirmation,omitempty"`
	Notice       string    `json:"notice,omitempty"`
}

func (f *Form) receiptOf(x *web.Exchange, opened store.Opened, region store.Region) receipt {
	r := receipt{Number: opened.Ticket.Number, Region: opened.Ticket.Region, From: region.Address}
	state := mailStateOf(time.Now(), opened.Ticket, opened.Confirmation)
	if state != mailComing {
		r.Confirmation, r.Notice = state, x.Lang.T("form.state_"+string(state)+"_text")
	}
	if state != mailBack { // no answer would arrive by then
		r.Promise.FirstResponseBy = opened.Ticket.Promise.FirstResponseBy
		r.Promise.ResolutionBy = opened.Ticket.Promise.ResolutionBy
	}
	return r
}

func (f *Form) accepted(x *web.Exchange, d *draft, opened store.Opened, region store.Region) error {
	if x.WantsJSON() {
		x.Header().Set("Location", f.receivedPage(x, opened)) // where another address may be given
		return x.JSON(http.StatusCreated, f.receiptOf(x, opened, region))
	}
	return x.Redirect(f.receivedPage(x, opened))
}
