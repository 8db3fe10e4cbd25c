package blob

import (
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// SniffBytes is how much of a file's beginning Sniff looks at.
const SniffBytes = 4096

// Sniff tells the media type of a file by the first SniffBytes of its content,
// without parameters: "application/octet-stream" where nothing is recognised.
// The name is believed only where content cannot tell: which office document a
// zip or OLE container is, which notation a plain text. So a program named
// invoice.pdf is a program.
func Sniff(head []byte, name string) string {
	found, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	found = strings.TrimSpace(found)
	if refined := refine(found, strings.ToLower(path.Ext(name))); refined != "" {
		return refined
	}
	return found
}

// refine names the more exact type that an extension gives content of a type
// that stands for many; "" when it gives none.
func refine(found, ext string) string {
	switch found {
	case "application/zip":
		return map[string]string{
			".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		}[ext]
	case "application/x-ole-storage":
		return map[string]string{
			".doc": "application/msword",
			".xls": "application/vnd.ms-excel",
			".ppt": "application/vnd.ms-powerpoint",
			".msg": "application/vnd.ms-outlook",
		}[ext]
	case "text/plain":
		return map[string]string{
			".csv":  "text/csv",
			".md":   "text/markdown",
			".eml":  "message/rfc822",
			".ics":  "text/calendar",
			".json": "application/json",
		}[ext]
	}
	return ""
}
