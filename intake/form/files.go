package form

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
)

// maxNamed is how many files are named that were not taken: whoever chose a whole
// folder wants no list of it.
const maxNamed = 10

// takeFile streams one file of a post into the blob store. What is wrong with
// the file becomes a fault of the draft; an error is one of the whole post.
func (f *Form) takeFile(x *web.Exchange, d *draft, name string, content io.Reader) error {
	r := bufio.NewReaderSize(content, blob.SniffBytes)
	head, err := r.Peek(blob.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if name == "" && len(head) == 0 {
		return nil // the empty part of a form in which no file was chosen
	}
	if why := f.noRoom(x); why != "" {
		d.noRoom(x, name, why)
		return nil
	}
	file := store.File{Name: cleanFileName(name)}
	file.Type = blob.Sniff(head, file.Name)
	if fault, refused := f.refuseFile(d, file, name, len(head) == 0); refused {
		if d.refused++; d.refused <= maxNamed {
			d.faults.add("files", fault)
		}
		return nil // the next part passes over the bytes
	}
	left := f.cfg.MaxTotal - d.size()
	file.Hash, file.Size, err = f.deps.Blobs.Put(x.Request.Context(), r, min(f.cfg.MaxFile, left))
	var tooLarge *blob.TooLargeError
	if errors.As(err, &tooLarge) {
		f.guard.uploads.spend(x.Remote(), min(f.cfg.MaxFile, left), time.Now())
		d.faults.add("files", f.tooLarge(file, left))
		return nil
	}
	if err != nil {
		return f.putFailed(err)
	}
	f.guard.uploads.spend(x.Remote(), file.Size, time.Now())
	d.attach(file)
	return nil
}

// noRoom is why no file is taken now, in words for the log; "" when one is.
func (f *Form) noRoom(x *web.Exchange) string {
	switch {
	case f.deps.Room != nil && !f.deps.Room():
		return "the disk is nearly full"
	case !f.guard.uploads.free(x.Remote(), time.Now()):
		return "form.uploads_per_day is used up, in all or by this network"
	}
	return ""
}

// noRoom refuses files while there is room for texts alone, which are worth
// more: the request itself is taken as soon as it comes without them.
func (d *draft) noRoom(x *web.Exchange, name, why string) {
	if !d.faults.any(func(p problem) bool { return p.later }) {
		x.Log.Warn("files not taken", "request", x.ID, "why", why)
		x.Header().Set("Retry-After", strconv.Itoa(int(retryFull/time.Second)))
		d.faults.add("files", problem{key: "form.files_room", later: true})
	}
	d.miss(name)
}

// putFailed tells the client's fault from ours.
func (f *Form) putFailed(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.Is(err, web.ErrSlow) || errors.As(err, &tooLarge) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &web.Fault{Status: http.StatusServiceUnavailable, RetryAfter: retryFull, Err: fmt.Errorf("take file: %w", err)}
}

func (f *Form) tooLarge(file store.File, left int64) problem {
	if left < f.cfg.MaxFile {
		return problem{key: "form.files_total", pairs: []any{"name", file.Name, "limit", size(f.cfg.MaxTotal)}, tooLarge: true}
	}
	return problem{key: "form.file_large", pairs: []any{"name", file.Name, "limit", size(f.cfg.MaxFile)}, tooLarge: true}
}

// refuseFile judges a file by the name it was sent under and, last, by what it
// holds.
func (f *Form) refuseFile(d *draft, file store.File, sent string, empty bool) (problem, bool) {
	// Cleaning must not make of the name one that would have been refused.
	ending := cmp.Or(refusedEnding(sent), refusedEnding(file.Name))
	switch {
	case ending != "":
		return problem{key: "form.file_ending", pairs: []any{"name", file.Name, "ending", ending}}, true
	case len(d.Files) >= f.cfg.MaxFiles:
		return problem{key: "form.files_many", pairs: []any{"name", file.Name, "count", f.cfg.MaxFiles}}, true
	case empty:
		return problem{key: "form.file_empty", pairs: []any{"name", file.Name}}, true
	case !f.wanted(file):
		return problem{key: "form.file_type", pairs: []any{"name", file.Name}}, true
	}
	return problem{}, false
}

// wanted tells a file of the configured types, by what it holds or by its name: of
// a document under a password the content tells nothing. None: every type.
func (f *Form) wanted(file store.File) bool {
	return len(f.cfg.Types) == 0 || slices.ContainsFunc(f.cfg.Types, func(t string) bool {
		family, all := strings.CutSuffix(t, "/*")
		return t == file.Type || all && strings.HasPrefix(file.Type, family+"/") || blob.HasEnding(file.Name, t)
	})
}

// attach adds a file unless the same one is there already.
func (d *draft) attach(file store.File) {
	for _, have := range d.Files {
		if have.Hash == file.Hash && have.Name == file.Name {
			return
		}
	}
	d.Files = append(d.Files, file)
}

func (d *draft) size() int64 {
	var total int64
	for _, f := range d.Files {
		total += f.Size
	}
	return total
}

// size writes bytes for people: "20 MB". The unit is 1,024 based, as every
// computer's file window shows it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000<<10:
		return fmt.Sprintf("%d KB", (n+1<<9)>>10)
	case n < 10<<20 && n%(1<<20) != 0:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d MB", (n+1<<19)>>20)
}
