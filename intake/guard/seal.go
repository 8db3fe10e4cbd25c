package guard

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Seal signs short texts for one purpose, so that they can travel through a page
// and come back unchanged. It hides nothing. It is safe for concurrent use.
type Seal struct{ keys [][]byte }

// sealBytes is the length of a MAC: 128 bits.
const sealBytes = 16

// secretBytes is the least length of a secret.
const secretBytes = 32

// NewSeal derives a key for the purpose from each of the installation's secrets:
// the first signs, all verify. What is signed for one purpose is refused for
// every other.
func NewSeal(purpose string, secrets ...[]byte) (*Seal, error) {
	s := &Seal{}
	for _, secret := range secrets {
		if len(secret) < secretBytes {
			return nil, fmt.Errorf("the secret is shorter than %d bytes", secretBytes)
		}
		key, err := hkdf.Key(sha256.New, secret, nil, "signpost/guard/"+purpose, sha256.Size)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, key)
	}
	if len(s.keys) == 0 {
		return nil, errors.New("no secret to sign with")
	}
	return s, nil
}

// Sign returns the payload, a dot and the MAC. Where the payload is safe in a
// URL or an attribute, so is the result.
func (s *Seal) Sign(payload string) string {
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.mac(s.keys[0], payload))
}

// Open returns the payload of what Sign returned; false for everything else.
func (s *Seal) Open(signed string) (payload string, ok bool) {
	dot := strings.LastIndexByte(signed, '.')
	if dot < 0 {
		return "", false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(signed[dot+1:])
	if err != nil || len(sum) != sealBytes {
		return "", false
	}
	for _, key := range s.keys {
		if hmac.Equal(sum, s.mac(key, signed[:dot])) {
			return signed[:dot], true
		}
	}
	return "", false
}

func (s *Seal) mac(key []byte, payload string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(payload))
	return h.Sum(nil)[:sealBytes]
}
