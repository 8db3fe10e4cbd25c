// Package durable writes files that survive a crash of the machine. A file is
// durable in two steps: its bytes (fsync of the file) and its name (fsync of the
// folder that holds it). A name that is not durable brings the old file back after a
// power cut, or none.
//
// What stands here: Create makes a file and Replace puts a new one in the place of an
// old one; Rename moves a file or a folder; Seal and SyncFolder are the two steps
// alone, for who streams into files of its own (store/blob, store/engine/bolt). A
// call flows so: open, write, Seal, rename where there is something to replace,
// SyncFolder. To add a way of writing, build it of Seal and SyncFolder, and let the
// stories of durable_test.go hold for it. Room tells how much a disk can take.
package durable
