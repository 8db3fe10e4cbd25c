package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
	"signpost/mail/triage"
	"signpost/mail/watch"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/lang"
)

// checkIMAP logs in at every mailbox, and shows what the watcher would do with
// the newest mails in it.
func (d Deps) checkIMAP(ctx context.Context, cfg config.Config, r *report) {
	watchers, err := Probers(cfg, d.Tokens)
	if err != nil {
		r.fail("Mailboxes", "%v", err)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(watchers)) {
		checkMailbox(ctx, fmt.Sprintf("Mailbox %s at %s", id, cfg.Mailbox[id].Address), watchers[id], r)
	}
}

// Prober looks into a mailbox and changes nothing; *watch.Watcher is one.
type Prober interface {
	Probe(ctx context.Context) (watch.Findings, error)
	DryRun(ctx context.Context, limit int) ([]watch.Line, error)
}

// Probers are watchers of all mailboxes that are never run.
func Probers(cfg config.Config, kept oauth.Store) (map[string]Prober, error) {
	ring, texts, err := mintAndTexts(cfg)
	if err != nil {
		return nil, err
	}
	tokens, err := cfg.Accounts(kept)
	if err != nil {
		return nil, err
	}
	all := map[string]Prober{}
	for id := range cfg.Mailbox {
		if cfg.IsCanary(id) {
			continue
		}
		all[id] = watch.New(cfg.ForWatcher(id, tokens), watch.Deps{
			Ring: ring, Catalogue: texts, Ours: cfg.OwnAddresses(), Resolver: cfg.Service.Resolver(),
			Log: slog.New(slog.DiscardHandler),
		})
	}
	return all, nil
}

func mintAndTexts(cfg config.Config) (*ident.Ring, *lang.Catalogue, error) {
	ring, err := cfg.Service.Ring()
	if err != nil {
		return nil, nil, err
	}
	texts, err := lang.Load()
	return ring, texts, err
}

func checkMailbox(ctx context.Context, heading string, w Prober, r *report) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	found, err := w.Probe(ctx)
	if err != nil {
		r.fail(heading, "%v\n%s", err, hintFor(err))
		return
	}
	r.good(heading, "logged in; the folder holds %d mails", found.Messages)
	if found.TLS == "" {
		r.warn(heading, "spoken to in the clear; fine on this machine alone")
	}
	if !found.Idle {
		r.warn(heading, "announces no new mail (no IDLE): it is asked every minute")
	}
	if !found.Keyword {
		r.warn(heading, "keeps no keywords: decided mail carries no mark there; the ledger knows all the same")
	}
	lines, err := w.DryRun(ctx, 20)
	if err != nil {
		r.warn(heading, "the dry run ended early: %v", err)
	}
	newestMails(lines, r, heading)
}

// newestMails tells what would become of each, and what keeps most people from being
// answered.
func newestMails(lines []watch.Line, r *report, heading string) {
	unproven, persons, behind := 0, 0, 0
	for _, line := range lines {
		if person, listed := triage.FromPerson(line.Verdict); person {
			persons++
			if listed {
				behind++
			}
		}
		r.good(heading, "%s", DryRunLine(line))
		if slices.Equal(standsAgainst(line), []string{ruleUnauthenticated}) {
			unproven++
		}
	}
	if 2*behind > persons {
		r.warn(heading, "%d of %d mails that people wrote came through a list or group of our own address, which is never "+
			"answered\n%s", behind, persons, triage.OwnListHint)
	}
	if unproven > 0 {
		r.warn(heading, "people would go without an answer for one reason alone: nothing proves their address (%d of "+
			"the mails above)\n"+
			"Does trusted_authserv name the host that writes Authentication-Results into the header of this "+
			"mailbox's mail?", unproven)
	}
}

// ruleUnauthenticated is triage's rule that a sender's address is proven by nothing.
const ruleUnauthenticated = "unauthenticated"

// standsAgainst are the rules for which a mail would not be answered.
func standsAgainst(l watch.Line) (ids []string) {
	for _, rule := range l.Verdict.Rules {
		if rule.Effect == store.EffectStop || rule.Effect == store.EffectMissing {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}

// DryRunLine says in one line what would be done with a mail, and why.
func DryRunLine(l watch.Line) string {
	outcome := "stay silent"
	if l.AnswerTo != "" {
		outcome = "be answered"
	}
	text := fmt.Sprintf("would %s: %s, %q from %s", outcome, l.Date.Format(time.DateOnly), l.Subject, l.From)
	if why := standsAgainst(l); l.AnswerTo == "" && len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	return text
}
