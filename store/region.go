package store

import "time"

// Region is one object: who is served, by which address, in which languages and
// hours. Regions come from the configuration.
type Region struct {
	ID        string   // lower-case letters, digits and dashes
	Prefix    string   // of its ticket numbers: "US"
	Address   string   // the support address mail comes from; never read
	Name      string   // display name in From and on pages
	Countries []string // ISO 3166 alpha-2; empty: every country no other region names
	Languages []string // BCP 47; the first is the default
	Zone      string   // IANA time zone
	Hours     string   // "Mon-Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00"
	Holidays  []string // YYYY-MM-DD, in Zone
	// Promised business time.
	FirstResponse time.Duration
	Resolution    time.Duration
	Mailbox       string // id of the mailbox in which Address's mail arrives
	Signature     string // plain text under an agent's reply
	// AttachFiles is up to how many bytes together, MaxAttached at most, the files of a reply
	// go along in its mail; 0: they are links alone. See Attaches.
	AttachFiles int64
}

// Attaches tells whether the files of a reply go along in its mail, all of them or none:
// to an address that is proven alone, since another's reader may be a stranger.
func (r Region) Attaches(proven bool, files []File) bool {
	var total int64
	for _, f := range files {
		total += f.Size
	}
	return proven && len(files) > 0 && total <= min(r.AttachFiles, MaxAttached)
}

// RegionOf picks the region that serves a country: the one that names it, else
// the one that names none. False when there is neither.
func RegionOf(regions []Region, country string) (Region, bool) {
	var rest *Region
	for i := range regions {
		if len(regions[i].Countries) == 0 && rest == nil {
			rest = &regions[i]
		}
		for _, c := range regions[i].Countries {
			if c == country {
				return regions[i], true
			}
		}
	}
	if rest == nil {
		return Region{}, false
	}
	return *rest, true
}
