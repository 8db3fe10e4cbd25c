package ident

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// signMAC is the length in bytes of the MAC over a signed value.
const signMAC = 16

// Sign makes a token that carries payload, readable by all and made by us
// alone: safe in a URL path and in a form field. A token signed for one purpose
// is none for another. Whether it has expired is for the payload to say.
func (r *Ring) Sign(purpose string, payload []byte) string {
	sum := mac(r.newest().signed, signMAC, []byte(purpose), []byte{0}, payload)
	return base64.RawURLEncoding.EncodeToString(append(sum, payload...))
}

// Verify returns the payload of a token signed for this purpose; false for any
// other.
func (r *Ring) Verify(purpose, token string) ([]byte, bool) {
	raw, ok := decodeToken(token)
	if !ok || len(raw) < signMAC {
		return nil, false
	}
	sum, payload := raw[:signMAC], raw[signMAC:]
	for _, k := range r.all() {
		if hmac.Equal(sum, mac(k.signed, signMAC, []byte(purpose), []byte{0}, payload)) {
			return payload, true
		}
	}
	return nil, false
}

// Fingerprint names a secret without telling it: 12 hex digits.
func Fingerprint(secret []byte) string {
	sum := sha256.Sum256(append([]byte("signpost secret fingerprint\x00"), secret...))
	return hex.EncodeToString(sum[:6])
}
