package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/metrics"
	"signpost/mail/compose"
	"signpost/mail/outbox"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/datafile"
	"signpost/store/ident"
	"signpost/store/lang"
	"signpost/store/verbs"
)

// What one room needs of another is plugged here; each function hands one
// package its part of the configuration.

type storeOpener func(
	config.Service, store.Promising, store.AuditKeys, *metrics.Metrics, *slog.Logger,
) (*verbs.Store, error)

func openStore(
	cfg config.Service, promising store.Promising, keys store.AuditKeys, m *metrics.Metrics, log *slog.Logger,
) (*verbs.Store, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	if err := archive.Interrupted(cfg.Data); err != nil {
		return nil, err
	}
	return datafile.Open(cfg.Database(), datafile.Options{
		Log: log, MaxSize: int64(cfg.DiskBudget), Observe: m.ObserveCommit, Promising: promising,
		AuditKeys: keys,
	})
}

func openBlobs(cfg config.Service) (*blob.Local, error) {
	return blob.Open(cfg.Blobs())
}

func newComposer(
	cfg config.Config, instance string, zone func(string) *time.Location, ring *ident.Ring, texts *lang.Catalogue,
) (*compose.Composer, error) {
	signers, err := cfg.Signers()
	if err != nil {
		return nil, err
	}
	return compose.New(compose.Config{
		BaseURL: cfg.Service.BaseURL, Product: cfg.Service.Product, Brand: cfg.Look(), Instance: instance,
		Zone: zone, Signers: signers, NullSender: cfg.SMTP.NullSender, Bounces: cfg.BounceAddress,
	}, ring, texts)
}

// composeFor adapts the composer to the sender.
func composeFor(c *compose.Composer, replies compose.Replies, blobs compose.Blobs) outbox.Compose {
	return func(ctx context.Context, o store.Outbound) (outbox.Message, error) {
		if o.Kind != store.MailReply {
			return handed(c.Compose(o))
		}
		r, err := compose.ReadReply(ctx, replies, blobs, o)
		if err != nil {
			return outbox.Message{}, err
		}
		m, err := handed(c.Reply(o, r))
		if len(r.Attached) > 0 {
			r.Attached = nil // links alone
			m.Smaller = func() (outbox.Message, error) { return handed(c.Reply(o, r)) }
		}
		return m, err
	}
}

func handed(m compose.Message, err error) (outbox.Message, error) {
	if err != nil && !errors.Is(err, compose.ErrUnread) {
		// The row itself is at fault; another try would end the same.
		err = &outbox.DeliveryError{Verdict: outbox.Fail, Err: err}
	}
	return outbox.Message{
		From: m.From, To: m.To, EnvelopeID: m.EnvelopeID,
		NotifyNever: m.Notify == compose.NotifyNever, UTF8: m.UTF8, Bytes: m.Bytes,
	}, err
}

// newLog writes one line per state change to w, as text for people and
// machines alike.
func newLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// listen opens a TCP listener with an error that names the setting at fault.
func listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return l, nil
}
