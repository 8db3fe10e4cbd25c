package doctor

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"

	"signpost/cmd/signpost/config"
)

// checkDNS looks at what receivers will look at: whether each region's domain
// takes bounces, and whether it lets our mail be told from a forgery.
func checkDNS(ctx context.Context, cfg config.Config, r *report) {
	dns := cfg.Service.Resolver()
	seen := map[string]bool{}
	for _, region := range cfg.Regions() {
		domain := region.Address[strings.LastIndexByte(region.Address, '@')+1:]
		if !seen[domain] {
			seen[domain] = true
			checkDomain(ctx, domain, dns, r)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(cfg.DKIM)) {
		checkDKIM(ctx, cfg.DKIM[id], dns, r)
	}
}

// resolver is what checkDomain asks; *net.Resolver is one.
type resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

func checkDomain(ctx context.Context, domain string, dns resolver, r *report) {
	heading := "DNS of " + domain
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	switch mx, err := dns.LookupMX(ctx, domain); {
	case err != nil:
		r.fail(heading, "MX: %v\nBounces to the support address must reach a mailbox: publish an MX record.", err)
	case len(mx) == 1 && mx[0].Host == ".":
		r.fail(heading, "MX: the domain says that it takes no mail (RFC 7505)\nBounces to the support address must "+
			"reach a mailbox: publish an MX record.")
	default:
		r.good(heading, "MX: %s", mx[0].Host)
	}
	checkRecord(ctx, dns, r, heading, "SPF", domain, "v=spf1",
		"Publish a TXT record such as \"v=spf1 include:YOUR_RELAY -all\" (RFC 7208), or receivers will distrust our mail.")
	checkRecord(ctx, dns, r, heading, "DMARC", "_dmarc."+domain, "v=DMARC1",
		"Publish a TXT record at _dmarc such as \"v=DMARC1; p=quarantine\" (RFC 7489), or any host can write in our name.")
}

func checkRecord(ctx context.Context, dns resolver, r *report, heading, what, name, prefix, hint string) {
	records, err := dns.LookupTXT(ctx, name)
	if notFound := (*net.DNSError)(nil); err != nil && !(errors.As(err, &notFound) && notFound.IsNotFound) {
		r.fail(heading, "%s: %v\nThe resolver did not answer; try again.", what, err)
		return
	}
	var found []string
	for _, record := range records {
		if strings.HasPrefix(record, prefix) {
			found = append(found, record)
		}
	}
	switch len(found) {
	case 0:
		r.fail(heading, "%s: no record at %s\n%s", what, name, hint)
	case 1:
		r.good(heading, "%s: %s", what, found[0])
	default:
		r.fail(heading, "%s: %d records at %s, receivers then believe none\nKeep one.", what, len(found), name)
	}
}

// checkDKIM compares the published key with the one we sign with.
func checkDKIM(ctx context.Context, cfg config.DKIM, dns resolver, r *report) {
	heading := "DKIM of " + cfg.Domain
	signer, err := cfg.Signer()
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	name, value, err := signer.Record()
	if err != nil {
		r.fail(heading, "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	records, err := dns.LookupTXT(ctx, name)
	if err == nil && strings.Contains(keyOf(strings.Join(records, "")), keyOf(value)) {
		r.good(heading, "the record at %s holds our key", name)
		return
	}
	r.fail(heading, "no record with our key at %s\nPublish this TXT record there:\n%s", name, value)
}

// keyOf is the p= of a DKIM record without white space.
func keyOf(record string) string {
	_, p, _ := strings.Cut(strings.Join(strings.Fields(record), ""), "p=")
	p, _, _ = strings.Cut(p, ";")
	return p
}
