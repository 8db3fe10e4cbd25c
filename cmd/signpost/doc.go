// Command signpost is the whole product: one file a subcommand, and the wiring
// that plugs the rooms into one another (app.go, wire.go).
package main
