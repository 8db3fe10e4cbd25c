package post

import (
	"time"

	"signpost/store/text"
)

// FileArea is what the file area of a page shows.
type FileArea struct {
	Kept                      []KeptFile
	MaxFiles                  int
	MaxFile, MaxTotal         int64 // bytes
	MaxFileText, MaxTotalText string
	Again                     bool     // chosen files may have to be chosen again
	Left                      []string // the names of those, as far as they are known
	More                      int      // how many besides
	Refused                   string   // refusedEndings, for the page's script
}

// KeptFile is a file that is in the blob store already. The form carries Token in a
// field named "kept".
type KeptFile struct {
	Name, Size, Token string
	Bytes             int64
}

// FileArea shows the limits and what a draft holds.
func (r *Reader) FileArea(now time.Time, d *Draft) FileArea {
	area := FileArea{
		MaxFiles: r.cfg.MaxFiles, MaxFile: r.cfg.MaxFile, MaxTotal: r.cfg.MaxTotal,
		MaxFileText: text.Size(r.cfg.MaxFile), MaxTotalText: text.Size(r.cfg.MaxTotal),
		Again: d.Missed, Left: d.left, More: d.more, Refused: refusedEndings,
	}
	for _, f := range d.Files {
		area.Kept = append(area.Kept, KeptFile{Name: f.Name, Size: text.Size(f.Size), Token: r.keep(now, f), Bytes: f.Size})
	}
	return area
}
