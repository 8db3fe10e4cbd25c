// Package archive backs up a data folder and restores it.
//
// A backup is a folder: the database as one moment's snapshot, every attachment
// under its hash, a list of these, and a manifest by which restore knows that it is
// whole and ours (manifest.go). It is written beside its name and renamed at the end, so
// a folder of that name is a complete backup or is not there.
//
// A call flows so: Backup holds the attachments, copies the database as fast as it can,
// reads the copy for its sum, copies the attachments, signs the manifest and renames
// (backup.go); all but the first gives way to the store's writers. Check looks into the
// copy of the database.
// Restore reads the manifest, which the caller proves, copies what it names and no byte
// more beside the data folder's names, checks sums and the database, and renames
// (restore.go). While a restore is under way, or after one that was cut short,
// Interrupted refuses the folder.
//
// To add something to a backup: a FileSum in Manifest with omitzero, so that older
// manifests keep their MAC, written in fill and copied in restoreInto.
package archive
