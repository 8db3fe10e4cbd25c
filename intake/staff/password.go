package staff

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What one hash costs: 19 MiB and two passes, the least that OWASP advises for
// argon2id.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	hashSalt    = 16
	hashSize    = 32
)

var encoding = base64.RawStdEncoding

// HashPassword returns what the store keeps of a password: the PHC string of
// argon2id with a salt of its own.
func HashPassword(password string) string {
	salt := make([]byte, hashSalt)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		encoding.EncodeToString(salt), encoding.EncodeToString(sum))
}

var errHash = errors.New("a password hash that is not argon2id's")

// samePassword tells whether the hash is the password's.
func samePassword(hash, password string) (bool, error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errHash
	}
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, errHash
	}
	// A hash from elsewhere must not take the machine down.
	if memory > 1<<20 || passes == 0 || passes > 20 || threads == 0 {
		return false, errHash
	}
	salt, err1 := encoding.DecodeString(fields[4])
	want, err2 := encoding.DecodeString(fields[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 128 {
		return false, errHash
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
