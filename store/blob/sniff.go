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
// invoice.pdf is a program. The type is for showing: what is taken, the door says.
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
	// An archive that begins with META-INF is a Java program's or an office
	// document's that another program than Microsoft's wrote.
	case "application/zip", "application/java-archive", "application/jar":
		return map[string]string{
			".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		}[ext]
	// A document under a password is a zip container within an OLE one ([MS-OFFCRYPTO]
	// section 2.3.2).
	case "application/x-ole-storage":
		return map[string]string{
			".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
			".doc":  "application/msword",
			".xls":  "application/vnd.ms-excel",
			".ppt":  "application/vnd.ms-powerpoint",
			".msg":  "application/vnd.ms-outlook",
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

// HasEnding tells whether a file of this name ends as files of the media type do.
func HasEnding(name, mediaType string) bool {
	known := mimetype.Lookup(mediaType)
	return known != nil && known.Extension() != "" && strings.EqualFold(path.Ext(name), known.Extension())
}
