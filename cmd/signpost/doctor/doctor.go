package doctor

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/mail/oauth"
	"signpost/store"
	"signpost/store/blob"
)

// Deps is what is examined, and what of it the doctor cannot reach alone.
type Deps struct {
	Config config.Config
	File   string      // the configuration's
	Tokens oauth.Store // the data file's, or the running service's
	// Running tells whether a service holds the data folder; Open opens its data file.
	Running func() bool
	Open    func() (Database, error)
	// TestAlarm posts a test notice to the webhook.
	TestAlarm func(ctx context.Context) error
}

// Database is the part of the data file that is examined.
type Database interface {
	blob.Names
	Check(ctx context.Context) error
	Stats(ctx context.Context) (store.Stats, error)
	Close() error
}

// Examine tests everything, writes what it finds to out as it comes, with what mends it,
// and returns how many tests failed; one test may take timeout.
func Examine(d Deps, out io.Writer, timeout time.Duration) (failed int) {
	r := &report{out: out, timeout: timeout}
	r.good("configuration", "%s has no fault", d.File)
	checkModes(d.Config, d.File, r)
	checkLook(d.Config, r)
	for _, check := range []func(context.Context, config.Config, *report){
		checkClock, d.checkStore, checkBlobs, checkDNS, d.checkAccounts, d.checkSMTP, d.checkIMAP, d.checkAlarm,
		d.checkCanary,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*timeout)
		check(ctx, d.Config, r)
		cancel()
	}
	return r.bad
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

// checkAlarm posts a test notice.
func (d Deps) checkAlarm(ctx context.Context, cfg config.Config, r *report) {
	const heading = "Alarms"
	if cfg.Alarm.Webhook == "" {
		without := "alarms stand in the log, /readyz, /metrics and at /ops/health alone"
		if len(cfg.Alarm.Mail) > 0 {
			without = "alarms go by mail, which may be what is broken"
		}
		r.warn(heading, "no webhook: %s\nSet alarm.webhook, or watch signpost_alarm, to hear of a tripped breaker at once.",
			without)
		return
	}
	if err := d.TestAlarm(ctx); err != nil {
		r.fail(heading, "%v\n%s", err, hintFor(err))
		return
	}
	r.good(heading, "the webhook took a test notice")
}
