package form

import (
	"errors"
	"fmt"
	"time"

	"signpost/intake/post"
)

// Config bounds what the form takes beside its files, which post.Config does. Begin with
// Defaults.
type Config struct {
	Categories []string // offered in the form; none: the field is left out

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
}

// Defaults are the limits of a public form.
func Defaults() Config {
	return Config{
		MinDescription: 20, MaxDescription: 20_000,
		LinkKept:                365 * 24 * time.Hour,
		MinFill:                 3 * time.Second,
		PostsPerNetwork:         30,
		PostsPerAddress:         20,
		ConfirmationsPerAddress: 10, ConfirmationsPerAddressDay: 20,
		ConfirmationsPerDomain: 30, ConfirmationsPerDomainDay: 100,
		ConfirmationsPerNetwork: 60, ConfirmationsPerNetworkDay: 240,
		ConfirmationsInAll: 2000, ConfirmationsInAllDay: 20_000,
	}
}

// Lengths in characters of the fields that fit on a line.
const (
	maxName  = 200
	maxTitle = 200
)

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
	fault(c.MinDescription < 1 || c.MaxDescription < c.MinDescription || c.MaxDescription > post.MaxText,
		"min_description: between %d and %d characters (max_description, %d at most) makes no sense",
		c.MinDescription, c.MaxDescription, post.MaxText)
	fault(c.LinkKept < day || c.LinkKept > 3650*day, "link_days: %v is not between a day and ten years", c.LinkKept)
	fault(c.MinFill < 0 || c.MinFill > time.Minute, "min_fill: %v is not between 0 and a minute", c.MinFill)
	fault(c.ProofOfWork < 0 || c.ProofOfWork > 26, "proof_of_work: %d is not between 0 and 26 bits", c.ProofOfWork)
	return errors.Join(faults...)
}
