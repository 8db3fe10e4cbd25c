//go:build !linux

package durable

import "errors"

// Room has no way to ask this system.
func Room(string) (free, size int64, err error) {
	return 0, 0, errors.New("the room on the disk is not known on this system")
}
