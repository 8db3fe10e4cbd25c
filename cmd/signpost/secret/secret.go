// Package secret changes the installation's secret: signpost secret rotate, status, drop.
//
// What stands here: Rotator, which works on the secret file, the ring of the process and
// what the store holds sealed (rotate.go); Mount offers it on the control socket, and Cmd
// asks it there. A call flows so: rotate writes the new secret in front of the others, has
// the ring use both, seals anew by the new one, and notes in the file that it is done; cut
// off at any point, the next call goes on from there. While it runs the ring proves what
// any of the secrets made, so no link is refused. To seal something more by the
// installation's secret: give it a step in sealAnew.
package secret

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/control"
	"signpost/store"
	"signpost/store/ident"
)

// Status is how the secrets stand.
type Status struct {
	Secrets   []Secret `json:"secrets"` // newest first
	Rotating  bool     `json:"rotating"`
	Droppable int      `json:"droppable"`
	Dropped   int      `json:"dropped"`
	Sessions  int      `json:"sessions"` // that a revocation ended
}

// Secret is one of them.
type Secret struct {
	Fingerprint string    `json:"fingerprint"`
	Since       time.Time `json:"since"`
	NeededUntil time.Time `json:"needed_until"` // zero for the newest, and where it is not known
}

// status works out until when each old secret is needed.
func (r *Rotator) status(ctx context.Context, now time.Time, f config.SecretFile) (s Status, err error) {
	s.Rotating = f.Rotating
	secrets := f.Secrets()
	for i, line := range f.Lines {
		one := Secret{Fingerprint: ident.Fingerprint(secrets[i]), Since: line.Since}
		if i > 0 && !f.Lines[i-1].Since.IsZero() {
			retired := f.Lines[i-1].Since
			one.NeededUntil = retired.Add(Kept)
			links, err := r.Store.LinksUntil(ctx, now, retired)
			if err != nil {
				return s, err
			}
			if links.After(one.NeededUntil) {
				one.NeededUntil = links
			}
			if !now.Before(one.NeededUntil) {
				s.Droppable++
			}
		}
		s.Secrets = append(s.Secrets, one)
	}
	return s, nil
}

// Status is how the secrets stand.
func (r *Rotator) Status(ctx context.Context, now time.Time) (Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.read()
	if err != nil {
		return Status{}, err
	}
	return r.status(ctx, now, f)
}

type request struct {
	By     string `json:"by"`
	Revoke bool   `json:"revoke"`
}

// Router takes routes as http.ServeMux does.
type Router interface {
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// Mount offers the rotator on a control socket.
func Mount(mux Router, r *Rotator) {
	handle := func(path string, do func(ctx context.Context, ask request) (Status, error)) {
		mux.HandleFunc("POST /secret/"+path, func(w http.ResponseWriter, q *http.Request) {
			var ask request
			control.Answer(w, q, &ask, func() (any, error) { return do(q.Context(), ask) })
		})
	}
	handle("rotate", func(ctx context.Context, ask request) (Status, error) {
		return r.Rotate(context.WithoutCancel(ctx), time.Now(), store.ByCommandLine(ask.By), ask.Revoke)
	})
	handle("drop", func(ctx context.Context, ask request) (Status, error) {
		return r.Drop(context.WithoutCancel(ctx), time.Now(), store.ByCommandLine(ask.By))
	})
	handle("status", func(ctx context.Context, _ request) (Status, error) { return r.Status(ctx, time.Now()) })
}

// Env is what the subcommands use of the program.
type Env struct {
	Stdout io.Writer
	By     string // who runs the command line
	// Reach is as audit.Env's.
	Reach func(config, demo string) (c *control.Client, done func(), err error)
}

// Cmd is signpost secret.
type Cmd struct {
	Rotate RotateCmd `cmd:"" help:"Make a new secret and seal with it what the old one sealed; the old one still proves."`
	Status StatusCmd `cmd:"" help:"Show the secrets by fingerprint, and until when each old one is needed."`
	Drop   DropCmd   `cmd:"" help:"Take away the old secrets that nothing needs any more."`
}

// Where is whose secret it is.
type Where struct {
	Config string `help:"Configuration file." placeholder:"FILE" xor:"where" required:""`
	Demo   string `help:"The folder of a demo." placeholder:"FOLDER" xor:"where" required:""`
}

func (w Where) ask(env *Env, path string, revoke bool) (s Status, err error) {
	c, done, err := env.Reach(w.Config, w.Demo)
	if err != nil {
		return s, err
	}
	defer done()
	return s, c.Call(context.Background(), "POST", "/secret/"+path, request{By: env.By, Revoke: revoke}, &s)
}

// RotateCmd makes a new secret.
type RotateCmd struct {
	Where
	Revoke bool `help:"${secret_revoke}"`
}

// Run says what became of the old one.
func (c *RotateCmd) Run(env *Env) error {
	s, err := c.ask(env, "rotate", c.Revoke)
	if err != nil {
		return fmt.Errorf("%w\nRun signpost secret rotate again: it goes on where it was cut off", err)
	}
	fmt.Fprintln(env.Stdout,
		"A new secret signs and seals from now on. Keep a copy of the secret file beside your backups.")
	if c.Revoke {
		fmt.Fprintf(env.Stdout, "The old ones are gone: %d sessions ended, links mailed before open nothing (their readers "+
			"ask for a new one at /link), bounces of mail sent before are no longer tied to it by their address, and "+
			"backups made before need restore --unsigned.\n", s.Sessions)
	}
	return s.tell(env.Stdout)
}

// StatusCmd shows the secrets.
type StatusCmd struct{ Where }

// Run shows them, a line each.
func (c *StatusCmd) Run(env *Env) error {
	s, err := c.ask(env, "status", false)
	if err != nil {
		return err
	}
	return s.tell(env.Stdout)
}

// DropCmd takes old secrets away.
type DropCmd struct{ Where }

// Run says which are gone, and when the others may go.
func (c *DropCmd) Run(env *Env) error {
	s, err := c.ask(env, "drop", false)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Dropped %d.\n", s.Dropped)
	return s.tell(env.Stdout)
}

// tell lists the secrets.
func (s Status) tell(to io.Writer) (err error) {
	if s.Rotating {
		_, err = fmt.Fprintln(to, "A rotation was cut off. Run signpost secret rotate again: it goes on there.")
	}
	for i, one := range s.Secrets {
		words := "signs and seals"
		switch {
		case i > 0 && one.NeededUntil.IsZero():
			words = "still proves what was made with it; since when another signs is not known"
		case i > 0:
			words = "still proves what was made with it; links and mail need it until " +
				one.NeededUntil.UTC().Format("2 January 2006") + ", then: signpost secret drop"
		}
		_, err = fmt.Fprintf(to, "%s  %s\n", one.Fingerprint, words)
	}
	return err
}
