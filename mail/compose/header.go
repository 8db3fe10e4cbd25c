package compose

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"signpost/store"
	"signpost/store/addr"
)

const (
	foldAt  = 76  // RFC 2047 section 2 for encoded words; RFC 5322 asks for 78
	maxName = 120 // characters of a display name or a ticket number
	maxID   = 900 // bytes of a Message-ID, so that it fits a line of 998
	// wordBytes go into one encoded word: as base64 they make 52 characters, 64
	// with the frame, and so fit the first line of any field used here.
	wordBytes = 39
	// ancestors kept at either end of References.
	ancestors = 10
)

// header is a header block being written, each field folded and ended by CRLF.
type header struct{ strings.Builder }

// raw writes a field whose value is in its wire form already, folded at spaces.
// It is the last guard against header injection: what could end the line
// becomes a space, also when an earlier check let it through.
func (h *header) raw(name, value string) {
	h.WriteString(name)
	h.WriteByte(':')
	column := len(name) + 1
	for token := range strings.FieldsFuncSeq(value, breaksField) {
		if column+1+len(token) > foldAt && column > len(name)+1 {
			h.WriteString("\r\n")
			column = 0
		}
		h.WriteByte(' ')
		h.WriteString(token)
		column += 1 + len(token)
	}
	h.WriteString("\r\n")
}

func breaksField(r rune) bool { return r <= ' ' || r == 0x7f }

// text writes an unstructured field, RFC 2047 encoded where it has to be.
func (h *header) text(name, value string) {
	value = clean(value, 400)
	if isASCII(value) && !strings.Contains(value, "=?") {
		h.raw(name, value)
		return
	}
	h.raw(name, encodedWords(value))
}

// thread writes In-Reply-To and References (RFC 5322 section 3.6.4). An id that
// could not stand in a header is left out; without a good id of the mail
// answered so are both. Of a long line of ancestors the first and the last ten
// stay: clients thread by the root and by the nearest.
func (h *header) thread(inReplyTo string, references []string) {
	if !validID(inReplyTo) {
		return
	}
	var ids []string
	for _, id := range references {
		if validID(id) && id != inReplyTo {
			ids = append(ids, "<"+id+">")
		}
	}
	ids = append(ids, "<"+inReplyTo+">")
	if len(ids) > 2*ancestors {
		ids = append(ids[:ancestors:ancestors], ids[len(ids)-ancestors:]...)
	}
	h.raw("In-Reply-To", "<"+inReplyTo+">")
	h.raw("References", strings.Join(ids, " "))
}

// conversation writes what Outlook threads by, where it looks at neither In-Reply-To nor
// References ([MS-OXOMSG] section 2.2.1.3): an index of 22 bytes, the same for all mails of a
// ticket, and behind it five bytes of each mail but the first.
func (h *header) conversation(o store.Outbound, subject string) {
	root := cmp.Or(slices.Concat(o.References, []string{o.InReplyTo, o.MessageID})...)
	guid := sha256.Sum256([]byte(strings.ToLower(root)))
	index := binary.BigEndian.AppendUint64(nil, filetime(conversationsBegin))[:6]
	index = append(index, guid[:16]...)
	if root != o.MessageID {
		own := sha256.Sum256([]byte(o.MessageID))
		since := (filetime(o.QueuedAt) - filetime(conversationsBegin)) >> 23
		index = binary.BigEndian.AppendUint32(index, 1<<31|uint32(since&(1<<31-1)))
		index = append(index, own[0])
	}
	h.text("Thread-Topic", subject)
	h.raw("Thread-Index", base64.StdEncoding.EncodeToString(index))
}

// conversationsBegin stands for the instant of a ticket's first mail, which its later ones do
// not know. What follows it within 57 years keeps its order.
var conversationsBegin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// filetime counts a tenth of a microsecond since 1601 ([MS-DTYP] section 2.3.3).
func filetime(t time.Time) uint64 { return uint64(t.UnixMicro())*10 + 116444736000000000 }

// validID tells whether an id, without its angle brackets, can stand in a
// header. Real ids break the grammar of RFC 5322 in many ways and thread all
// the same, so this asks only what keeps the header whole.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f || id[i] == '<' || id[i] == '>' {
			return false
		}
	}
	return true
}

// validMessageID is stricter with our own: exactly one "@", not at an end.
func validMessageID(id string) bool {
	at := strings.IndexByte(id, '@')
	return validID(id) && strings.Count(id, "@") == 1 && at > 0 && at < len(id)-1
}

var errAddress = errors.New("not a mail address")

// parseAddress checks a bare address as every door does and returns it with its
// domain in ASCII, so that only a local part beyond ASCII needs SMTPUTF8. The
// error does not repeat the address: errors are logged.
func parseAddress(address string) (string, error) {
	bare, problem := addr.Parse(address)
	if problem != "" {
		return "", fmt.Errorf("%w: it %s", errAddress, problem.Sentence())
	}
	return bare, nil
}

// mailbox is a display name and an address as a From field shows them. The name
// has been cleaned.
func mailbox(name, address string) string {
	switch {
	case name == "":
		return address
	case !isASCII(name):
		return encodedWords(name) + " <" + address + ">"
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -") == "":
		return name + " <" + address + ">"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `" <` + address + ">"
}

// encodedWords writes text as RFC 2047 encoded words, parted between characters.
// Readers drop the spaces between two words, so text in one word or in five
// reads the same.
func encodedWords(text string) string {
	var words []string
	for len(text) > 0 {
		n := min(wordBytes, len(text))
		for n < len(text) && n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(text[:n]))+"?=")
		text = text[n:]
	}
	return strings.Join(words, " ")
}

// clean makes one line of text that was configured or stored: valid UTF-8, no
// control characters, none of the invisible marks that turn the reading
// direction, single spaces, at most limit characters.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > limit {
		text = strings.TrimSpace(string([]rune(text)[:limit]))
	}
	return text
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
