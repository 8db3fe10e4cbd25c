package outbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Traits are what the relay showed of itself on its last connection, without what
// it has refused since.
type Traits struct {
	Known      bool // false until the relay has been spoken with
	SMTPUTF8   bool // addresses beyond ASCII (RFC 6531)
	DSN        bool // delivery status notifications (RFC 3461)
	EightBit   bool // 8BITMIME (RFC 6152)
	Pipelining bool // RFC 2920
	SizeLimit  int64
	// PerSession is how many mails one connection carries before the relay takes no
	// more over it; 0: no limit was met.
	PerSession int
	Auth       []string // the mechanisms offered, in upper case
	// Refused are the EHLO keywords that the relay offered, and refused in use.
	Refused []string
	// Clear is why mail goes in the clear under TLSOpportunistic though STARTTLS is
	// offered; "" when it does not.
	Clear string
}

// The keywords of EHLO whose parameters a mail can do without (RFC 1870, RFC 6152,
// RFC 3461), and the one it cannot when it has an address beyond ASCII (RFC 6531).
const (
	extSize     = "SIZE"
	ext8BitMIME = "8BITMIME"
	extDSN      = "DSN"
	extSMTPUTF8 = "SMTPUTF8"
)

// learned is what all connections to one relay know of it. It is safe for
// concurrent use.
type learned struct {
	mu         sync.Mutex
	ext        extensions // nil until a relay was greeted
	refused    map[string]bool
	perSession int
	clear      string
}

func newLearned() *learned { return &learned{refused: map[string]bool{}} }

// offered takes down what a relay offers and returns what of it is to be used.
func (l *learned) offered(ext extensions) extensions {
	l.mu.Lock()
	defer l.mu.Unlock()
	use := extensions{}
	maps.Copy(use, ext)
	maps.DeleteFunc(use, func(keyword, _ string) bool { return l.refused[keyword] })
	l.ext = use
	return maps.Clone(use)
}

// forgo takes down that parameters of a keyword are refused.
func (l *learned) forgo(keyword string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[keyword] = true
	delete(l.ext, keyword)
}

// limited takes down after how many mails a connection took no more.
func (l *learned) limited(mails int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perSession = mails
}

// limit is how many mails a connection carries, 0 for any number.
func (l *learned) limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.perSession
}

// inClear takes down why a connection is not encrypted, "" when it is, and tells
// whether that is news.
func (l *learned) inClear(why string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := (l.clear == "") != (why == "")
	l.clear = why
	return news
}

// traits are what is known now.
func (l *learned) traits() Traits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Traits{
		Known: l.ext != nil, SMTPUTF8: l.ext.has(extSMTPUTF8), DSN: l.ext.has(extDSN), EightBit: l.ext.has(ext8BitMIME),
		Pipelining: l.ext.has("PIPELINING"), SizeLimit: l.ext.sizeLimit(), PerSession: l.perSession,
		Auth: l.ext.mechanisms(), Refused: slices.Sorted(maps.Keys(l.refused)), Clear: l.clear,
	}
}

// mechanisms are the AUTH mechanisms offered, each once, in upper case.
func (e extensions) mechanisms() (all []string) {
	for _, m := range strings.Fields(strings.ToUpper(e["AUTH"])) {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// extensions are the EHLO keywords with their parameters (RFC 5321 section
// 4.1.1.1), keywords in upper case.
type extensions map[string]string

func (e extensions) has(keyword string) bool { _, ok := e[keyword]; return ok }

// sizeLimit is the largest message the relay takes (RFC 1870), 0 for no limit
// made known.
func (e extensions) sizeLimit() int64 {
	n, err := strconv.ParseInt(e[extSize], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// parseExtensions reads the lines of EHLO, whatever white space parts them. AUTH may
// stand in several, also as "AUTH=LOGIN", as servers wrote it before RFC 4954 for
// clients of that time: all are joined.
func parseExtensions(text string) extensions {
	ext := make(extensions)
	lines := strings.Split(text, "\n")
	for _, line := range lines[1:] { // the first names the server
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		keyword, parameters := strings.ToUpper(words[0]), strings.Join(words[1:], " ")
		if first, ok := strings.CutPrefix(keyword, "AUTH="); ok {
			keyword, parameters = "AUTH", first+" "+parameters
		}
		if keyword == "AUTH" {
			parameters = strings.TrimSpace(ext[keyword] + " " + parameters)
		}
		ext[keyword] = parameters
	}
	return ext
}
