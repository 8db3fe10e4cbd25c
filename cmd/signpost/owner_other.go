//go:build !linux

package main

// giveToOwnerOf leaves files as they are on this system.
func giveToOwnerOf(string, string) error { return nil }
