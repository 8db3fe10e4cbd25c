package form_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"signpost/intake/form"
	"signpost/intake/post"
	"signpost/store"
)

// fullDisk is a store whose disk is full.
type fullDisk struct{ form.Tickets }

func (fullDisk) OpenTicket(context.Context, time.Time, store.NewTicket) (store.Opened, error) {
	return store.Opened{}, fmt.Errorf("open ticket: %w", store.ErrFull)
}

// fullBlobs has no room for another file.
type fullBlobs struct{ post.Blobs }

func (fullBlobs) Put(_ context.Context, r io.Reader, _ int64) (store.BlobHash, int64, error) {
	_, _ = io.CopyN(io.Discard, r, 2)
	return "", 0, fmt.Errorf("put blob: %w", store.ErrFull)
}

// solve does what the browser's worker does.
func solve(challenge string) string {
	parts := strings.Split(challenge, ".")
	difficulty, _ := strconv.Atoi(parts[1])
	for n := range difficulty {
		sum := sha256.Sum256([]byte(strings.Join(parts[:3], ".") + "." + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == parts[3] {
			return challenge + "." + strconv.Itoa(n)
		}
	}
	return challenge + ".0"
}
