package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
)

// CheckCmd tests a configuration against the live world: each line says what
// holds, what does not, and what to do.
type CheckCmd struct {
	Config  string        `required:"" help:"Configuration file." placeholder:"FILE"`
	Timeout time.Duration `default:"20s" help:"How long one test may take (${default})."`
}

// Run prints every finding and fails when one of them keeps mail from flowing.
func (c *CheckCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	r := &report{out: env.stdout, timeout: c.Timeout}
	r.good("configuration", "%s has no fault", c.Config)
	checkModes(cfg, c.Config, r)
	for _, check := range []func(context.Context, config.Config, *report){
		checkClock, checkStore, checkBlobs, checkDNS, checkAccounts, checkSMTP, checkIMAP, checkAlarm, checkCanary,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*c.Timeout)
		check(ctx, cfg, r)
		cancel()
	}
	if r.bad > 0 {
		return fmt.Errorf("%d of the tests failed; what to do stands below each", r.bad)
	}
	_, err = fmt.Fprintln(env.stdout, "\nReady: signpost serve --config", c.Config)
	return err
}

// report writes findings as they come.
type report struct {
	out     io.Writer
	timeout time.Duration
	bad     int
	notes   int
	heading string
}

func (r *report) good(heading, format string, args ...any) { r.line("ok  ", heading, format, args) }
func (r *report) warn(heading, format string, args ...any) {
	r.notes++
	r.line("note", heading, format, args)
}
func (r *report) fail(heading, format string, args ...any) {
	r.bad++
	r.line("FAIL", heading, format, args)
}

func (r *report) line(mark, heading, format string, args []any) {
	if heading != r.heading {
		fmt.Fprintf(r.out, "\n%s\n", heading)
		r.heading = heading
	}
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n         ")
	fmt.Fprintf(r.out, "  %s  %s\n", mark, text)
}

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
		r.fail(heading, "MX: the domain says that it takes no mail (RFC 7505)\nBounces to the support address must reach a mailbox: publish an MX record.")
	default:
		r.good(heading, "MX: %s", mx[0].Host)
	}
	checkRecord(ctx, dns, r, heading, "SPF", domain, "v=spf1", "Publish a TXT record such as \"v=spf1 include:YOUR_RELAY -all\" (RFC 7208), or receivers will distrust our mail.")
	checkRecord(ctx, dns, r, heading, "DMARC", "_dmarc."+domain, "v=DMARC1", "Publish a TXT record at _dmarc such as \"v=DMARC1; p=quarantine\" (RFC 7489), or anybody can write in our name.")
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
