package ident

import (
	"crypto/aes"
	"crypto/cipher"
)

// sealV1 is the first byte of what Seal returns: AES-256-GCM with a random nonce
// of 96 bits before the ciphertext. One key may seal 2^32 values (NIST SP
// 800-38D section 8.3); we seal one an agent.
const sealV1 = 1

// Seal encrypts a value that the store keeps and that a copy of the store must
// not tell. It is sealed for one purpose and for one context, such as the row it
// stands in: moved to another, it does not open.
func (r *Ring) Seal(purpose string, plain, context []byte) []byte {
	return r.newest().sealer(purpose).Seal([]byte{sealV1}, nil, plain, context)
}

// Unseal returns what was sealed for this purpose and context; false for
// anything else. newest tells that the newest secret sealed it: what an older
// one sealed is to be sealed anew before that secret is taken away.
func (r *Ring) Unseal(purpose string, sealed, context []byte) (plain []byte, newest, ok bool) {
	if len(sealed) == 0 || sealed[0] != sealV1 {
		return nil, false, false
	}
	for i, k := range r.all() {
		if plain, err := k.sealer(purpose).Open(nil, nil, sealed[1:], context); err == nil {
			return plain, i == 0, true
		}
	}
	return nil, false, false
}

func (k keys) sealer(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(derive(k.sealing, purpose))
	if err != nil {
		panic(err) // only for a key of another length than AES has
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for another block size than AES has
	}
	return aead
}
