// Package config is all configuration: what the file and the environment may say,
// what it means, and what each room is given of it.
//
// A call flows so: Load reads the file (load.go) and lays the variables
// SIGNPOST_TABLE__ID__KEY over it (environ.go); decode fills Config over Default key
// by key (decode.go), so that one bad value hides no other; validate asks what each
// value means (validate.go). Whatever is wrong becomes a Fault with its line or its
// variable (faults.go), and all of them are returned together. Then the For... methods
// (parts.go, accounts.go) hand each room its part, and Redacted is what may be logged.
//
// To add a key: a field with its toml tag in config.go, its default in defaults.go (a
// room's own default is taken from that room), what it must be in validate.go, a line
// in signpost.example.toml, and the room it is for in parts.go. A field that is a
// secret has the tag secret, and is hidden in Redacted.
package config
