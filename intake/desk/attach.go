package desk

import (
	"signpost/intake/post"
	"signpost/store"
	"signpost/store/text"
)

// attaching says how the files of the reply being written go: in its mail, or as links to
// the ticket's page. What is decided when it is sent is store.Region.Attaches.
type attaching struct {
	Limit int64  // bytes together that go along in the mail, 0: none do
	Now   string // of the files that the form holds
	// What the page's script says of the files chosen since: of none, of those that go along,
	// and of more.
	None, Attached, Linked string
}

func attachingOf(r store.Region, proven bool, kept []post.KeptFile) attaching {
	most := min(r.AttachFiles, store.MaxAttached)
	switch {
	case most <= 0:
		return attaching{Now: "Files are linked from the mail."}
	case !proven:
		return attaching{Now: "Files are linked from the mail, since the address is not proven."}
	}
	limit := text.Size(most)
	a := attaching{
		Limit: most, None: "Files up to " + limit + " together are attached to the mail, more are linked from it.",
		Attached: "The files are attached to the mail.",
		Linked:   "The files are linked from the mail, since they are larger than " + limit + " together.",
	}
	files := make([]store.File, len(kept))
	for i, f := range kept {
		files[i].Size = f.Bytes
	}
	switch {
	case len(files) == 0:
		a.Now = a.None
	case r.Attaches(proven, files):
		a.Now = a.Attached
	default:
		a.Now = a.Linked
	}
	return a
}
