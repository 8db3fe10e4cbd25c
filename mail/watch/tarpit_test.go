package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// tarpit is a DNS in which some names are never answered.
type tarpit struct{}

func (tarpit) ask(ctx context.Context, name string) error {
	if strings.Contains(name, "tarpit") {
		<-ctx.Done()
		return &net.DNSError{Err: "timeout", Name: name, IsTimeout: true}
	}
	return nil
}

func (d tarpit) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return nil, d.ask(ctx, name)
}

func (d tarpit) LookupHost(ctx context.Context, name string) ([]string, error) {
	return nil, d.ask(ctx, name)
}

func (d tarpit) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	if err := d.ask(ctx, name); err != nil {
		return nil, err
	}
	return []*net.MX{{Host: "mx." + name}}, nil
}

// One who has a thousand domains whose name servers never answer makes the mail
// of others wait for a moment, not for an hour, and gets no answer himself.
func TestNamesThatAreNeverAnsweredHoldUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Resolver = tarpit{}
		for i := range 300 {
			h.deliver(letter(fmt.Sprintf("x@tarpit%d.test", i), fmt.Sprintf("t%d@x.test", i)))
		}
		h.deliver(numbered(1))
		h.start()
		time.Sleep(time.Minute)
		if n := len(h.outbox()); n != 1 {
			t.Errorf("after a minute %d answers are on their way, want the one to a person", n)
		}
		h.deliver(numbered(2)) // while the leftovers are being tried again
		time.Sleep(time.Minute)
		if n := len(h.outbox()); n != 2 {
			t.Errorf("after one more %d answers are on their way, want two", n)
		}
	})
}

// blind is a ledger that cannot read some mails back.
type blind struct {
	Ledger
	id store.InboundID
}

func (b *blind) RawInbound(ctx context.Context, id store.InboundID) ([]byte, error) {
	if id == b.id {
		return nil, fmt.Errorf("read inbound %d: %w", id, fs.ErrNotExist)
	}
	return b.Ledger.RawInbound(ctx, id)
}

// A recorded mail whose text is lost does not stand before the others: it is
// fetched once more.
func TestALostTextDoesNotStopTheMailbox(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Ledger = &failing{h.ledger}
		for i := range 3 {
			h.deliver(numbered(i))
		}
		_, stop := h.start()
		time.Sleep(time.Second)
		stop() // recorded, not decided
		h.deps.Ledger = &blind{h.ledger, 2}
		h.start()
		time.Sleep(time.Minute)
		h.decided(3, 3)
	})
}

// failing is a ledger that takes no verdict.
type failing struct{ Ledger }

func (failing) DecideInbound(context.Context, time.Time, []store.Decision) ([]store.Inbound, error) {
	return nil, errors.New("the store is full")
}
