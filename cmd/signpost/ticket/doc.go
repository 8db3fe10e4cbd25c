// Package ticket is signpost ticket: what an agent does at the desk, for scripts.
//
// What stands here: commands.go the subcommands, client.go how they ask, serve.go what
// answers on the control socket of the running service. A call flows so: a command sends
// the same form to the same address as the page of the desk would, over the socket, with
// the agent it acts as; Mount vouches for that agent and hands the request to the desk
// (intake/desk), which asks for their rights and writes to the audit log as it does for a
// browser. So a command's JSON is the desk's own.
//
// To add a command: a struct with its flags, its Run, and its field of Cmd.
package ticket
