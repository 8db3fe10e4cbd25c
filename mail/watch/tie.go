package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"signpost/mail/header"
	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// Outbounds finds the mails that reports are about.
type Outbounds interface {
	Outbound(ctx context.Context, id store.OutboundID) (store.Outbound, error)
	OutboundByMessageID(ctx context.Context, messageID string) (store.Outbound, error)
	OutboundsTo(ctx context.Context, address string, p store.Page) (store.List[store.Outbound], error)
}

// Rules that tell by what reports were tied. They change nothing; the ledger
// shows and counts them.
const (
	RuleTied       = "report-tied"
	RuleOther      = "report-of-another" // it names another recipient than the mail it holds
	RuleProbable   = "report-probable"
	RuleUnverified = "report-unverified"
	RuleEcho       = "answers-our-mail" // a program does
)

const (
	// tieKept is how long a report may come after its mail was queued; a tag says
	// its age itself.
	tieKept = ident.TagKept
	// probableKept is how far back a mail is looked for by its recipient alone.
	probableKept = 14 * 24 * time.Hour
	maxClaims    = 20
)

// tied is a mail of ours that a report was found to be about.
type tied struct {
	mail store.Outbound
	tie  store.Tie
}

// tie finds the mails that the reports of r are about. Any sender can write a
// report, so only what bears a MAC of ours, and names the recipient that mail was
// sent to, can have effects; the rest is recorded and harmless. An error is the
// store's: the mail has to be judged again.
func (w *Watcher) tie(ctx context.Context, now time.Time, o open, r *triage.Result) error {
	if w.deps.Outbounds == nil {
		return nil
	}
	switch r.Kind {
	case store.KindBounce, store.KindDelay, store.KindDelivered, store.KindComplaint:
	case store.KindAutoReply, store.KindChallenge, store.KindReceipt:
		return w.tieEcho(ctx, now, o, r)
	default:
		return nil
	}
	text := unbroken(o.head)
	mails, err := w.claimed(ctx, now, claims(text, r.Reports))
	if err != nil {
		return err
	}
	reports := slices.Clone(r.Reports)
	if len(reports) == 0 && len(mails) > 0 && r.Kind == store.KindComplaint {
		// A provider that hides whose complaint it is: our own mark says it.
		reports = []store.Report{{Recipient: mails[0].mail.To, Action: store.ActionFailed, Reason: "feedback",
			Outcome: store.OutcomeRefused}}
	}
	host := remoteHost(text)
	for i := range reports {
		if err := w.tieReport(ctx, now, &reports[i], mails); err != nil {
			return err
		}
		if about := slices.IndexFunc(mails, func(t tied) bool { return t.mail.ID == reports[i].Outbound }); about >= 0 {
			reports[i].Host = w.receiverOf(ctx, mails[about].mail.To, host)
		}
	}
	r.Reports, r.Rules = reports, append(slices.Clip(r.Rules), tieRules(reports)...)
	return nil
}

// tieEcho finds the mail that a program answered. Only its ticket tells of it, so
// who wrote the answer does not matter: many responders have a name of their own.
func (w *Watcher) tieEcho(ctx context.Context, now time.Time, o open, r *triage.Result) error {
	mails, err := w.claimed(ctx, now, claims(unbroken(o.head), nil))
	if err != nil || len(mails) == 0 {
		return err
	}
	r.About = mails[0].mail.ID
	r.Rules = append(slices.Clip(r.Rules), store.Rule{
		ID: RuleEcho, Effect: store.EffectNote, Evidence: fmt.Sprintf("by %s: mail %d", mails[0].tie, r.About),
	})
	return nil
}

// tieReport ties one report to the surest mail that went to its recipient.
func (w *Watcher) tieReport(ctx context.Context, now time.Time, r *store.Report, mails []tied) error {
	for _, t := range mails {
		if isAbout(*r, t.mail.To) {
			r.Outbound, r.Tie = t.mail.ID, t.tie
			return nil
		}
	}
	if len(mails) > 0 {
		r.Outbound, r.Tie = mails[0].mail.ID, store.TieOther
		return nil
	}
	for _, address := range []string{r.Recipient, r.OriginalRecipient} {
		if address == "" {
			continue
		}
		rows, err := store.Items(w.deps.Outbounds.OutboundsTo(ctx, address, store.Page{Limit: 1}))
		if err != nil {
			return err
		}
		if len(rows) > 0 && rows[0].Attempts > 0 && now.Sub(rows[0].QueuedAt) <= probableKept {
			r.Outbound, r.Tie = rows[0].ID, store.TieProbable
			return nil
		}
	}
	return nil
}

// isAbout tells whether a report is of mail to that address: by the name it
// failed under or, behind an alias, by the one it was first written to. Of a
// recipient that the reporter hides, our own mark has to do.
func isAbout(r store.Report, to string) bool {
	to = store.AddressKey(to)
	return store.AddressKey(r.Recipient) == to || store.AddressKey(r.OriginalRecipient) == to || isHidden(r.Recipient)
}

// isHidden tells what providers put in the place of a recipient (RFC 6590).
func isHidden(recipient string) bool {
	local, _, ok := strings.Cut(store.AddressKey(recipient), "@")
	return !ok || strings.HasPrefix(local, "redacted") || strings.HasPrefix(local, "undisclosed") ||
		strings.Trim(local, "x*") == ""
}

// claim is something in a report that names a mail of ours, not yet verified.
type claim struct {
	tie store.Tie
	tag ident.Tag // of TieEnvelope
	id  string    // of the others: a Message-ID
}

// claims lists what a report holds by which it may be tied, the surest first.
func claims(text []byte, reports []store.Report) (all []claim) {
	add := func(c claim) {
		same := func(x claim) bool { return x.id != "" && strings.EqualFold(x.id, c.id) }
		if len(all) < maxClaims && !slices.ContainsFunc(all, same) {
			all = append(all, c)
		}
	}
	for _, tag := range tags(text) {
		add(claim{tie: store.TieEnvelope, tag: tag})
	}
	top := fields(text)
	for _, r := range reports {
		// triage falls back on the report's thread where the original is not there.
		named := func(f field) bool { return isThread(f.name) && strings.Contains(f.value, r.OriginalMessageID) }
		if !slices.ContainsFunc(top, named) {
			add(claim{tie: store.TieMessageID, id: r.OriginalMessageID})
		}
	}
	for _, named := range []struct {
		name string
		tie  store.Tie
	}{
		{"message-id", store.TieMessageID}, {"x-signpost-ref", store.TieHeader},
		{"original-envelope-id", store.TieEnvID}, {"original-message-id", store.TieMessageID},
	} {
		for _, value := range lines(text, named.name) {
			add(claim{tie: named.tie, id: header.UsableID(value)})
		}
	}
	for _, f := range top {
		if isThread(f.name) {
			for word := range strings.FieldsSeq(f.value) {
				add(claim{tie: store.TieInReplyTo, id: header.UsableID(word)})
			}
		}
	}
	return slices.DeleteFunc(all, func(c claim) bool { return c.tie != store.TieEnvelope && c.id == "" })
}

func isThread(name string) bool { return name == "in-reply-to" || name == "references" }

// claimed verifies claims and returns the mails behind them.
func (w *Watcher) claimed(ctx context.Context, now time.Time, all []claim) (mails []tied, err error) {
	for _, c := range all {
		mail, ok, err := w.verifyClaim(ctx, now, c)
		if err != nil {
			return nil, err
		}
		if ok && !slices.ContainsFunc(mails, func(t tied) bool { return t.mail.ID == mail.ID }) {
			mails = append(mails, tied{mail, c.tie})
		}
	}
	return mails, nil
}

func (w *Watcher) verifyClaim(ctx context.Context, now time.Time, c claim) (mail store.Outbound, ok bool, err error) {
	if c.tie == store.TieEnvelope {
		mail, err = w.deps.Outbounds.Outbound(ctx, c.tag.ID)
		ok = err == nil && w.deps.Ring.VerifyTag(c.tag, mail.To, now)
	} else if _, ok = w.deps.Ring.OwnMessageID(c.id); ok {
		mail, err = w.deps.Outbounds.OutboundByMessageID(ctx, c.id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return mail, false, nil
	}
	// What was never tried cannot have come back, what is old may be any sender's invention.
	return mail, ok && err == nil && mail.Attempts > 0 && now.Sub(mail.QueuedAt) <= tieKept, err
}

// unbroken undoes what breaks a word over two lines: the soft line breaks of
// quoted-printable (RFC 2045 section 6.7).
func unbroken(raw []byte) []byte {
	raw = raw[:min(len(raw), store.RawInline)]
	for _, soft := range []string{"=\r\n", "=\n"} {
		if bytes.Contains(raw, []byte(soft)) {
			raw = bytes.ReplaceAll(raw, []byte(soft), nil)
		}
	}
	return raw
}

// tags lists the tagged envelope senders anywhere in a text, in its order: the
// fields that say where the report was delivered stand first. Where a tag stands
// proves nothing and need not: its MAC does.
func tags(text []byte) (found []ident.Tag) {
	const longest = 320
	for at := 0; len(found) < maxClaims; {
		i := bytes.Index(text[at:], []byte("@"))
		if i < 0 {
			return found
		}
		at += i + 1
		from := at - 1
		for from > 0 && at-from < longest && isAddressByte(text[from-1]) {
			from--
		}
		tag, ok := ident.ParseEnvelope(string(text[from:at]))
		if ok && !slices.ContainsFunc(found, func(t ident.Tag) bool { return t.ID == tag.ID }) {
			found = append(found, tag)
		}
	}
	return found
}

func isAddressByte(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune(`<>()[]:;,"\@`, rune(c))
}

// lines are the values of the lines that begin with a field's name, wherever
// they stand: in the header, in a part of it returned, quoted below.
func lines(text []byte, name string) (values []string) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimLeft(line, " \t>")
		head, value, ok := bytes.Cut(line[:min(len(line), 2000)], []byte(":"))
		if ok && len(head) < 40 && strings.EqualFold(string(bytes.TrimSpace(head)), name) && len(values) < maxClaims {
			values = append(values, string(bytes.TrimSpace(value)))
		}
	}
	return values
}

// remoteHost is the organisation of the host that refused (RFC 3464 section
// 2.3.5), "" when the report names none, or several.
func remoteHost(text []byte) (host string) {
	for _, value := range lines(text, "remote-mta") {
		_, name, _ := strings.Cut(value, ";")
		name = strings.ToLower(strings.Trim(strings.TrimSpace(name), "."))
		if name, _, _ = strings.Cut(name, " "); !isHostName(name) {
			continue
		}
		name = origin.Organisation(name)
		if host != "" && host != name {
			return ""
		}
		host = name
	}
	return host
}

// receiverLimit bounds the question for a recipient's MX: without an answer the
// report counts for the recipient's domain.
const receiverLimit = 300 * time.Millisecond

// receiverOf is the organisation of the host that refused, as a report claims it, if
// mail to that address goes there: it is its domain's own, or one of its MX is.
// Else any host that can answer a mail of ours could have us say that a stranger refuses
// it. "": the report counts for the recipient's domain.
func (w *Watcher) receiverOf(ctx context.Context, to, claimed string) string {
	domain := store.Domain(to)
	switch {
	case claimed == "" || claimed == origin.Organisation(domain):
		return claimed
	case w.deps.Resolver == nil:
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, receiverLimit)
	defer cancel()
	hosts, _ := w.deps.Resolver.LookupMX(ctx, domain) // what cannot be asked is not known
	if slices.ContainsFunc(hosts, func(mx *net.MX) bool { return origin.Organisation(mx.Host) == claimed }) {
		return claimed
	}
	return ""
}

// isHostName tells a name in lower case from an address literal and from what else
// is written in its place.
func isHostName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return len(name) <= 253 && strings.ContainsAny(name, letters) &&
		!strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune(letters+"0123456789.-_", c) })
}

// tieRules tell by what the reports were tied, each kind once.
func tieRules(reports []store.Report) (rules []store.Rule) {
	for _, r := range reports {
		id, evidence := RuleTied, fmt.Sprintf("by %s: mail %d", r.Tie, r.Outbound)
		switch r.Tie {
		case "":
			id, evidence = RuleUnverified, "nothing in it was made here"
		case store.TieOther:
			id, evidence = RuleOther, fmt.Sprintf("it holds a mark of mail %d, which went to another address", r.Outbound)
		case store.TieProbable:
			id, evidence = RuleProbable, fmt.Sprintf("only its recipient fits mail %d", r.Outbound)
		}
		if !slices.ContainsFunc(rules, func(rule store.Rule) bool { return rule.ID == id }) {
			rules = append(rules, store.Rule{ID: id, Effect: store.EffectNote, Evidence: evidence})
		}
	}
	return rules
}
