package ops_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"
	"time"

	"signpost/store"
)

// BenchmarkPages shows each page over a ledger of 100,000 mails.
func BenchmarkPages(b *testing.B) {
	const mails, chunk = 100_000, 1000
	h := open(b)
	kinds := []store.Kind{store.KindDirect, store.KindBounce, store.KindAutoReply, store.KindList}
	for n := 0; n < mails; n += chunk {
		batch := make([]store.NewInbound, chunk)
		for i := range batch {
			raw := fmt.Appendf(nil, "mail %d", n+i)
			batch[i] = store.NewInbound{
				Mailbox: "us", UIDValidity: 1, UID: uint32(n + i + 1), InternalDate: time.Now(), Hash: sha256.Sum256(raw),
				MessageID: fmt.Sprintf("m%d@x", n+i), From: fmt.Sprintf("p%d@partner.example", i),
				Subject: "Where is my order?", Raw: raw,
			}
		}
		rows, err := h.db.RecordInbound(b.Context(), time.Now(), batch)
		if err != nil {
			b.Fatal(err)
		}
		decisions := make([]store.Decision, chunk)
		for i, row := range rows {
			decisions[i] = store.Decision{ID: row.ID, Verdict: store.Verdict{Kind: kinds[i%len(kinds)], Rules: []store.Rule{
				{ID: "null-sender", Effect: store.EffectStop, Evidence: "Return-Path: <>"},
			}}}
		}
		if _, err := h.db.DecideInbound(b.Context(), time.Now(), decisions); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 40 {
		h.bounces(h.sends(fmt.Sprintf("gone%d@x.example", i), store.StateSent, ""))
	}
	for i := range 2000 { // before the dead, so that they are looked for
		h.suppresses(fmt.Sprintf("p%d@partner.example", i), store.ScopeAutomatic)
	}
	for _, path := range []string{
		"/ops", "/ops/ledger", "/ops/ledger?q=p7@partner.example",
		"/ops/ledger?mark=bounce", "/ops/ledger?q=p7@partner.example&mark=list",
		"/ops/ledger?from=2020-01-01&to=2021-01-01", "/ops/ledger/50000", "/ops/queue", "/ops/bounces",
		"/ops/suppressions", "/ops/suppressions?q=p7@partner.example", "/ops/mailboxes",
	} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if w := h.do("GET", path, nil); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
