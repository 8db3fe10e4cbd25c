package sandbox

import (
	"context"
	"crypto/sha256"
	"strings"

	"signpost/intake/verdict"
	"signpost/store"
)

// verdictView is what the watcher decided on a mail.
type verdictView struct {
	Pending     bool   // not seen or not decided yet
	Quarantined string // why it could not be handled
	Kind        verdict.Mark
	Answered    bool
	Outcome     string // one sentence
	Rules       []verdict.Rule
	Reports     []verdict.Report
}

const ledgerLooked = 200 // rows looked through for a mail without Message-ID

// verdict finds a mail's ledger row by its bytes; a Message-ID alone proves
// nothing.
func (b *Sandbox) verdict(ctx context.Context, m Mail, messageID string) (*verdictView, error) {
	hash := sha256.Sum256(m.Raw)
	id := strings.Trim(strings.TrimSpace(messageID), "<>")
	var rows []store.Inbound
	var err error
	if id != "" {
		if rows, err = store.Items(b.deps.Ledger.InboundByMessageID(ctx, id, store.Page{Limit: 50})); err != nil {
			return nil, err
		}
	}
	row, found := withHash(rows, hash)
	if !found {
		if rows, err = store.Items(b.deps.Ledger.ListInbound(ctx, store.Page{Limit: ledgerLooked})); err != nil {
			return nil, err
		}
		row, found = withHash(rows, hash)
	}
	if !found {
		return &verdictView{Pending: true}, nil
	}
	return verdictOf(row), nil
}

func withHash(rows []store.Inbound, hash [32]byte) (store.Inbound, bool) {
	for _, r := range rows {
		if r.Hash == hash {
			return r, true
		}
	}
	return store.Inbound{}, false
}

func verdictOf(row store.Inbound) *verdictView {
	switch row.State {
	case store.InboundStored:
		return &verdictView{Pending: true}
	case store.InboundQuarantined:
		return &verdictView{Quarantined: orElse(row.Fault, "no reason was recorded")}
	}
	return &verdictView{
		Kind: verdict.MarkOf(string(row.Verdict.Kind)), Answered: row.Answer != 0, Outcome: verdict.Sentence(row),
		Rules: verdict.Rules(row.Verdict.Rules), Reports: verdict.Reports(row.Verdict.Reports),
	}
}
