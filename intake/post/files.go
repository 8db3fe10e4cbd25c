package post

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/blob"
	"signpost/store/text"
)

// takeFile streams one file of a post into the blob store. What is wrong with
// the file becomes a fault of the draft; an error is one of the whole post.
func (r *Reader) takeFile(x *web.Exchange, d *Draft, name string, content io.Reader) error {
	body := bufio.NewReaderSize(content, blob.SniffBytes)
	head, err := body.Peek(blob.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if name == "" && len(head) == 0 {
		return nil // the empty part of a form in which no file was chosen
	}
	if why := r.noRoom(x); why != "" {
		d.noRoom(x, name, why)
		return nil
	}
	file := store.File{Name: FileName(name)}
	file.Type = blob.Sniff(head, file.Name)
	if fault, refused := r.refuseFile(d, file, name, len(head) == 0); refused {
		if d.refused++; d.refused <= maxNamed {
			d.AddFault(fieldFiles, fault)
		}
		return nil // the next part passes over the bytes
	}
	left := r.cfg.MaxTotal - d.size()
	file.Hash, file.Size, err = r.deps.Blobs.Put(x.Request.Context(), body, min(r.cfg.MaxFile, left))
	var tooLarge *blob.TooLargeError
	if errors.As(err, &tooLarge) {
		r.uploads.spend(x.Remote(), min(r.cfg.MaxFile, left), time.Now())
		d.AddFault(fieldFiles, r.tooLarge(file, left))
		return nil
	}
	if err != nil {
		return r.putFailed(err)
	}
	r.uploads.spend(x.Remote(), file.Size, time.Now())
	if !d.has(file) {
		d.Files = append(d.Files, file)
	}
	return nil
}

// noRoom is why no file is taken now, in words for the log; "" when one is.
func (r *Reader) noRoom(x *web.Exchange) string {
	switch {
	case r.deps.Room != nil && !r.deps.Room():
		return "the disk is nearly full"
	case !r.uploads.free(x.Remote(), time.Now()):
		return "form.uploads_per_day is used up, in all or by this network"
	}
	return ""
}

// noRoom refuses files while there is room for texts alone, which are worth
// more: the request itself is taken as soon as it comes without them.
func (d *Draft) noRoom(x *web.Exchange, name, why string) {
	if !d.faults.any(func(p Problem) bool { return p.later }) {
		x.Log.Warn("files not taken", "request", x.ID, "why", why)
		setRetry(x)
		d.AddFault(fieldFiles, Problem{Key: "post.files_room", later: true})
	}
	d.miss(name)
}

// putFailed tells the client's fault from ours.
func (r *Reader) putFailed(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.Is(err, web.ErrSlow) || errors.As(err, &tooLarge) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &web.Fault{Status: http.StatusServiceUnavailable, RetryAfter: retryFull, Err: fmt.Errorf("take file: %w", err)}
}

func (r *Reader) tooMany(file store.File) Problem {
	return Problem{Key: "post.files_many", Pairs: []any{"name", file.Name, "count", r.cfg.MaxFiles}}
}

func (r *Reader) tooLarge(file store.File, left int64) Problem {
	if left < r.cfg.MaxFile {
		limit := []any{"name", file.Name, "limit", text.Size(r.cfg.MaxTotal)}
		return Problem{Key: "post.files_total", Pairs: limit, tooLarge: true}
	}
	limit := []any{"name", file.Name, "limit", text.Size(r.cfg.MaxFile)}
	return Problem{Key: "post.file_large", Pairs: limit, tooLarge: true}
}

// refuseFile judges a file by the name it was sent under and, last, by what it
// holds.
func (r *Reader) refuseFile(d *Draft, file store.File, sent string, empty bool) (Problem, bool) {
	// Cleaning must not make of the name one that would have been refused.
	ending := cmp.Or(refusedEnding(sent), refusedEnding(file.Name))
	switch {
	case ending != "":
		return Problem{Key: "post.file_ending", Pairs: []any{"name", file.Name, "ending", ending}}, true
	case len(d.Files) >= r.cfg.MaxFiles:
		return r.tooMany(file), true
	case empty:
		return Problem{Key: "post.file_empty", Pairs: []any{"name", file.Name}}, true
	case !r.wanted(file):
		return Problem{Key: "post.file_type", Pairs: []any{"name", file.Name}}, true
	}
	return Problem{}, false
}

// wanted tells a file of the configured types, by what it holds or by its name: of
// a document under a password the content tells nothing. None: every type.
func (r *Reader) wanted(file store.File) bool {
	return len(r.cfg.Types) == 0 || slices.ContainsFunc(r.cfg.Types, func(t string) bool {
		family, all := strings.CutSuffix(t, "/*")
		return t == file.Type || all && strings.HasPrefix(file.Type, family+"/") || blob.HasEnding(file.Name, t)
	})
}
