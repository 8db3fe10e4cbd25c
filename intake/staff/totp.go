package staff

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Codes as every authenticator app computes them: RFC 6238 with SHA-1, steps of
// 30 seconds and 6 digits.
const (
	codeStep   = 30 * time.Second
	codeDigits = 6
	// codeSlack is how many steps a clock may be off, either way (section 5.2).
	codeSlack  = 1
	secretSize = 20 // as long as the hash, RFC 4226 section 4 R6
)

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

func newSecret() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	return secret
}

// truncated is the number a step's code ends in (RFC 4226 section 5.3).
func truncated(secret []byte, step uint64) uint32 {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, step))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	return binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
}

func codeOf(secret []byte, step uint64, digits int) string {
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, truncated(secret, step)%modulus)
}

func stepAt(now time.Time) uint64 { return uint64(max(now.Unix(), 0)) / uint64(codeStep/time.Second) }

// checkCode finds the step whose code was typed, among those near now and after
// the last one used; 0 for none.
func checkCode(secret []byte, typed string, now time.Time, last uint64) (step uint64) {
	typed = strings.Join(strings.Fields(typed), "")
	at := stepAt(now)
	for s := at - min(at, codeSlack); s <= at+codeSlack; s++ {
		if s > last && subtle.ConstantTimeCompare([]byte(codeOf(secret, s, codeDigits)), []byte(typed)) == 1 {
			step = s
		}
	}
	return step
}

// shownSecret is a secret to be typed, in groups of four.
func shownSecret(secret []byte) string {
	text := secretText.EncodeToString(secret)
	var b strings.Builder
	for i := 0; i < len(text); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text[i:min(i+4, len(text))])
	}
	return b.String()
}

func readSecret(text string) ([]byte, bool) {
	secret, err := secretText.DecodeString(strings.Join(strings.Fields(text), ""))
	return secret, err == nil && len(secret) == secretSize
}

// secretLink opens an authenticator app on the machine that shows it.
func secretLink(issuer, account string, secret []byte) string {
	query := url.Values{"secret": {secretText.EncodeToString(secret)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + query.Encode()
}
