package post

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"signpost/intake/web"
)

// Config bounds what one post may hold. Begin with Defaults.
type Config struct {
	MaxFiles int
	MaxFile  int64 // bytes of one file
	MaxTotal int64 // bytes of all files of one post
	// Types are the media types that are taken, "image/*" is all images; none: every
	// type. A name with one of refusedEndings is refused in any case.
	Types []string
	// UploadsPerDay is how many bytes of files are taken within a day, a quarter of
	// them from one network; 0 is no limit. Texts are taken all the same.
	UploadsPerDay int64
	// NetworksAlike says that all clients come from one network, so that no share of
	// the day's bytes is kept for each.
	NetworksAlike bool

	// How slowly a body may arrive before it is cut off.
	MinRate int64         // bytes a second
	Total   time.Duration // for a whole upload
}

// Defaults are the limits of a public form.
func Defaults() Config {
	return Config{
		MaxFiles: 10, MaxFile: 20 << 20, MaxTotal: 50 << 20, UploadsPerDay: 20 << 30,
		MinRate: 2 << 10, Total: 30 * time.Minute,
	}
}

// MaxText is the most characters that a door may allow in one text.
const MaxText = 200_000

const (
	// maxTexts is how many bytes of a post are not files: texts, kept references
	// and the borders between parts.
	maxTexts = 1 << 20
	// maxLine and maxLong bound one text in memory, in bytes. Above the limits by
	// which a text is refused, so that what is refused can be shown again and
	// nothing is cut in silence.
	maxLine = 16 << 10
	maxLong = MaxText * utf8.UTFMax
	// maxParts bounds what a post is made of; a form sends some 30.
	maxParts = 200
	// maxHead bounds the head of one part; mime/multipart alone would take 10 MB
	// of it into memory, for each post under way.
	maxHead = 16 << 10
	// maxBelieved bounds the memory taken for a body before any of it came.
	maxBelieved = 16 << 10
	// maxKept bounds the signed references a post carries.
	maxKept = 100
	// maxNamed is how many files are named that were not taken: a whole folder may
	// have been chosen, and its list helps no reader.
	maxNamed = 10
)

// Validate returns every fault, joined, each beginning with the key of the
// configuration that is at fault and a colon.
func (c Config) Validate() error {
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
	fault(c.MinRate <= 0 || c.Total <= 0, "min_rate, total: must be above zero")
	for _, t := range c.Types {
		fault(!strings.Contains(t, "/"), "types: %q is not a media type like image/png", t)
	}
	return errors.Join(faults...)
}

// Pace is the bound of a route's body that Read reads.
func (r *Reader) Pace() web.Pace {
	return web.Pace{
		Max: r.cfg.MaxTotal + maxTexts, MinRate: r.cfg.MinRate, Grace: 30 * time.Second, Total: r.cfg.Total,
	}
}
