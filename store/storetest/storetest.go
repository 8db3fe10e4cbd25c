// Package storetest is the one contract suite that every driver of store.Store
// passes: stories for each sentence of the verbs' contracts, races, and a
// property test of random verbs against a plain model in memory (model.go). A
// driver's test calls Run with a function that opens an empty store; after each
// story the store checks itself.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"signpost/store"
)

// Run runs the whole suite. open returns an empty store of its own for every
// call; the suite checks and closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(start(t, open))
		})
	}
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		agreeWithModel(t, open)
	})
}

func stories() map[string]func(*desk) {
	all := map[string]func(*desk){}
	for _, part := range []map[string]func(*desk){ticketStories(), linkStories(), partnerStories(), solveStories(),
		planStories(), wroteStories(), outboxStories(), throttleStories(),
		ledgerStories(), answerStories(), deliveryStories(), agentStories(), passkeyStories(), boardStories(), holdStories(),
		numberStories(),
		alarmStories(), canaryStories(), dutyStories(), changeStories(), upkeepStories(), strangeStories(),
		pageStories(), rightsStories(), auditStories(), auditProofStories(), secretStories(), deskStories(),
		colleagueStories()} {
		for name, story := range part {
			all[name] = story
		}
	}
	return all
}

// desk is one store and what a story needs to use it. Its clock stands still
// until the story moves it.
type desk struct {
	*testing.T
	store.Store
	ctx    context.Context
	now    time.Time
	minted int
	closed bool // by the story itself
}

// dawn is when every story begins: a Monday, with more than microseconds.
var dawn = time.Date(2026, 3, 2, 9, 0, 0, 123456789, time.FixedZone("", 2*3600))

func start(t *testing.T, open func(t *testing.T) store.Store) *desk {
	t.Helper()
	d := &desk{T: t, Store: open(t), ctx: context.Background(), now: dawn}
	t.Cleanup(func() {
		if d.closed {
			return
		}
		if err := d.Check(context.Background()); err != nil {
			t.Errorf("the store's own check: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

// at is the desk's clock as the store keeps it.
func (d *desk) at() time.Time { return store.Instant(d.now) }

func (d *desk) pass(t time.Duration) { d.now = d.now.Add(t) }

// mint returns a number that no other call returns.
func (d *desk) mint() int {
	d.minted++
	return d.minted
}

func region(id, prefix string) store.Region {
	return store.Region{
		ID: id, Prefix: prefix, Address: "support-" + id + "@desk.example", Name: "Support " + prefix,
		Languages: []string{"en", "es"}, Zone: "UTC",
	}
}

func linkOf(n int) (id store.LinkID) {
	copy(id[:], fmt.Sprintf("link%012d", n))
	return id
}

func messageIDOf(n int) string { return fmt.Sprintf("c.%026d.mac@Desk.example", n) }

// ticket is what a partner's post makes; change may alter it.
func (d *desk) ticket(change ...func(*store.NewTicket)) store.NewTicket {
	n := d.mint()
	at := d.at()
	ticket := store.NewTicket{
		Region: region("us", "US"), Channel: store.ChannelForm,
		Requester: store.Contact{Name: "Ana", Email: "Ana@Partner.example", Company: "P", Country: "US", Lang: "es"},
		Category:  "billing", Title: "No invoice", Body: "The invoice of March\nnever came.",
		Files:   []store.File{{Name: "a.pdf", Size: 3, Type: "application/pdf", Hash: hashOf("a")}},
		Promise: store.Promise{FirstResponseBy: at.Add(24 * time.Hour), ResolutionBy: at.Add(48 * time.Hour)},
		Link:    linkOf(n), LinkExpires: at.Add(90 * 24 * time.Hour), MessageID: messageIDOf(n),
	}
	for _, c := range change {
		c(&ticket)
	}
	return ticket
}

// opens is OpenTicket that must succeed.
func (d *desk) opens(change ...func(*store.NewTicket)) store.Opened {
	d.Helper()
	opened, err := d.OpenTicket(d.ctx, d.now, d.ticket(change...))
	d.must(err)
	return opened
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) wantErr(err, want error) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Fatalf("got error %v, want %v", err, want)
	}
}

// same compares what a verb returned; nil and empty are the same.
func (d *desk) same(got, want any) {
	d.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		d.Fatalf("-want +got:\n%s", diff)
	}
}

func hashOf(content string) store.BlobHash {
	sum := sha256.Sum256([]byte(content))
	return store.BlobHash(hex.EncodeToString(sum[:]))
}

func must[T any](d *desk) func(T, error) T {
	return func(v T, err error) T {
		d.Helper()
		d.must(err)
		return v
	}
}

func from(email string) func(*store.NewTicket) {
	return func(n *store.NewTicket) { n.Requester.Email = email }
}

func post(key, content string) func(*store.NewTicket) {
	return func(n *store.NewTicket) {
		n.Idempotency, n.Fingerprint = key, sha256.Sum256([]byte(content))
	}
}

func in(r store.Region) func(*store.NewTicket) {
	return func(n *store.NewTicket) { n.Region = r }
}

func budgets(b ...store.Budget) func(*store.NewTicket) {
	return func(n *store.NewTicket) { n.Budgets = b }
}

// long is a text that packs well, longer than a page.
var long = strings.Repeat("The same story once more. ", 400)

// as is a person with the role ops who signed in by that address.
func as(account string) store.Actor {
	return store.Agent{ID: 1, Email: account, Roles: []store.Role{store.RoleOps}}.Actor()
}
