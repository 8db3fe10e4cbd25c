package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/ident"
)

// checkCanary looks into the canary's mailbox, and whether triage would take its
// stray for a person's.
func (p Deps) checkCanary(ctx context.Context, cfg config.Config, r *report) {
	const heading = "Canary"
	if !cfg.Canary.On {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	ring, texts, err := mintAndTexts(cfg)
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	tokens, err := cfg.Accounts(p.Tokens)
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	box := cfg.ForWatcher(cfg.Canary.Mailbox, tokens)
	found, err := watch.New(box, watch.Deps{Ring: ring, Catalogue: texts}).Probe(ctx)
	if err != nil {
		r.fail(heading, "its mailbox: %v\n%s", err, hintFor(err))
		return
	}
	r.good(heading, "logged in at its mailbox; the folder holds %d mails", found.Messages)
	if !slices.Contains(found.Capabilities, "UIDPLUS") {
		r.warn(heading, "its mailbox cannot delete single mails (no UIDPLUS): what comes to it stays there")
	}
	if len(box.Trust.Hosts) == 0 {
		r.warn(heading, "no trusted_authserv: what its host states of our mail is not read\nSet "+
			"mailbox.%s.trusted_authserv.", cfg.Canary.Mailbox)
	}
	checkStray(cfg, ring, r, heading)
	d := store.Domain(cfg.Canary.Address)
	if !slices.ContainsFunc(cfg.Regions(), func(r store.Region) bool { return store.Domain(r.Address) == d }) {
		r.warn(heading, "its mail leaves from %s by our relay: is the relay in that domain's SPF record, or do we sign "+
			"for it? Else it gets no answer.", d)
	}
}

// checkStray has triage judge a stray as it will arrive.
func checkStray(cfg config.Config, ring *ident.Ring, r *report, heading string) {
	for _, region := range cfg.Regions() {
		raw := fmt.Sprintf("Return-Path: <%[1]s>\r\nFrom: Canary <%[1]s>\r\nTo: %[2]s\r\nSubject: Canary\r\nMessage-ID: "+
			"<canary@%[3]s>\r\nDate: %[4]s\r\n\r\nIs this answered?\r\n",
			cfg.Canary.Address, region.Address, store.Domain(cfg.Canary.Address), time.Now().Format(time.RFC1123Z))
		verdict := triage.Classify([]byte(raw), triage.Envelope{Now: time.Now(), Ours: cfg.OwnAddresses(),
			OwnMessageID: ring.OwnMessageID})
		if verdict.Answer {
			continue
		}
		var why []string
		for _, rule := range verdict.Rules {
			if rule.Effect == store.EffectStop {
				why = append(why, rule.ID)
			}
		}
		r.fail(heading, "a mail from %s to %s is not answered: %s\nGive the canary an address that looks like a person's.",
			cfg.Canary.Address, region.Address, strings.Join(why, ", "))
		return
	}
	r.good(heading, "its strays are answered as a person's are, once authenticated")
}
