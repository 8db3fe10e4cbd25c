package web

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// downloadRate is the slowest line a download is kept open for, in bytes a second.
const downloadRate = 8 << 10

// File is an attachment as it is served.
type File struct {
	Name   string
	Type   string // as found in its content
	Hash   string
	Length int64
	// Shown lets the browser show it in place of saving it. The room lets it so for types
	// alone in which nothing can run.
	Shown bool
}

// ServeFile answers with an attachment, byte for byte, with ranges (RFC 9110 section 14):
// as a file to save or to look at, in an answer that runs nothing.
func ServeFile(x *Exchange, f File, content io.ReadSeeker) {
	beginFile(x, f)
	x.Header().Set("ETag", `"`+f.Hash+`"`)
	http.ServeContent(x.Writer, x.Request, "", time.Time{}, content)
}

// WriteFile begins an answer that is a file made on the way, about f.Length bytes long, and
// returns where to write it. A fault after that can only cut the answer off.
func WriteFile(x *Exchange, f File) io.Writer {
	beginFile(x, f)
	x.Writer.WriteHeader(http.StatusOK)
	return x.Writer
}

func beginFile(x *Exchange, f File) {
	x.SetDeadline(time.Minute + time.Duration(f.Length/downloadRate)*time.Second)
	h := x.Header()
	h.Set("Content-Type", safeType(f.Type))
	h.Set("Content-Disposition", disposition(f.Name, f.Shown))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
}

// safeType is the type as found where a browser can make nothing else of it than
// a file to look at: some of them change a name's ending to that of the type, and
// would so make of a text a program.
func safeType(t string) string {
	switch family, _, _ := strings.Cut(t, "/"); {
	case t == "text/plain":
		return "text/plain; charset=utf-8"
	case strings.Contains(t, "xml") && !strings.Contains(t, "openxml"):
		return "application/octet-stream"
	case family == "image", family == "audio", family == "video":
		return t
	}
	switch t {
	case "application/pdf", "text/csv", "text/tab-separated-values", "text/markdown", "text/calendar", "text/rtf",
		"application/json",
		"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook",
		"message/rfc822",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
		"application/vnd.oasis.opendocument.presentation",
		"application/zip", "application/gzip", "application/x-7z-compressed", "application/x-tar", "application/ogg":
		return t
	}
	return "application/octet-stream"
}

// disposition says "save as", or "look at", with the name, encoded where it needs to be
// (RFC 6266, RFC 8187).
func disposition(name string, shown bool) string {
	kind := "attachment"
	if shown {
		kind = "inline"
	}
	if v := mime.FormatMediaType(kind, map[string]string{"filename": name}); v != "" {
		return v
	}
	return kind
}
