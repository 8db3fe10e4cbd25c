package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	_ "time/tzdata" // promises must not depend on the machine's zone files

	"github.com/alecthomas/kong"

	"signpost/cmd/signpost/audit"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/explain"
	"signpost/cmd/signpost/help"
	"signpost/cmd/signpost/secret"
	"signpost/cmd/signpost/ticket"
)

// CLI is every subcommand; each lives in the file of its name.
type CLI struct {
	Serve     ServeCmd     `cmd:"" help:"Run the service."`
	Demo      DemoCmd      `cmd:"" help:"Run the whole service beside a sandbox mail server, to try it."`
	Init      InitCmd      `cmd:"" help:"Write a commented configuration and a secret."`
	Check     CheckCmd     `cmd:"" help:"Test a configuration against the live world."`
	Watch     WatchCmd     `cmd:"" help:"List what would be done with the newest mails of the mailboxes."`
	Responder ResponderCmd `cmd:"" help:"Show the automatic answers, or switch them on or off."`
	Agent     AgentCmd     `cmd:"" help:"Say who may sign in: add, list, disable."`

	Ticket   ticket.Cmd  `cmd:"" help:"Answer tickets from a script, as an agent: list, show, reply, note, assign, close."`
	Audit    audit.Cmd   `cmd:"" help:"Export, prove and search what staff did: export, head, verify, erase."`
	Secret   secret.Cmd  `cmd:"" help:"Change the installation's secret: rotate, status, drop."`
	Backup   BackupCmd   `cmd:"" help:"Back up tickets, ledger and attachments while the service runs."`
	Restore  RestoreCmd  `cmd:"" help:"Restore a backup into an empty data folder."`
	Generate GenerateCmd `cmd:"" help:"Fill a store with realistic tickets, for benchmarks and full pages."`
	Classify ClassifyCmd `cmd:"" help:"Say what triage makes of mails, one JSON line each."`
	SLA      explain.Cmd `cmd:"" name:"sla" help:"Explain deadlines."`
	Version  VersionCmd  `cmd:"" help:"Show the version."`
}

// environment is what a subcommand may use of the process it runs in, so that
// tests run several side by side.
type environment struct {
	args    []string
	environ []string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

func main() {
	os.Exit(run(&environment{args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout,
		stderr: os.Stderr}))
}

// run parses the command line and runs its subcommand: exit code 0 when it did
// its work, 1 when not, 2 for a command line that makes no sense.
func run(env *environment) int {
	var cli CLI
	exit := -1
	env.stdout, env.stderr = &terminal{to: env.stdout}, &terminal{to: env.stderr}
	parser, err := kong.New(&cli,
		kong.Name("signpost"),
		kong.Description("The email-first helpdesk: partners write through a form, every answer reaches them by mail."),
		kong.Writers(env.stdout, env.stderr),
		help.Texts,
		kong.Exit(func(code int) { exit = code }),
		kong.Bind(env, &ticket.Env{Stdin: env.stdin, Stdout: env.stdout, Service: env.service},
			&explain.Env{Stdout: env.stdout, Environ: env.environ},
			&audit.Env{Stdout: env.stdout, By: atCommandLine().Account, Reach: env.reach},
			&secret.Env{Stdout: env.stdout, By: atCommandLine().Account, Reach: env.reach}),
	)
	if err != nil {
		panic(err) // a fault of the struct above
	}
	ctx, err := parser.Parse(env.args)
	if exit >= 0 { // --help has been printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(env.stderr, "signpost: %v\n\nsignpost --help lists the commands.\n", err)
		return 2
	}
	err = ctx.Run(env)
	if faults := (config.Faults)(nil); errors.As(err, &faults) {
		fmt.Fprintf(env.stderr, "signpost: the configuration has %s:\n\n%v\n", counted(len(faults), "fault"), faults)
		return 1
	}
	if err != nil {
		fmt.Fprintf(env.stderr, "signpost: %v\n", err)
		if refused := (*ticket.Refused)(nil); errors.As(err, &refused) {
			return refused.ExitCode()
		}
		return 1
	}
	return 0
}

// counted is "1 fault", "2 faults".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// VersionCmd prints what this binary was built from.
type VersionCmd struct{}

// Run prints one line.
func (VersionCmd) Run(env *environment) error {
	_, err := fmt.Fprintln(env.stdout, "signpost", version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return text + " " + info.GoVersion
}
