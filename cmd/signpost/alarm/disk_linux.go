package alarm

import "golang.org/x/sys/unix"

// roomIn asks the file system of a folder.
func roomIn(folder string) (free, size int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, 0, err
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}
