package archive

import (
	"os"

	"golang.org/x/sys/unix"
)

// push has n bytes of a file written to the disk and waits for that, where the file
// system can. It makes nothing durable: the sync at the end does, which then finds
// little left to do, and tells of faults.
func push(f *os.File, from, n int64) {
	const writeAndWait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	_ = unix.SyncFileRange(int(f.Fd()), from, n, writeAndWait)
}
