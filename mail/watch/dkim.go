package watch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"signpost/mail/header"
)

// maxSignatures is how many DKIM signatures of one mail are verified; each
// costs a DNS question and a pass over the mail.
const maxSignatures = 5

// The library that verifies takes time that grows with the square of a field's
// lines, of the fields, and of the empty lines of a text: a stranger's mail could
// keep it busy for a day. No honest header comes near these bounds.
const (
	verifyLimit      = 5 * time.Second // one mail; the largest takes one
	signedFields     = 1000
	fieldLines       = 1000
	maxSignedField   = 16 << 10 // bytes of one field
	maxSignatureSize = 8 << 10  // bytes of one DKIM-Signature
	maxEmpty         = 64 << 10 // line ends in a row: the library copies them all with each block that it reads
)

// modest tells a header that can be verified in little time, that ends within head, and
// in which the library reads the same fields as we do. Its lines end as the library sees it.
func modest(head []byte) bool {
	count, lines, size := 0, 0, 0
	signature := false
	for line := range bytes.Lines(head) {
		text := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(text) == 0 && len(text) < len(line) {
			return header.IsStrict(head)
		}
		if text[0] != ' ' && text[0] != '\t' {
			count, lines, size = count+1, 0, 0
			name, _, _ := bytes.Cut(text, []byte(":"))
			signature = bytes.EqualFold(bytes.TrimSpace(name), []byte("dkim-signature"))
		}
		lines, size = lines+1, size+len(line)
		most := maxSignedField
		if signature {
			most = maxSignatureSize
		}
		if count > signedFields || lines > fieldLines || size > most {
			return false
		}
	}
	return false
}

// hurried is a text that ends where the time does, or where it has more empty lines
// in a row than any letter.
type hurried struct {
	ctx   context.Context
	text  io.Reader
	empty int // line ends in a row, at the end of what was read
}

func (h *hurried) Read(p []byte) (int, error) {
	if h.ctx.Err() != nil || h.empty > maxEmpty {
		return 0, io.EOF // the library leaks what it holds after any other error
	}
	n, err := h.text.Read(p)
	for i, c := range p[:n] {
		if c != '\n' && c != '\r' {
			h.empty = 0
		} else if h.empty++; h.empty > maxEmpty {
			return i, nil
		}
	}
	return n, err
}

// verify returns the domains whose DKIM signature holds (RFC 6376).
func (w *Watcher) verify(ctx context.Context, o open) (domains []string, unsure bool) {
	if !modest(o.head) {
		return nil, false
	}
	text, err := w.text(ctx, o)
	if err != nil {
		return nil, false
	}
	defer text.Close()
	var silent atomic.Bool
	reading, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	verified, _ := dkim.VerifyWithOptions(&hurried{ctx: reading, text: text}, &dkim.VerifyOptions{
		MaxVerifications: maxSignatures,
		LookupTXT: func(name string) ([]string, error) { // from several goroutines
			txt, err := w.dns.key(ctx, name)
			if err != nil && !isNotFound(err) {
				silent.Store(true)
			}
			return txt, err
		},
	})
	for _, v := range verified {
		if v != nil && v.Err == nil && v.Domain != "" {
			domains = append(domains, strings.ToLower(v.Domain))
		}
	}
	return domains, silent.Load() || ctx.Err() != nil
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}
