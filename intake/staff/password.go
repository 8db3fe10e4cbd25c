package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Bounds on a password. One that is long enough needs no rules about its
// letters (NIST SP 800-63B section 5.1.1.2); one that is endless is an attack.
const (
	MinPassword = 10  // characters
	maxPassword = 512 // bytes
)

// What one hash costs: 19 MiB and two passes, the least that OWASP advises for
// argon2id. hashesAtOnce bounds the memory of all.
const (
	hashMemory   = 19 << 10 // KiB
	hashTime     = 2
	hashThreads  = 1
	hashSalt     = 16
	hashSize     = 32
	hashesAtOnce = 2
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

// CheckPassword says in words for its owner what is wrong with a new password;
// "" when nothing is.
func CheckPassword(password string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Sprintf("Choose a password of at least %d characters. A few words in a row are good.", MinPassword)
	case len(password) > maxPassword:
		return fmt.Sprintf("Choose a password of at most %d bytes.", maxPassword)
	}
	return ""
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

// hashers bounds how many hashes are computed at once.
type hashers chan struct{}

// same waits for its turn and compares; an error when ctx ends first.
func (h hashers) same(ctx context.Context, hash, password string) (bool, error) {
	select {
	case h <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-h }()
	return samePassword(hash, password)
}
