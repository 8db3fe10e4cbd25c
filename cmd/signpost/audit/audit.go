// Package audit is the command line of the audit log: export, head, verify, erase.
//
// What stands here: Mount offers the log on the control socket (serve.go); Cmd and its
// subcommands ask it there. A call flows so: a subcommand reaches the service, or the data
// folder where none runs, in the same words (Env.Reach); the handler walks the store's verbs
// (store/auditlog). To add a subcommand: a struct with Run, its field in Cmd, and a handler.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"signpost/cmd/signpost/control"
	"signpost/store"
)

// Env is what the subcommands use of the program.
type Env struct {
	Stdout io.Writer
	By     string // who runs the command line
	// Reach asks the service of a configuration's data folder, or a demo's, or opens the
	// folder. done gives it back.
	Reach func(config, demo string) (c *control.Client, done func(), err error)
}

// Cmd is signpost audit.
type Cmd struct {
	Export ExportCmd `cmd:"" help:"Write the audit log as JSON lines, oldest first."`
	Head   HeadCmd   `cmd:"" help:"Print the end of the log; kept elsewhere, it proves later that nothing was cut off."`
	Verify VerifyCmd `cmd:"" help:"Prove that no line was changed or removed; names the first that was."`
	Erase  EraseCmd  `cmd:"" help:"Put a pseudonym in the place of a person's name in every line, for good."`
}

// Where is whose log it is.
type Where struct {
	Config string `help:"Configuration file." placeholder:"FILE" xor:"where" required:""`
	Demo   string `help:"The folder of a demo." placeholder:"FOLDER" xor:"where" required:""`
}

// with asks the log of w.
func (w Where) with(env *Env, ask func(ctx context.Context, c *control.Client) error) error {
	c, done, err := env.Reach(w.Config, w.Demo)
	if err != nil {
		return err
	}
	defer done()
	return ask(context.Background(), c)
}

// ExportCmd writes the log out.
type ExportCmd struct {
	Where
	Who   string           `help:"Only what this account did." placeholder:"ADDRESS"`
	Event store.AuditEvent `help:"Only this event, such as refused." placeholder:"EVENT"`
	Since string           `help:"Only from this day on, UTC." placeholder:"YYYY-MM-DD"`
	Until string           `help:"Only before this day, UTC." placeholder:"YYYY-MM-DD"`
}

// Run copies the lines as the service writes them. An export that was cut off is an error.
func (c *ExportCmd) Run(env *Env) error {
	ask := exportRequest{By: env.By, Who: c.Who, Event: c.Event}
	for _, day := range []struct {
		text string
		into *time.Time
	}{{c.Since, &ask.Since}, {c.Until, &ask.Until}} {
		if day.text == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			return fmt.Errorf("%q is no day; write it like 2026-11-29", day.text)
		}
		*day.into = at
	}
	return c.with(env, func(ctx context.Context, client *control.Client) error {
		lines, err := client.Open(ctx, "POST", "/audit/export", ask)
		if err != nil {
			return err
		}
		defer lines.Close()
		end := &lastLine{to: env.Stdout}
		if _, err := io.Copy(end, lines); err != nil {
			return err
		}
		return end.whole()
	})
}

// HeadCmd prints the head.
type HeadCmd struct{ Where }

// Run prints it as one JSON line.
func (c *HeadCmd) Run(env *Env) error {
	return c.with(env, func(ctx context.Context, client *control.Client) error {
		var head store.AuditHead
		if err := client.Call(ctx, "POST", "/audit/head", nil, &head); err != nil {
			return err
		}
		return json.NewEncoder(env.Stdout).Encode(head)
	})
}

// VerifyCmd proves the log.
type VerifyCmd struct {
	Where
	Head string `help:"${audit_head}" placeholder:"FILE" type:"existingfile"`
}

// Run fails where the log is not as it was written.
func (c *VerifyCmd) Run(env *Env) error {
	var ask verifyRequest
	if c.Head != "" {
		raw, err := os.ReadFile(c.Head)
		if err == nil {
			err = json.Unmarshal(raw, &ask.Head)
		}
		if err != nil {
			return fmt.Errorf("%s holds no head as audit head prints it: %w", c.Head, err)
		}
	}
	return c.with(env, func(ctx context.Context, client *control.Client) error {
		var v verified
		if err := client.Call(ctx, "POST", "/audit/verify", ask, &v); err != nil {
			return err
		}
		return v.tell(env.Stdout, ask.Head)
	})
}

// EraseCmd erases a person's names.
type EraseCmd struct {
	Where
	Names []string `arg:"" help:"${audit_names}"`
}

// Run says under which pseudonym the lines stand now.
func (c *EraseCmd) Run(env *Env) error {
	return c.with(env, func(ctx context.Context, client *control.Client) error {
		var pseudonyms []string
		err := client.Call(ctx, "POST", "/audit/erase", eraseRequest{By: env.By, Names: c.Names}, &pseudonyms)
		if err != nil {
			return err
		}
		if len(pseudonyms) == 0 {
			return errors.New("no line of the audit log has such a name")
		}
		for _, name := range pseudonyms {
			fmt.Fprintln(env.Stdout, "erased, and stands in the log as", name)
		}
		return nil
	})
}

// lastLine passes lines on and keeps the last.
type lastLine struct {
	to   io.Writer
	last []byte
}

func (l *lastLine) Write(b []byte) (int, error) {
	for _, c := range b {
		if n := len(l.last); n > 0 && l.last[n-1] == '\n' {
			l.last = l.last[:0]
		}
		if len(l.last) < 4096 {
			l.last = append(l.last, c)
		}
	}
	return l.to.Write(b)
}

// whole tells whether the last line is an export's end.
func (l *lastLine) whole() error {
	var end struct {
		Lines *int `json:"lines"`
	}
	if json.Unmarshal(l.last, &end) != nil || end.Lines == nil {
		return errors.New("the export was cut off before its end; the log of the service says why")
	}
	return nil
}
