package form

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config bounds what the form takes. Begin with Defaults.
type Config struct {
	Categories []string // offered in the form; none: the field is left out
	MaxFiles   int
	MaxFile    int64 // bytes of one file
	MaxTotal   int64 // bytes of all files of one post
	// Types are the media types that are taken, "image/*" is all images; none: every
	// type. A name with one of refusedEndings is refused in any case.
	Types []string
	// UploadsPerDay is how many bytes of files are taken within a day, a quarter of
	// them from one network; 0 is no limit. Texts are taken all the same.
	UploadsPerDay int64

	MinDescription, MaxDescription int // characters, after trimming

	LinkKept time.Duration // how long a mailed link opens its ticket

	// MinFill is how long a person takes at least; a form that comes back sooner
	// is shown again.
	MinFill time.Duration
	// ProofOfWork is how many bits of work a browser does before it may post: 2
	// to that power hashes at most. 0 is off.
	ProofOfWork int
	// How many posts are taken an hour from one network, and from there for one
	// address; 0 is no limit. Of a network, here and below: of the smallest that an
	// address lies in; a wider one has its share more (origin.Networks).
	PostsPerNetwork int
	PostsPerAddress int

	// How often a confirmation may be mailed, an hour and a day; 0 is no limit. An
	// address is a mailbox (origin.Mailbox), a domain a registered one, but none under
	// which strangers have addresses.
	ConfirmationsPerAddress, ConfirmationsPerAddressDay int
	ConfirmationsPerDomain, ConfirmationsPerDomainDay   int
	ConfirmationsPerNetwork, ConfirmationsPerNetworkDay int
	ConfirmationsInAll, ConfirmationsInAllDay           int
	// PublicHosts are further domains, in lower case, under which strangers to one
	// another have addresses, beside those of origin.IsPublicHost.
	PublicHosts []string

	// How slowly a body may arrive before it is cut off.
	MinRate int64         // bytes a second
	Total   time.Duration // for a whole upload
}

// Defaults are the limits of a public form.
func Defaults() Config {
	return Config{
		MaxFiles: 10, MaxFile: 20 << 20, MaxTotal: 50 << 20, UploadsPerDay: 20 << 30,
		MinDescription: 20, MaxDescription: 20_000,
		LinkKept:                365 * 24 * time.Hour,
		MinFill:                 3 * time.Second,
		PostsPerNetwork:         30,
		PostsPerAddress:         20,
		ConfirmationsPerAddress: 10, ConfirmationsPerAddressDay: 20,
		ConfirmationsPerDomain: 30, ConfirmationsPerDomainDay: 100,
		ConfirmationsPerNetwork: 60, ConfirmationsPerNetworkDay: 240,
		ConfirmationsInAll: 2000, ConfirmationsInAllDay: 20_000,
		MinRate: 2 << 10, Total: 30 * time.Minute,
	}
}

// Lengths in characters of the fields that fit on a line.
const (
	maxName    = 200
	maxTitle   = 200
	maxKey     = 200 // bytes, as store.NewTicket.Idempotency says
	minMessage = 1   // of a follow-up: "yes" is an answer
)

// mostDescription is the most that MaxDescription may be.
const mostDescription = 200_000

// Validate returns every fault, joined, each beginning with the key of the
// configuration that is at fault and a colon.
func (c Config) Validate() error {
	const day = 24 * time.Hour
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.MaxFiles < 0 || c.MaxFiles > 100, "max_files: %d is not between 0 and 100", c.MaxFiles)
	fault(c.MaxFile <= 0 || c.MaxTotal < c.MaxFile, "max_file: one file may not be larger than all together")
	fault(c.UploadsPerDay < 0 || c.UploadsPerDay > 0 && c.UploadsPerDay < c.MaxTotal,
		"uploads_per_day: less than one post may hold (max_total); 0 is no limit")
	fault(c.MinDescription < 1 || c.MaxDescription < c.MinDescription || c.MaxDescription > mostDescription,
		"min_description: between %d and %d characters (max_description, %d at most) makes no sense", c.MinDescription, c.MaxDescription, mostDescription)
	fault(c.LinkKept < day || c.LinkKept > 3650*day, "link_days: %v is not between a day and ten years", c.LinkKept)
	fault(c.MinRate <= 0 || c.Total <= 0, "min_rate, total: must be above zero")
	fault(c.MinFill < 0 || c.MinFill > time.Minute, "min_fill: %v is not between 0 and a minute", c.MinFill)
	fault(c.ProofOfWork < 0 || c.ProofOfWork > 26, "proof_of_work: %d is not between 0 and 26 bits", c.ProofOfWork)
	for _, t := range c.Types {
		fault(!strings.Contains(t, "/"), "types: %q is not a media type like image/png", t)
	}
	return errors.Join(faults...)
}
