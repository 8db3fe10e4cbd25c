//go:build bench

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"signpost/mail/sandbox"
)

// profileFolder names the variable of a folder where each measured service leaves its CPU
// profile.
const profileFolder = "SIGNPOST_BENCH_PROFILE"

// world is what a service that is measured dials and asks: the sandbox's DNS, since no
// measure asks the name servers of the world.
func world() (d dialers, done func(), err error) {
	d.resolver = sandbox.Resolver{Host: sandboxHost}
	dir := os.Getenv(profileFolder)
	if dir == "" {
		return d, func() {}, nil
	}
	f, err := os.Create(fmt.Sprintf("%s/%d.pprof", dir, os.Getpid()))
	if err != nil {
		return d, nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return d, nil, errors.Join(err, f.Close())
	}
	return d, func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}
