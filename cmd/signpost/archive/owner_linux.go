package archive

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// giveToOwnerOf gives all that lies in dir, and was made by root, to the user to
// whom the folder belongs: the service that will serve it is seldom root.
func giveToOwnerOf(folder, dir string) error {
	uid, gid, err := ownerOf(folder)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

func ownerOf(path string) (uid, gid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return os.Geteuid(), os.Getegid(), nil
	}
	return int(owner.Uid), int(owner.Gid), nil
}

// BelongsToRoot tells a folder that a service which is not root cannot serve.
func BelongsToRoot(folder string) bool {
	uid, _, err := ownerOf(folder)
	return err == nil && uid == 0
}
