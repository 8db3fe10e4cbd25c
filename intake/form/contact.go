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
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// retryFull is when to come back after a disk was full.
const retryFull = 5 * time.Minute

// contactData is what the form shows.
type contactData struct {
	Draft   *draft
	Faults  []shownFault
	Regions []regionFacts
	Region  regionFacts // of the reader
	Known   bool        // the reader's country is known
	Files   filesData
	Config  Config
	Most    struct{ Name, Title int } // characters, for the page's script
	Key     string
	Token   string
	Work    string // the challenge, "" when none is asked
}

// filesData is what the file area shows.
type filesData struct {
	Kept                      []shownFile
	MaxFiles                  int
	MaxFile, MaxTotal         int64
	MaxFileText, MaxTotalText string
	Again                     bool     // chosen files may have to be chosen again
	Left                      []string // the names of those, as far as they are known
	More                      int      // how many besides
	Refused                   string   // refusedEndings, for the page's script
}

type shownFile struct {
	Name, Size, Token string
	Bytes             int64
}

// shownFault is one sentence at its field.
type shownFault struct {
	Field, Text, Fix string
	Label            string // of the field, where the sentence does not name it
}

// Fault is the sentences at one field, for the template.
func (d contactData) Fault(field string) []shownFault {
	var of []shownFault
	for _, f := range d.Faults {
		if f.Field == field {
			of = append(of, f)
		}
	}
	return of
}

func (f *Form) showContact(x *web.Exchange) error {
	x.DefaultLang(defaultLang(f.regionFor(x.GuessCountry())))
	d := &draft{Country: x.Country()}
	return f.showForm(x, http.StatusOK, d)
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
		Faults: d.shown(x),
		Region: f.facts(x, f.regionFor(country), country, now),
		Known:  country != "",
		Files:  f.filesData(now, d),
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

func (d *draft) shown(x *web.Exchange) []shownFault {
	var list []shownFault
	for _, field := range order {
		for _, p := range d.faults[field] {
			fault := shownFault{Field: field, Text: p.text(x.Lang), Fix: p.fix}
			if p.key == "form.fault_long" {
				fault.Label = x.Lang.T("form." + field)
			}
			list = append(list, fault)
		}
	}
	return list
}

func (f *Form) filesData(now time.Time, d *draft) filesData {
	data := filesData{
		MaxFiles: f.cfg.MaxFiles, MaxFile: f.cfg.MaxFile, MaxTotal: f.cfg.MaxTotal,
		MaxFileText: size(f.cfg.MaxFile), MaxTotalText: size(f.cfg.MaxTotal),
		Again: d.Missed, Left: d.left, More: d.more, Refused: refusedEndings,
	}
	for _, file := range d.Files {
		data.Kept = append(data.Kept, shownFile{Name: file.Name, Size: size(file.Size), Token: f.keepFile(now, file), Bytes: file.Size})
	}
	return data
}

// postContact opens a ticket, or shows the form again with everything in it.
func (f *Form) postContact(x *web.Exchange) error {
	ctx, now := x.Request.Context(), time.Now()
	free, wait := f.guard.network.AllowNetworks(x.Remote(), "", now)
	d, err := f.read(x, free)
	d.speak(x)
	x.UseCountry(d.Country)
	show := func(status int) error { return f.answer(x, status, d) }
	if err != nil {
		return f.refuseBody(x, d, err, show)
	}
	if d.Switch && !x.WantsJSON() {
		return show(http.StatusOK)
	}
	if !free {
		return f.refuseRate(x, d, wait, show)
	}
	if f.check(x, d); len(d.faults) > 0 {
		return show(d.status())
	}
	// By address and network: a stranger may name any address, and its owner must
	// still get in from elsewhere.
	if free, wait := f.guard.sender.AllowNetworks(x.Remote(), origin.Mailbox(d.Email), now); !free {
		return f.refuseRate(x, d, wait, show)
	}
	opened, region, err := f.open(ctx, time.Now(), x, d)
	if errors.Is(err, store.ErrConflict) {
		return refuseRepeat(d, problem{key: "form.fault_repeat", pairs: []any{"number", opened.Ticket.Number}}, show)
	}
	if err != nil {
		return f.refuseStore(x, d, err, show)
	}
	f.deps.Kick()
	x.Log.Info("ticket opened", "request", x.ID, "ticket", opened.Ticket.Number, "region", region.ID,
		"files", len(d.Files), "confirmation", opened.Confirmation.State, "replayed", opened.Replayed)
	return f.accepted(x, d, opened, region)
}

// speak answers in the language the form was in, unless the reader has just
// asked for another, which the address names.
func (d *draft) speak(x *web.Exchange) {
	if !d.Switch {
		x.UseLang(d.Lang)
	}
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
		Fingerprint: d.fingerprint(),
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

// fingerprint is a hash over what the post says, so that a repeated key with
// another content is told from a repeated post.
func (d *draft) fingerprint() [32]byte {
	said := make([]byte, 0, len(d.Description)+1024)
	add := func(s string) { // behind its length, which keeps the fields apart
		said = append(strconv.AppendInt(said, int64(len(s)), 10), ':')
		said = append(said, s...)
	}
	for _, s := range []string{d.Name, d.Email, d.Company, d.Country, d.Category, d.Title, d.Description} {
		add(s)
	}
	for _, file := range d.Files {
		add(file.Name)
		add(string(file.Hash))
	}
	return sha256.Sum256(said)
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

// status is 503 when there is no room for files, 413 when something was too
// large, else 422.
func (d *draft) status() int {
	switch {
	case d.faults.any(func(p problem) bool { return p.later }):
		return http.StatusServiceUnavailable
	case d.faults.any(func(p problem) bool { return p.tooLarge }):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}

// answer is JSON or the form, refilled.
func (f *Form) answer(x *web.Exchange, status int, d *draft) error {
	if x.WantsJSON() {
		return x.JSON(status, d.errors(x))
	}
	return f.showForm(x, status, d)
}

// errors is one sentence a field, for a client that asked for JSON.
func (d *draft) errors(x *web.Exchange) map[string]any {
	sentences := make(map[string]string)
	for _, fault := range d.shown(x) {
		if fault.Fix != "" {
			fault.Text += " " + x.Lang.T("form.meant") + " " + fault.Fix + "?"
		}
		sentences[fault.Field] = strings.TrimSpace(sentences[fault.Field] + " " + fault.Text)
	}
	return map[string]any{"errors": sentences}
}

// The refusals below put the fault into the draft and show it again: on the page
// it came from, with everything in it that was read.

// refuseBody answers a post whose body could not be read to its end.
func (f *Form) refuseBody(x *web.Exchange, d *draft, err error, show func(status int) error) error {
	var tooLarge *http.MaxBytesError
	var fault *web.Fault
	var unknown *charsetError
	if !errors.Is(err, web.ErrSlow) {
		x.Drain(3*f.cfg.MaxTotal, 30*time.Second)
	}
	switch {
	case errors.As(err, &tooLarge):
		d.faults.add("files", problem{key: "form.body_large", pairs: []any{"limit", size(f.cfg.MaxTotal)}, tooLarge: true})
		return show(http.StatusRequestEntityTooLarge)
	case errors.As(err, &unknown):
		d.faults.add("form", problem{key: "form.fault_charset",
			pairs: []any{"charset", cleanLine(fmt.Sprintf("%.40s", unknown.label))}})
		return show(http.StatusUnsupportedMediaType)
	case errors.Is(err, web.ErrSlow):
		d.faults.add("form", problem{key: "form.fault_slow"})
		return show(http.StatusRequestTimeout)
	case errors.As(err, &fault) && fault.Status == http.StatusServiceUnavailable, errors.Is(err, store.ErrFull):
		return f.refuseStore(x, d, err, show)
	case errors.As(err, &fault) && fault.Status == http.StatusBadRequest:
		if len(d.faults) == 0 {
			d.faults.add("form", problem{key: "form.fault_cut"})
		}
		return show(http.StatusBadRequest)
	}
	return err
}

func (f *Form) refuseRate(x *web.Exchange, d *draft, wait time.Duration, show func(status int) error) error {
	x.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
	minutes := max(1, int((wait+time.Minute-1)/time.Minute))
	d.faults.add("form", problem{key: "form.fault_rate", pairs: []any{"count", minutes}})
	return show(http.StatusTooManyRequests)
}

// refuseRepeat answers a form that was taken before and came back with another
// content: nothing is lost, and a fresh key lets it be sent anew.
func refuseRepeat(d *draft, repeat problem, show func(status int) error) error {
	d.Key = ""
	d.faults.add("form", repeat)
	return show(http.StatusConflict)
}

// refuseStore answers when nothing can be written; the log tells why.
func (f *Form) refuseStore(x *web.Exchange, d *draft, err error, show func(status int) error) error {
	if x.Request.Context().Err() != nil {
		return err // the client has gone; nobody reads the answer
	}
	x.Log.Error("post not taken", "request", x.ID, "err", err)
	x.Header().Set("Retry-After", strconv.Itoa(int(retryFull/time.Second)))
	d.faults.add("form", problem{key: "form.fault_store"})
	return show(http.StatusServiceUnavailable)
}
