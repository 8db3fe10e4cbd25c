package generate

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// batch is how many steps or mails share a transaction: enough to spread its sync, few
// enough to keep its pages in memory, and other writers from waiting long.
const batch = 2000

// linkKept is how long the pages of generated tickets open.
const linkKept = 2 * 365 * 24 * time.Hour

// Store is the part of the data file that is filled.
type Store interface {
	ListAgents(ctx context.Context, p store.Page) (store.List[store.Agent], error)
	Together(ctx context.Context, do func(*verbs.Store) error) error
	FillLedger(ctx context.Context, batch []verbs.Arriving) ([]store.Inbound, error)
	ConnectMailbox(ctx context.Context, now time.Time, mailbox string) (store.MailboxState, error)
	MarkRestored(ctx context.Context, now time.Time) error
}

// Deps is what is filled, and by whose rules.
type Deps struct {
	Store   Store
	Ring    *ident.Ring
	Regions []store.Region
	// Agents are those who answer; a region without one has its tickets opened alone.
	Agents     []store.Actor
	Categories []string
	Promise    func(region string, at time.Time) (store.Promise, error)
	Triage     triage.Envelope // what triage knows of the installation
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

	hours  []float64 // how much has come by the end of each hour, of all
	coming steps     // that are still to be taken
	taken  []step    // for the next transaction
	made   int       // steps so far
}

// New makes a generator that fills the days up to now.
func New(d Deps, s Shape, now time.Time) *Generator {
	return &Generator{Deps: d, shape: s, now: now, rand: rand.New(rand.NewPCG(s.Seed, s.Seed))}
}

// began is when the first of what is made up came.
func (g *Generator) began() time.Time {
	return g.now.Add(-time.Duration(g.shape.Days) * 24 * time.Hour)
}

// when is the instant of the i-th of n: most come on working days, by day.
func (g *Generator) when(i, n int) time.Time {
	if g.hours == nil {
		g.hours = make([]float64, g.shape.Days*24)
		sum := 0.0
		for h := range g.hours {
			sum += busy(g.began().Add(time.Duration(h) * time.Hour).UTC())
			g.hours[h] = sum
		}
	}
	share := (float64(i) + 0.5) / float64(n) * g.hours[len(g.hours)-1]
	h, _ := slices.BinarySearch(g.hours, share)
	before := 0.0
	if h > 0 {
		before = g.hours[h-1]
	}
	within := (share - before) / (g.hours[h] - before)
	return g.began().Add(time.Duration((float64(h) + within) * float64(time.Hour)))
}

// busy is how much comes in an hour, with partners from America to Asia.
func busy(at time.Time) float64 {
	switch {
	case at.Weekday() == time.Saturday || at.Weekday() == time.Sunday:
		return 0.15
	case at.Hour() < 6:
		return 0.3
	}
	return 1
}

// FillTickets opens the tickets, and has them answered up to now.
func (g *Generator) FillTickets(ctx context.Context) error {
	n := g.shape.Tickets
	every := n/maxKept + 1
	for i := range n {
		at := g.when(i, n)
		if err := g.take(ctx, at); err != nil {
			return err
		}
		l, err := g.begin(at)
		if err != nil {
			return err
		}
		if i%every == 0 {
			l.keep = true
		}
	}
	if err := g.take(ctx, g.now); err != nil {
		return err
	}
	return g.commit(ctx)
}

// take takes the steps up to an instant.
func (g *Generator) take(ctx context.Context, until time.Time) error {
	for len(g.coming) > 0 && !g.coming[0].at.After(until) {
		g.taken = append(g.taken, heap.Pop(&g.coming).(step))
		if len(g.taken) == batch {
			if err := g.commit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// commit writes what was taken, in one transaction.
func (g *Generator) commit(ctx context.Context) error {
	err := g.Store.Together(ctx, func(db *verbs.Store) error {
		for _, s := range g.taken {
			if err := s.do(ctx, db); err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range g.taken {
		if s.of.keep {
			g.mails, s.of.keep = append(g.mails, s.of.mail), false
		}
	}
	clear(g.taken)
	g.taken = g.taken[:0]
	return err
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
	lang := cmp.Or(languages[country], "en")
	title, body := g.text(lang)
	return Writing{
		Name: first + " " + last, Email: strings.ToLower(first + "." + last + "@" + domain),
		Company: last + " Trading", Country: country, Lang: lang, Title: title, Body: body,
	}
}

// text is a title and a description in a language. Those of a set length are English.
func (g *Generator) text(lang string) (title, body string) {
	words := lettersIn(lang)
	if len(words.titles) == 0 || g.shape.Chars > 0 {
		return pick(g.rand, subjects) + " " + pick(g.rand, complaints), g.body()
	}
	from := slices.Clone(words.sentences)
	g.rand.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	return pick(g.rand, words.titles), strings.Join(from[:2+g.rand.IntN(len(from)-1)], " ")
}

func (g *Generator) ticket(w Writing, at time.Time) (store.NewTicket, error) {
	category := ""
	if len(g.Categories) > 0 {
		category = pick(g.rand, g.Categories)
	}
	region, _ := store.RegionOf(g.Regions, w.Country)
	promise, err := g.Promise(region.ID, at)
	return store.NewTicket{
		Region: region, Channel: store.ChannelForm,
		Requester: store.Contact{Name: w.Name, Email: w.Email, Company: w.Company, Country: w.Country, Lang: w.Lang},
		Category:  category, Title: w.Title, Body: w.Body, Promise: promise,
		Link: ident.NewLink(at), LinkExpires: at.Add(linkKept),
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
