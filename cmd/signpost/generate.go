package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/sla"
	"signpost/store"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/verbs"
)

// GenerateCmd fills a store with realistic tickets: for benchmarks, and for
// looking at full pages.
type GenerateCmd struct {
	Config  string `help:"Configuration whose data folder is filled." placeholder:"FILE" xor:"into"`
	Demo    string `help:"Data folder of a demo to fill instead." placeholder:"FOLDER" xor:"into"`
	Tickets int    `default:"10000" help:"How many (${default})."`
	Mails   int    `default:"0" help:"How many mails in the ledger beside them (${default})."`
	Days    int    `default:"365" help:"Over how many days up to now (${default})."`
	Seed    uint64 `default:"1" help:"The same seed makes the same tickets (${default})."`
	Chars   int    `default:"0" help:"Characters of every description; 0 for lengths as people write them."`
}

// Validate refuses numbers that make no sense.
func (c *GenerateCmd) Validate() error {
	if c.Tickets < 0 || c.Mails < 0 || c.Chars < 0 || c.Days < 1 {
		return errors.New("--tickets, --mails and --chars count from 0, --days from 1")
	}
	return nil
}

// generateBatch is how many tickets share a transaction: enough to spread its
// sync, few enough to keep its pages in memory.
const generateBatch = 2000

// Run fills the store and tells the rate.
func (c *GenerateCmd) Run(env *environment) error {
	cfg, err := c.config(env)
	if err != nil {
		return err
	}
	app, err := openApp(cfg, slog.New(slog.DiscardHandler))
	if errors.Is(err, datafile.ErrInUse) {
		return fmt.Errorf("%w: stop it, generate, and start it again", err)
	}
	if err != nil {
		return err
	}
	defer app.Close()
	if err := c.mayFill(app); err != nil {
		return err
	}
	began := time.Now()
	g, err := c.generator(app)
	if err != nil {
		return err
	}
	mails, err := c.fill(context.Background(), app, g, began)
	if err != nil {
		return err
	}
	tell(env.stdout, "tickets", c.Tickets, began)
	if c.Mails == 0 {
		return nil
	}
	filled := time.Now()
	if err := c.fillLedger(context.Background(), app, g, began, mails); err != nil {
		return err
	}
	tell(env.stdout, "mails", c.Mails, filled)
	return nil
}

// mayFill refuses to mix what is made up with what partners wrote: nothing takes
// it out again, and its numbers are never given anew. A demo has no partners.
func (c *GenerateCmd) mayFill(app *App) error {
	if c.Config == "" {
		return nil
	}
	stats, err := app.db.Stats(context.Background())
	if err != nil {
		return err
	}
	held := uint64(0)
	for _, n := range stats.Tickets {
		held += n
	}
	if held > 0 {
		return fmt.Errorf("%s holds %s already, and nothing takes out again what is generated; name a configuration whose data folder is new", app.cfg.Service.Data, counted(int(held), "ticket"))
	}
	return nil
}

// tell prints the rate.
func tell(w io.Writer, what string, n int, began time.Time) {
	took := time.Since(began)
	fmt.Fprintf(w, "%d %s in %v, %.0f a second\n", n, what, took.Round(time.Millisecond), float64(n)/took.Seconds())
}

func (c *GenerateCmd) config(env *environment) (config.Config, error) {
	if c.Config != "" {
		return config.LoadWithoutLogins(c.Config, env.environ)
	}
	if c.Demo == "" {
		return config.Config{}, errors.New("give --config FILE or --demo FOLDER")
	}
	secret, err := demoSecret(c.Demo)
	return demoConfig(c.Demo, "http://127.0.0.1:8080", secret), err
}

func (c *GenerateCmd) generator(app *App) (*generator, error) {
	return &generator{
		rand: rand.New(rand.NewPCG(c.Seed, c.Seed)), ring: app.ring, regions: app.cfg.Regions(),
		promised: app.policy, chars: c.Chars,
	}, nil
}

// fill opens the tickets and returns some of their confirmations, oldest first.
func (c *GenerateCmd) fill(ctx context.Context, app *App, g *generator, now time.Time) (mails []store.Outbound, err error) {
	step := time.Duration(c.Days) * 24 * time.Hour / time.Duration(max(c.Tickets, 1))
	at := now.Add(-time.Duration(c.Days) * 24 * time.Hour)
	every := c.Tickets/generatedKept + 1
	for left := c.Tickets; left > 0; left -= generateBatch {
		batch := make([]verbs.Opening, min(left, generateBatch))
		for i := range batch {
			at = at.Add(step)
			ticket, err := g.ticket(at)
			if err != nil {
				return nil, err
			}
			batch[i] = verbs.Opening{Now: at, Ticket: ticket, Confirmed: true}
		}
		opened, err := app.db.OpenTickets(ctx, batch)
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(opened); i += every {
			mails = append(mails, opened[i].Confirmation)
		}
	}
	return mails, nil
}

// generator makes tickets that look like partners' in number, length and
// language, and of nobody: every address lies under example.com and its like.
type generator struct {
	rand     *rand.Rand
	ring     *ident.Ring
	regions  []store.Region
	promised sla.Policy
	chars    int
	again    string // whose mail was generated last
}

var (
	generatedCountries = []string{"US", "US", "US", "GB", "DE", "ID", "ID", "CN", "MX", "ES", "AE", "IN", "BR", "FR"}
	generatedLanguages = map[string]string{"ID": "id", "CN": "zh-Hans", "MX": "es", "ES": "es", "AE": "ar"}
	generatedFirst     = []string{"Ada", "Bima", "Chen", "Dana", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Mira", "Nur", "Omar", "Priya"}
	generatedLast      = []string{"Abel", "Baker", "Castillo", "Dewi", "Eriksen", "Fang", "Garcia", "Haddad", "Ito", "Jansen", "Kumar", "Lopez", "Moreau", "Novak", "Okafor", "Putri"}
	generatedSubjects  = []string{"The nightly export", "The product import", "Our payout of last week", "The order webhook", "The catalogue page", "The discount code", "The invoice PDF", "The sign-in of our team", "The stock level", "The tax report"}
	generatedTroubles  = []string{"stops half way", "shows an error", "is empty since Monday", "arrives twice", "has the wrong currency", "takes over an hour", "cannot be opened", "lost its pictures", "is missing for some orders", "differs from our books"}
	generatedSentences = []string{
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

func (g *generator) ticket(at time.Time) (store.NewTicket, error) {
	country := pick(g.rand, generatedCountries)
	region, _ := store.RegionOf(g.regions, country)
	first, last := pick(g.rand, generatedFirst), pick(g.rand, generatedLast)
	// A third of all tickets come from people who wrote before.
	domain := fmt.Sprintf("shop%d.example.com", g.rand.IntN(20_000))
	promise, err := g.promised.Promise(region.ID, at)
	if err != nil {
		return store.NewTicket{}, err
	}
	lang := generatedLanguages[country]
	if lang == "" {
		lang = "en"
	}
	return store.NewTicket{
		Region: region, Channel: store.ChannelForm,
		Requester: store.Contact{
			Name: first + " " + last, Email: strings.ToLower(first + "." + last + "@" + domain),
			Company: last + " Trading", Country: country, Lang: lang,
		},
		Title:   pick(g.rand, generatedSubjects) + " " + pick(g.rand, generatedTroubles),
		Body:    g.body(),
		Promise: promise,
		Link:    ident.NewLink(at), LinkExpires: at.Add(2 * 365 * 24 * time.Hour),
		MessageID:   g.ring.MessageID(at, store.MailConfirmation, store.Domain(region.Address)),
		Fingerprint: sha256.Sum256([]byte(domain)),
	}, nil
}

// body is a few sentences, or exactly as many characters as asked for.
func (g *generator) body() string {
	var b strings.Builder
	wanted := g.chars
	if wanted == 0 {
		wanted = 120 + int(g.rand.ExpFloat64()*500)
	}
	for b.Len() < wanted {
		fmt.Fprintf(&b, "%s %s. %s ", pick(g.rand, generatedSubjects), pick(g.rand, generatedTroubles), pick(g.rand, generatedSentences))
		if g.rand.IntN(3) == 0 {
			fmt.Fprintf(&b, "Order %d, reference %x.\n", 100000+g.rand.IntN(900000), g.rand.Uint64())
		}
	}
	if g.chars > 0 {
		return b.String()[:g.chars]
	}
	return strings.TrimSpace(b.String())
}
