// Command signpost is the whole product: one file a subcommand, and the wiring
// that plugs the rooms into one another (app.go, wire*.go). Beside them: what is tested against the live world (check*.go), and
// what is in trouble (trouble*.go, front.go, silenced.go) and who is told (alarm*.go).
package main
