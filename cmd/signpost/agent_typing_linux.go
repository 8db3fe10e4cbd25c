package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideTyping keeps a terminal from showing what is typed, until the function it
// returns is called; for what is no terminal it does nothing.
func hideTyping(file *os.File) (restore func()) {
	fd := int(file.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	hidden := *old
	hidden.Lflag &^= unix.ECHO
	unix.IoctlSetTermios(fd, unix.TCSETS, &hidden)
	return func() { unix.IoctlSetTermios(fd, unix.TCSETS, old) }
}
