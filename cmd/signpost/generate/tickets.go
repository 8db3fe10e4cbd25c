package generate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// batch is how many tickets share a transaction: enough to spread its sync, few enough
// to keep its pages in memory.
const batch = 2000

// Store is the part of the data file that is filled.
type Store interface {
	OpenTickets(ctx context.Context, batch []verbs.Opening) ([]store.Opened, error)
	FillLedger(ctx context.Context, batch []verbs.Arriving) ([]store.Inbound, error)
	ConnectMailbox(ctx context.Context, now time.Time, mailbox string) (store.MailboxState, error)
	MarkRestored(ctx context.Context, now time.Time) error
}

// Deps is what is filled, and by whose rules.
type Deps struct {
	Store   Store
	Ring    *ident.Ring
	Regions []store.Region
	Promise func(region string, at time.Time) (store.Promise, error)
	Triage  triage.Envelope // what triage knows of the installation
}

// Shape is how much is made up.
type Shape struct {
	Tickets, Mails int
	Days           int    // up to now
	Seed           uint64 // the same one makes the same
	Chars          int    // of every description; 0 for lengths as people write them
}

// Generator makes up tickets that look like partners' in number, length and language,
// and mails in the ledger. No real partner has their addresses: all lie under example.com.
type Generator struct {
	Deps
	shape Shape
	now   time.Time
	rand  *rand.Rand
	again string           // the author of the mail made up last
	mails []store.Outbound // some of the tickets' confirmations, oldest first
}

// New makes a generator that fills the days up to now.
func New(d Deps, s Shape, now time.Time) *Generator {
	return &Generator{Deps: d, shape: s, now: now, rand: rand.New(rand.NewPCG(s.Seed, s.Seed))}
}

// began is when the first of what is made up came.
func (g *Generator) began() time.Time {
	return g.now.Add(-time.Duration(g.shape.Days) * 24 * time.Hour)
}

// step is the time between two of n.
func (g *Generator) step(n int) time.Duration {
	return time.Duration(g.shape.Days) * 24 * time.Hour / time.Duration(max(n, 1))
}

// FillTickets opens the tickets.
func (g *Generator) FillTickets(ctx context.Context) error {
	n := g.shape.Tickets
	step, at, every := g.step(n), g.began(), n/maxKept+1
	for left := n; left > 0; left -= batch {
		openings := make([]verbs.Opening, min(left, batch))
		for i := range openings {
			at = at.Add(step)
			ticket, err := g.ticket(at)
			if err != nil {
				return err
			}
			openings[i] = verbs.Opening{Now: at, Ticket: ticket, Confirmed: true}
		}
		opened, err := g.Store.OpenTickets(ctx, openings)
		if err != nil {
			return err
		}
		for i := 0; i < len(opened); i += every {
			g.mails = append(g.mails, opened[i].Confirmation)
		}
	}
	return nil
}

var (
	countries  = []string{"US", "US", "US", "GB", "DE", "ID", "ID", "CN", "MX", "ES", "AE", "IN", "BR", "FR"}
	languages  = map[string]string{"ID": "id", "CN": "zh-Hans", "MX": "es", "ES": "es", "AE": "ar"}
	firstNames = []string{"Ada", "Bima", "Chen", "Dana", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena",
		"Mira", "Nur", "Omar", "Priya"}
	lastNames = []string{"Abel", "Baker", "Castillo", "Dewi", "Eriksen", "Fang", "Garcia", "Haddad", "Ito", "Jansen",
		"Kumar", "Lopez", "Moreau", "Novak", "Okafor", "Putri"}
	subjects = []string{"The nightly export", "The product import", "Our payout of last week", "The order webhook",
		"The catalogue page", "The discount code", "The invoice PDF", "The sign-in of our team", "The stock level",
		"The tax report"}
	complaints = []string{"stops half way", "shows an error", "is empty since Monday", "arrives twice",
		"has the wrong currency", "takes over an hour", "cannot be opened", "lost its pictures",
		"is missing for some orders", "differs from our books"}
	sentences = []string{
		"It worked until the day before yesterday and nothing was changed on our side.",
		"We tried it again in another browser with the same result.",
		"The message reads: request could not be completed, please try again later.",
		"About forty of our customers have asked us for it since this morning.",
		"Attached you find a list of the order numbers that are affected.",
		"Could you tell us whether this is known and when it will work again?",
		"We need the figures for our tax adviser by the end of the month.",
		"The same happens for every shop that we manage, also for the new one.",
		"In the log of our server there is an answer with status 502 every few minutes.",
		"If you need access to our test shop, tell us and we will open it for you.",
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Writing is what a partner fills in.
type Writing struct {
	Name, Email, Company, Country, Lang string
	Title, Body                         string
}

// Writing makes up another one.
func (g *Generator) Writing() Writing {
	country := pick(g.rand, countries)
	first, last := pick(g.rand, firstNames), pick(g.rand, lastNames)
	// A third of all tickets come from people who wrote before.
	domain := fmt.Sprintf("shop%d.example.com", g.rand.IntN(20_000))
	return Writing{
		Name: first + " " + last, Email: strings.ToLower(first + "." + last + "@" + domain),
		Company: last + " Trading", Country: country, Lang: cmp.Or(languages[country], "en"),
		Title: pick(g.rand, subjects) + " " + pick(g.rand, complaints), Body: g.body(),
	}
}

func (g *Generator) ticket(at time.Time) (store.NewTicket, error) {
	w := g.Writing()
	region, _ := store.RegionOf(g.Regions, w.Country)
	promise, err := g.Promise(region.ID, at)
	return store.NewTicket{
		Region: region, Channel: store.ChannelForm,
		Requester: store.Contact{Name: w.Name, Email: w.Email, Company: w.Company, Country: w.Country, Lang: w.Lang},
		Title:     w.Title, Body: w.Body, Promise: promise,
		Link: ident.NewLink(at), LinkExpires: at.Add(2 * 365 * 24 * time.Hour),
		MessageID:   g.Ring.MessageID(at, store.MailConfirmation, store.Domain(region.Address)),
		Fingerprint: sha256.Sum256([]byte(store.Domain(w.Email))),
	}, err
}

// body is a few sentences, or exactly as many characters as asked for.
func (g *Generator) body() string {
	var b strings.Builder
	wanted := g.shape.Chars
	if wanted == 0 {
		wanted = 120 + int(g.rand.ExpFloat64()*500)
	}
	for b.Len() < wanted {
		fmt.Fprintf(&b, "%s %s. %s ", pick(g.rand, subjects), pick(g.rand, complaints), pick(g.rand, sentences))
		if g.rand.IntN(3) == 0 {
			fmt.Fprintf(&b, "Order %d, reference %x.\n", 100000+g.rand.IntN(900000), g.rand.Uint64())
		}
	}
	if g.shape.Chars > 0 {
		return b.String()[:g.shape.Chars]
	}
	return strings.TrimSpace(b.String())
}
