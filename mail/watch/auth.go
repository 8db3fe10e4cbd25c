package watch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/origin"
)

// signaturesMost is how many DKIM signatures of one mail are verified; each
// costs a DNS question and a pass over the mail.
const signaturesMost = 5

// The library that verifies takes time that grows with the square of a field's
// lines, of the fields, and of the empty lines of a text: a stranger's mail could
// keep it busy for a day. No honest header comes near these bounds.
const (
	verifyLimit   = 5 * time.Second // one mail; the largest takes one
	signedFields  = 1000
	fieldLines    = 1000
	signatureMost = 8 << 10 // bytes of one DKIM-Signature
)

// authenticate finds out whether the mail comes from where it says, and puts
// that into the verdict. What a trusted host wrote into the header is taken
// first; only where that is not enough are signatures verified here. unsure: a
// name server that did not answer might have changed the outcome.
func (w *Watcher) authenticate(ctx context.Context, o open, r triage.Result) (checked triage.Result, unsure bool) {
	header := fields(o.head)
	said := stated(header, w.box.TrustedAuthServ)
	said.Checked = said.Checked || w.deps.Resolver != nil
	checked = r.Authenticate(said, w.box.AnswerUnauthenticated)
	signed := slices.ContainsFunc(header, func(f field) bool { return f.name == "dkim-signature" })
	if checked.Answer || !signed || w.deps.Resolver == nil || strings.EqualFold(said.DMARC, "fail") {
		return checked, false
	}
	domains, unsure := w.verify(ctx, o)
	if len(domains) == 0 {
		return checked, unsure
	}
	said.DKIM = append(said.DKIM, domains...)
	said.Source = strings.TrimPrefix(said.Source+", DKIM verified here", ", ")
	checked = r.Authenticate(said, w.box.AnswerUnauthenticated)
	return checked, unsure && !checked.Answer
}

// modest tells a header that can be verified in little time, and that ends within
// head. Its lines end as the library sees it.
func modest(head []byte) bool {
	count, lines, size := 0, 0, 0
	signature := false
	for line := range bytes.Lines(head) {
		text := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(text) == 0 && len(text) < len(line) {
			return true
		}
		if text[0] != ' ' && text[0] != '\t' {
			count, lines, size = count+1, 0, 0
			name, _, _ := bytes.Cut(text, []byte(":"))
			signature = bytes.EqualFold(bytes.TrimSpace(name), []byte("dkim-signature"))
		}
		lines, size = lines+1, size+len(line)
		if count > signedFields || lines > fieldLines || size > fieldMost && !signature || size > signatureMost && signature {
			return false
		}
	}
	return false
}

// hurried is a text that ends where the time does.
type hurried struct {
	ctx  context.Context
	text io.Reader
}

func (h hurried) Read(p []byte) (int, error) {
	if h.ctx.Err() != nil {
		return 0, io.EOF // the library leaks what it holds after any other error
	}
	return h.text.Read(p)
}

// verify returns the domains whose DKIM signature holds (RFC 6376).
func (w *Watcher) verify(ctx context.Context, o open) (domains []string, unsure bool) {
	if !modest(o.head) {
		return nil, false
	}
	text, err := w.text(ctx, o)
	if err != nil {
		return nil, false
	}
	defer text.Close()
	var silent atomic.Bool
	reading, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	verified, _ := dkim.VerifyWithOptions(hurried{reading, text}, &dkim.VerifyOptions{
		MaxVerifications: signaturesMost,
		LookupTXT: func(name string) ([]string, error) { // from several goroutines
			txt, err := w.dns.key(ctx, name)
			if err != nil && !isNotFound(err) {
				silent.Store(true)
			}
			return txt, err
		},
	})
	for _, v := range verified {
		if v != nil && v.Err == nil && v.Domain != "" {
			domains = append(domains, strings.ToLower(v.Domain))
		}
	}
	return domains, silent.Load() || ctx.Err() != nil
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// stated gathers what trusted hosts wrote into the header (RFC 8601). Anybody
// can write such fields, so only those count that stand where the trusted host
// writes them: above the first Received that is not its own. Of two that speak
// of one method the upper counts: it was written later.
func stated(header []field, trusted []string) (a triage.Auth) {
	if len(trusted) == 0 {
		return a
	}
	header = border(header, trusted)
	var spf, signatures, policy bool
	for _, f := range header {
		if f.name != "authentication-results" {
			continue
		}
		id, results, ok := parseResults(f.value)
		if !ok || !isTrusted(id, trusted) {
			continue
		}
		var hasSPF, hasDKIM, hasDMARC bool
		for _, r := range results {
			switch {
			case r.method == "spf" && !spf:
				hasSPF = true
				a.SPF, a.SPFDomain = r.value, senderDomain(r.props["smtp.mailfrom"])
			case r.method == "dkim" && !signatures:
				hasDKIM = true
				if d := signer(r); r.value == "pass" && d != "" {
					a.DKIM = append(a.DKIM, d)
				}
			case r.method == "dmarc" && !policy:
				hasDMARC = true
				a.DMARC = r.value
			}
		}
		spf, signatures, policy = spf || hasSPF, signatures || hasDKIM, policy || hasDMARC
		a.Checked, a.Source = true, "Authentication-Results of "+cut(id, 100)
	}
	if !spf {
		receivedSPF(header, trusted, &a)
	}
	return a
}

// isTrusted compares authserv-ids, which are domain names (RFC 8601 section 2.5).
func isTrusted(id string, trusted []string) bool {
	return slices.ContainsFunc(trusted, func(t string) bool { return strings.EqualFold(strings.TrimSuffix(t, "."), strings.TrimSuffix(id, ".")) })
}

func senderDomain(mailFrom string) string {
	mailFrom = strings.Trim(mailFrom, "<>\"")
	if d := store.Domain(mailFrom); d != "" {
		return d
	}
	return strings.ToLower(mailFrom)
}

func signer(r result) string {
	if d := r.props["header.d"]; d != "" {
		return strings.ToLower(d)
	}
	return store.Domain(r.props["header.i"]) // Google writes no header.d
}

// receivedSPF falls back on the topmost Received-SPF (RFC 7208 section 9.1), if
// a trusted host says that it wrote it.
func receivedSPF(header []field, trusted []string, a *triage.Auth) {
	i := slices.IndexFunc(header, func(f field) bool { return f.name == "received-spf" })
	if i < 0 {
		return
	}
	plain, comment := withoutComments(header[i].value)
	word, rest, _ := strings.Cut(strings.TrimSpace(plain), " ")
	props := map[string]string{}
	for pair := range strings.SplitSeq(rest, ";") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			props[strings.ToLower(strings.TrimSpace(key))] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	writer, _, _ := strings.Cut(comment, ":") // "(mx.example.com: domain of ... designates ...)"
	if !isOwnHost(props["receiver"], trusted) && !isOwnHost(strings.TrimSpace(writer), trusted) {
		return
	}
	a.SPF, a.SPFDomain = strings.ToLower(word), senderDomain(props["envelope-from"])
	if a.Checked = true; a.Source == "" {
		a.Source = "Received-SPF"
	}
}

// border is the part of the header that the trusted hosts wrote: everything
// above the first Received which is not theirs, and no further than the hop by
// which the mail came in from outside, since what lies below that the sender
// wrote, whatever names it bears.
func border(header []field, trusted []string) []field {
	inside, topmost := true, true
	for i, f := range header {
		if f.name != "received" {
			continue
		}
		from, by, with := hop(f.value)
		// The topmost was written by the host that put the mail into the mailbox,
		// often under a name of its own machine (Dovecot's LMTP does); taken over
		// from a trusted host it is one more of ours. Only by LMTP, which nobody
		// outside speaks to it: by SMTP a stranger may claim any name.
		ours := isOwnHost(by, trusted) || isNear(by) || topmost && strings.HasPrefix(with, "lmtp") && isOwnHost(from, trusted)
		topmost = false
		if !inside || (from != "" && !ours) {
			return header[:i]
		}
		if from != "" && !isOwnHost(from, trusted) && !isNear(from) {
			inside = false
		}
	}
	return header
}

// hop reads who gave the mail to whom, and how, out of a Received field (RFC 5321
// section 4.4), in lower case.
func hop(received string) (from, by, with string) {
	plain, _ := withoutComments(received)
	words := strings.Fields(strings.ToLower(plain))
	for i := 0; i+1 < len(words); i++ {
		switch next := strings.TrimSuffix(words[i+1], ";"); {
		case words[i] == "from" && i == 0:
			from = next
		case words[i] == "by" && by == "":
			by = next
		case words[i] == "with" && with == "":
			with = next
		}
	}
	return from, by, with
}

// isOwnHost tells a host of the same organisation as a trusted id.
func isOwnHost(host string, trusted []string) bool {
	host = strings.ToLower(strings.Trim(host, "."))
	if host == "" {
		return false
	}
	return slices.ContainsFunc(trusted, func(id string) bool {
		id = strings.ToLower(strings.Trim(id, "."))
		return host == id || strings.Contains(id, ".") && origin.Organisation(host) == origin.Organisation(id)
	})
}

// isNear tells the machine itself and its private network, as content filters
// and internal hops write it.
func isNear(host string) bool {
	host = strings.TrimPrefix(strings.Trim(host, "[]"), "ipv6:")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	return host == "localhost" || strings.HasPrefix(host, "localhost.")
}
