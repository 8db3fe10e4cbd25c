// Package blob keeps the bytes of attachments and of large mails, named by their
// content. Store says what every keeper of blobs promises; Local keeps them as
// files of one folder. A bucket that keeps the same promises can take its place.
//
// An upload flows so: the form hands Put the part's reader; Put streams it into
// a temporary file while hashing, makes it durable and moves it to the name its
// hash gives it; the hash then goes into the entry that OpenTicket commits. A
// crash between the two leaves a blob no entry names, a crash during Put a
// temporary file; Sweep removes both once they are older than any upload that
// could still be under way.
//
// What else stands here: Sniff, which tells a file's type by its bytes (sniff.go), and
// Missing, which finds names in the store without bytes (missing.go). To add a keeper:
// implement Store, and let the stories of blob_test.go hold for it.
package blob

import (
	"context"
	"fmt"
	"io"
	"time"

	"signpost/store"
)

// Store is what a keeper of blobs promises. A consumer declares the part of it
// that it needs.
//
// A blob never changes: a hash stands for the same bytes for ever, and the same
// bytes are kept once. All methods may be called at the same time. A hash that
// is not 64 lower-case hex digits is store.ErrInvalid; one that is not kept is
// store.ErrNotFound, except for Delete, which has nothing to do then.
type Store interface {
	// Put reads r to its end and keeps what it read, never more than a small
	// part of it in memory. When it returns nil the blob survives a crash of the
	// machine. More than limit bytes are *TooLargeError; an error of r is
	// returned wrapped; no room left is store.ErrFull. After an error nothing
	// counts as kept (what may have been written is swept in its time), and
	// everything kept before still is. Putting what is kept already renews its
	// age, as Renew does.
	Put(ctx context.Context, r io.Reader, limit int64) (store.BlobHash, int64, error)
	// Renew makes a blob as young as one just put, so that what a form carries
	// from one try to the next is not swept before an entry names it. A caller
	// that names a blob it did not put itself calls it first: store.ErrNotFound
	// tells that the bytes must be asked for again.
	Renew(ctx context.Context, hash store.BlobHash) error
	// Open returns the bytes and how many they are. The caller closes it; a blob
	// deleted meanwhile can be read to its end.
	Open(ctx context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error)
	Stat(ctx context.Context, hash store.BlobHash) (Info, error)
	// Delete removes a blob whether anything names it or not.
	Delete(ctx context.Context, hash store.BlobHash) error
	// Walk calls fn for every blob, in no order; those put or deleted meanwhile
	// may be among them or not. It stops at the first error of fn and returns it.
	Walk(ctx context.Context, fn func(Info) error) error
}

// Info is what is known of a blob without reading it.
type Info struct {
	Hash     store.BlobHash
	Size     int64     // bytes
	Modified time.Time // when it was last put or renewed
}

// TooLargeError is returned when there is more to put than allowed.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string { return fmt.Sprintf("larger than %d bytes", e.Limit) }

// hashDigits is the length of a SHA-256 in hex.
const hashDigits = 64

func checkHash(hash store.BlobHash) error {
	if !IsHash(string(hash)) {
		return fmt.Errorf("hash %.80q: %w", string(hash), store.ErrInvalid)
	}
	return nil
}

// IsHash tells whether a name can be a blob's: 64 lower-case hex digits.
func IsHash(name string) bool {
	if len(name) != hashDigits {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
