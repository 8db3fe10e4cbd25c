package blob_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"signpost/store"
)

// smallDisk is set in the process that has a disk of its own.
const smallDisk = "SIGNPOST_TEST_SMALL_DISK"

// A real full disk: a file system of 1 MiB, mounted in a namespace of a second
// process, which needs no privileges where the kernel allows it.
func TestAFullDisk(t *testing.T) {
	if dir := os.Getenv(smallDisk); dir != "" {
		if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
			t.Skip("cannot mount:", err)
		}
		fillDisk(t, dir)
		return
	}
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestAFullDisk$", "-test.v")
	child.Env = append(os.Environ(), smallDisk+"="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skip("this kernel gives no namespace:", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
}

func fillDisk(t *testing.T, dir string) {
	l := local(t, dir)
	before := put(t, l, strings.Repeat("kept", 1000))
	_, _, err := l.Put(t.Context(), io.LimitReader(zeros{}, 8*mebibyte), 8*mebibyte)
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("8 MiB onto a disk of 1: %v", err)
	}
	if left := temps(t, dir); len(left) != 0 {
		t.Errorf("left on the full disk: %v", left)
	}
	if got := read(t, l, before); got != strings.Repeat("kept", 1000) {
		t.Errorf("what was kept before holds %d bytes", len(got))
	}
	put(t, l, "small enough still fits")
}
