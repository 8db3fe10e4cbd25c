// Command signpost is the whole product: one file a subcommand, and the wiring that plugs
// the rooms into one another.
//
// What stands here: main.go and the subcommands, each thin; App, which opens the stores
// (app.go), builds every part (wire.go, wire_staff.go, wire_alarm.go) and runs them as
// stages that stop in order (lifecycle.go); the control socket by which a subcommand
// reaches the service that holds a data folder (control.go, control); health.go answers /healthz
// and /readyz. Rooms of its own have the configuration (config), alarms and what raises
// them (alarm), backup and restore (archive), signpost check (doctor), made-up tickets
// (generate), the audit log and the installation's secret at the command line (audit,
// secret), chores (upkeep), what one process at a time does (duty), tokens for a process
// beside the service (tokens), why a promise falls due (explain) and what Prometheus reads
// (metrics): they see the configuration and not one another. e2e drives the built program;
// world.go is the
// network outside it, which world_bench.go (build tag bench) replaces by the sandbox's
// DNS, so that a service that is measured asks no server elsewhere.
//
// A call flows so: run parses the command line and calls the subcommand's Run, which loads
// the configuration and either asks the running service over the control socket or opens
// an App. serve builds the App and runs its stages until a signal comes.
//
// What every address answers to whom stands in testdata/access.txt, the access matrix, whose
// cells access_test.go tries on the wired handlers.
//
// To add a subcommand: a struct with Run in a file of its name, and its field in CLI. To
// plug one room into another: a func or a narrow interface, declared by the room that needs
// it, filled in here.
package main
