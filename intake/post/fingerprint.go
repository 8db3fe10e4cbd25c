package post

import (
	"crypto/sha256"
	"strconv"
)

// Fingerprint is a SHA-256 over what a post says, its texts and its files, so that a
// key repeated with another content is told from a repeated post.
func (d *Draft) Fingerprint(texts ...string) [32]byte {
	size := 1 << 10
	for _, s := range texts {
		size += len(s)
	}
	said := make([]byte, 0, size)
	add := func(s string) { // behind its length, which keeps the texts apart
		said = append(strconv.AppendInt(said, int64(len(s)), 10), ':')
		said = append(said, s...)
	}
	for _, s := range texts {
		add(s)
	}
	for _, file := range d.Files {
		add(file.Name)
		add(string(file.Hash))
	}
	return sha256.Sum256(said)
}
