//go:build !bench

package main

// world is what serve dials and asks: TCP and the name servers of the world. done is
// called when it has served.
func world() (d dialers, done func(), err error) { return dialers{}, func() {}, nil }
