package compose

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
)

// Signer signs the mail of a domain (DKIM, RFC 6376).
type Signer struct {
	Domain   string        // d=: the domain of From, or one above it
	Selector string        // s=: the record is at Selector._domainkey.Domain
	Key      crypto.Signer // RSA of 1024 bits or more (RFC 8301), or Ed25519 (RFC 8463)
}

// signed are the fields that a signature covers. Those with true are signed
// once more than they occur, so that no host on the way can add a second one
// that a reader would be shown instead (RFC 6376 section 8.15).
var signed = [...]struct {
	name string
	once bool
}{
	{"From", true}, {"Reply-To", true}, {"To", true}, {"Cc", true}, {"Subject", true},
	{"Date", true}, {"Message-ID", true}, {"MIME-Version", true}, {"Content-Type", true},
	{"In-Reply-To", false}, {"References", false}, {"Auto-Submitted", false}, {"Precedence", false},
	{"X-Auto-Response-Suppress", false}, {"X-Signpost-Instance", false}, {"X-Signpost-Ref", false},
	{"Content-Language", false},
}

// ParseKey reads a private key from PEM: PKCS #8 with RSA or Ed25519, or PKCS #1.
func ParseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the DKIM key is not in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the DKIM key is neither PKCS #8 nor PKCS #1")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the DKIM key is neither RSA nor Ed25519")
	}
	return signer, nil
}

// Record is the TXT record under which the signer's public key must stand: its
// name, and the value as one string (a zone file parts it into strings of 255
// bytes at most).
func (s Signer) Record() (name, value string, err error) {
	name = s.Selector + "._domainkey." + s.Domain
	switch public := s.Key.Public().(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), err
	case ed25519.PublicKey:
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	return "", "", fmt.Errorf("no DKIM record for a key of type %T", s.Key)
}

func checkSigners(signers []Signer) error {
	var errs []error
	for _, s := range signers {
		if err := s.check(); err != nil {
			errs = append(errs, fmt.Errorf("DKIM signer %s of %s: %w", s.Selector, s.Domain, err))
		}
	}
	return errors.Join(errs...)
}

func (s Signer) check() error {
	for _, name := range []string{s.Domain, s.Selector} {
		if name == "" || len(name) > 253 || strings.Trim(name, instanceChars+"_") != "" {
			return fmt.Errorf("%q is no domain name in ASCII", name)
		}
	}
	if s.Key == nil {
		return errors.New("no key")
	}
	switch public := s.Key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < 1024 {
			return errors.New("an RSA key of less than 1024 bits, which receivers refuse")
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("a key of type %T, neither RSA nor Ed25519", s.Key)
	}
	return nil
}

// sign puts one signature above the message for each signer of the sender's
// domain. The signature is made here and not by go-msgauth, which checks it in
// the tests: that library stamps it with the time of the call, and the same row
// must give the same bytes at every try. RSA (PKCS #1 v1.5) and Ed25519
// signatures hold no chance either.
func (c *Composer) sign(message []byte, from string, at time.Time) ([]byte, error) {
	signers := c.signersOf(store.Domain(from))
	if len(signers) == 0 {
		return message, nil
	}
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	fields := fieldsOf(string(head))
	hash := sha256.New()
	writeRelaxed(hash, body)
	bodyHash := hash.Sum(nil)
	var signatures []byte
	for _, s := range signers {
		field, err := s.field(fields, bodyHash, at)
		if err != nil {
			return nil, fmt.Errorf("sign for %s: %w", s.Domain, err)
		}
		signatures = append(signatures, field...)
	}
	return slices.Insert(message, 0, signatures...), nil // in place where there is room for it
}

// signersOf are the signers of the domain itself, else those of the nearest
// domain above it: both align with From (RFC 7489 section 3.1.1).
func (c *Composer) signersOf(domain string) []Signer {
	for domain != "" {
		var found []Signer
		for _, s := range c.config.Signers {
			if strings.EqualFold(s.Domain, domain) {
				found = append(found, s)
			}
		}
		if found != nil {
			return found
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil
}

// field is a whole DKIM-Signature field, relaxed/relaxed (RFC 6376 section
// 3.5). The value of b= starts on the line of its name: verifiers differ in
// whether white space before it belongs to the value.
func (s Signer) field(fields []field, bodyHash []byte, at time.Time) (string, error) {
	algorithm, hash := "rsa-sha256", crypto.SHA256
	if _, ok := s.Key.Public().(ed25519.PublicKey); ok {
		algorithm, hash = "ed25519-sha256", crypto.Hash(0) // RFC 8463 section 3: signs the digest itself
	}
	names, canonical := signedFields(fields)
	head := "DKIM-Signature: v=1; a=" + algorithm + "; c=relaxed/relaxed;\r\n" +
		" d=" + s.Domain + "; s=" + s.Selector + "; t=" + strconv.FormatInt(at.Unix(), 10) + ";\r\n" +
		" h=" + foldNames(names) + ";\r\n" +
		" bh=" + base64.StdEncoding.EncodeToString(bodyHash) + ";\r\n" +
		" b="
	digest := sha256.Sum256([]byte(canonical + relaxedField(head)))
	signature, err := s.Key.Sign(rand.Reader, digest[:], hash)
	if err != nil {
		return "", err
	}
	return head + foldEvery(base64.StdEncoding.EncodeToString(signature), 70) + "\r\n", nil
}

// field is one header field as written, folds included, without its last CRLF.
type field struct{ name, whole string }

func fieldsOf(head string) (fields []field) {
	for line := range strings.SplitSeq(head, "\r\n") {
		if line != "" && line[0] == ' ' && len(fields) > 0 {
			fields[len(fields)-1].whole += "\r\n" + line
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		fields = append(fields, field{name, line})
	}
	return fields
}

// signedFields are the names for h= and the canonical fields they cover, in one
// order. No field written here occurs twice.
func signedFields(fields []field) (names []string, canonical string) {
	var b strings.Builder
	for _, s := range signed {
		for _, f := range fields {
			if f.name == s.name {
				names = append(names, s.name)
				b.WriteString(relaxedField(f.whole) + "\r\n")
			}
		}
		if s.once {
			names = append(names, s.name)
		}
	}
	return names, b.String()
}

// relaxedField is RFC 6376 section 3.4.2 for one field without its last CRLF.
// White space is that of RFC 5234 alone: an address may hold wider spaces.
func relaxedField(whole string) string {
	name, value, _ := strings.Cut(whole, ":")
	return strings.ToLower(strings.TrimSpace(name)) + ":" + strings.Join(strings.FieldsFunc(value, breaksField), " ")
}

// writeRelaxed writes a body as RFC 6376 section 3.4.4 has it, line by line: a body with
// files is large.
func writeRelaxed(w io.Writer, body []byte) {
	var b []byte
	blank := 0
	for line := range bytes.SplitSeq(body, []byte("\r\n")) {
		line = bytes.TrimRight(line, " \t")
		if len(line) == 0 {
			blank++ // counts only when something follows
			continue
		}
		b = b[:0]
		for ; blank > 0; blank-- {
			b = append(b, "\r\n"...)
		}
		b = append(appendRelaxed(b, line), "\r\n"...)
		w.Write(b) // a hash does not fail
	}
}

// appendRelaxed appends a line, trimmed at its end, with each run of white space
// as one space.
func appendRelaxed(b, line []byte) []byte {
	gap := false
	for _, c := range line {
		if c == ' ' || c == '\t' {
			gap = true
			continue
		}
		if gap {
			b = append(b, ' ')
			gap = false
		}
		b = append(b, c)
	}
	return b
}

func foldNames(names []string) string {
	var b strings.Builder
	column := len(" h=")
	for i, name := range names {
		if i > 0 {
			b.WriteByte(':')
			column++
		}
		if column+len(name) > foldAt-1 {
			b.WriteString("\r\n  ")
			column = 2
		}
		b.WriteString(name)
		column += len(name)
	}
	return b.String()
}

func foldEvery(s string, n int) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n] + "\r\n ")
		s = s[n:]
	}
	return b.String() + s
}
