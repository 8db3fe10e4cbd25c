package form

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
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
func (f *Form) takeFile(x *web.Exchange, d *draft, part *multipart.Part) error {
	r := bufio.NewReaderSize(part, blob.SniffBytes)
	head, err := r.Peek(blob.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if part.FileName() == "" && len(head) == 0 {
		return nil // the empty part of a form in which no file was chosen
	}
	if f.deps.Room != nil && !f.deps.Room() {
		d.noRoom(x)
		return nil
	}
	file := store.File{Name: cleanFileName(part.FileName())}
	file.Type = blob.Sniff(head, file.Name)
	if fault, refused := f.refuseFile(d, file); refused {
		if len(d.faults["files"]) < maxNamed {
			d.faults.add("files", fault)
		}
		return nil // the next part passes over the bytes
	}
	left := f.cfg.MaxTotal - d.size()
	file.Hash, file.Size, err = f.deps.Blobs.Put(x.Request.Context(), r, min(f.cfg.MaxFile, left))
	var tooLarge *blob.TooLargeError
	if errors.As(err, &tooLarge) {
		d.faults.add("files", f.tooLarge(file, left))
		return nil
	}
	if err != nil {
		return f.putFailed(err)
	}
	d.attach(file)
	return nil
}

// noRoom refuses files while the disk has room for texts alone, which are worth
// more: the request itself is taken as soon as it comes without them.
func (d *draft) noRoom(x *web.Exchange) {
	if !d.faults.any(func(p problem) bool { return p.later }) {
		x.Log.Warn("files not taken: the disk is nearly full", "request", x.ID)
		x.Header().Set("Retry-After", strconv.Itoa(int(retryFull/time.Second)))
		d.faults.add("files", problem{key: "form.files_room", later: true})
	}
	d.Missed = true
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

func (f *Form) refuseFile(d *draft, file store.File) (problem, bool) {
	switch {
	case len(d.Files) >= f.cfg.MaxFiles:
		return problem{key: "form.files_many", pairs: []any{"name", file.Name, "count", f.cfg.MaxFiles}}, true
	case !f.allowed(file):
		return problem{key: "form.file_type", pairs: []any{"name", file.Name}}, true
	}
	return problem{}, false
}

// allowed judges a file by its content and by its name: by the name alone where
// a computer would run a file for it whatever it holds.
func (f *Form) allowed(file store.File) bool {
	if runsByName(file.Name) {
		return false
	}
	return slices.ContainsFunc(f.cfg.Types, func(t string) bool {
		family, all := strings.CutSuffix(t, "/*")
		return t == file.Type || all && strings.HasPrefix(file.Type, family+"/")
	})
}

// runsByName tells the extensions that a double click runs, a browser acts on, or
// that send whoever opens them elsewhere without a word.
func runsByName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".exe", ".com", ".scr", ".pif", ".bat", ".cmd", ".cpl", ".dll", ".sys", ".msi", ".msp", ".msc", ".inf", ".reg",
		".appx", ".appxbundle", ".msix", ".msixbundle", ".appinstaller", ".application", ".gadget", ".diagcab",
		".ps1", ".ps1xml", ".psm1", ".psc1", ".vb", ".vbs", ".vbe", ".js", ".jse", ".mjs", ".ws", ".wsc", ".wsf", ".wsh", ".sct", ".hta",
		".jar", ".jnlp", ".py", ".pyc", ".pyw", ".pyz", ".pyzw",
		".app", ".dmg", ".pkg", ".mpkg", ".command", ".terminal", ".workflow", ".scpt", ".applescript",
		".sh", ".bash", ".csh", ".ksh", ".zsh", ".run", ".desktop", ".deb", ".rpm", ".appimage", ".flatpakref", ".apk", ".xpi", ".crx",
		".iso", ".img", ".vhd", ".vhdx":
		return true // programs, scripts, and what installs or mounts them
	case ".html", ".htm", ".xhtml", ".xht", ".mht", ".mhtml", ".shtml", ".htc", ".svg", ".svgz", ".xsl", ".xslt", ".swf", ".chm":
		return true // pages
	case ".lnk", ".url", ".website", ".webloc", ".inetloc", ".fileloc", ".scf", ".rdp", ".theme", ".themepack", ".appref-ms",
		".settingcontent-ms", ".library-ms", ".search-ms", ".searchconnector-ms":
		return true // pointers to somewhere else
	case ".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".xla", ".xll", ".iqy", ".slk", ".pptm", ".potm", ".ppsm", ".ppam", ".sldm",
		".one", ".ade", ".mde", ".accde":
		return true // documents with programs in them, or that fetch something when opened
	}
	return false
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
