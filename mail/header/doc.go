// Package header reads the headers of mail as mail really is: the one bounded, lenient
// parser that triage, the watcher, the sandbox and the demo's pages all judge a mail by,
// so that no two of them read one hostile mail differently.
//
// A call flows so: Read splits a mail into its fields, which are slices of the raw bytes,
// and its body; Unfold, or Header.Value, puts a value on one line; DecodeWords makes text
// for display of it (RFC 2047, by ToUTF8 in any charset), Addresses, IDs and Date read the
// structured ones. Nothing fails: what cannot be read is left out, or stays as it stands.
//
// Bounds: 1 MiB of a header, 2,000 fields, 64 KiB of one field, 1,000 addresses of a field.
// What is beyond them stands in the raw mail and is not read. Read takes time in proportion
// to the bytes read, and memory for the list of fields; only a mail whose lines end as those
// of old Macs did is copied.
//
// To read a further field, add a file with a function from the unfolded value to what it
// says, its bound as a constant, and a fuzz target; callers that compare fields must not
// take values apart by themselves.
//
// The functions are pure and safe for concurrent use. Slices of a Header live as long as
// the raw mail.
package header
