package main

import (
	"context"
	"fmt"
	"os/user"
	"time"

	"signpost/store"
)

// ResponderCmd shows or switches the automatic answers: the kill switch, and
// the way to close a breaker that tripped.
type ResponderCmd struct {
	State   string `arg:"" optional:"" enum:"on,off,status" default:"status" help:"on, off or status (${default})."`
	Config  string `required:"" help:"Configuration file." placeholder:"FILE"`
	Mailbox string `help:"Only the answers to the mail of this mailbox." placeholder:"ID"`
	Reason  string `help:"Why, for the record." placeholder:"TEXT"`
}

// ResponderStatus is the state of the automatic answers as the socket tells it.
type ResponderStatus struct {
	On      bool      `json:"on"`
	Tripped bool      `json:"tripped"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
	// RearmsAt is when a tripped breaker lets answers go on by itself.
	RearmsAt time.Time `json:"rearms_at,omitzero"`
	Mailbox  string    `json:"mailbox,omitempty"` // "" for all of them
	// Off are the mailboxes that have a switch of their own and it off, where all
	// were asked for.
	Off []ResponderStatus `json:"off,omitempty"`
}

func responderStatus(mailbox string, r store.Responder) ResponderStatus {
	return ResponderStatus{On: r.On, Tripped: r.Tripped, Since: r.Since, Reason: r.Reason, By: r.By, RearmsAt: r.RearmsAt,
		Mailbox: mailbox}
}

// Run switches or shows, through the running service or, when none runs, in the
// store itself.
func (c *ResponderCmd) Run(env *environment) error {
	ctx := context.Background()
	control, done, err := openControlled(c.Config, true, env)
	if err != nil {
		return err
	}
	defer done()
	var status ResponderStatus
	if c.State == "status" {
		status, err = control.Responder(ctx, c.Mailbox)
	} else {
		s := store.Switch{Mailbox: c.Mailbox, On: c.State == "on", Reason: c.Reason}
		status, err = control.SwitchResponder(ctx, atCommandLine(), s)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, status)
	return err
}

// atCommandLine says who runs a subcommand.
func atCommandLine() store.Actor {
	who, err := user.Current()
	if err != nil {
		return store.ByCommandLine("the command line")
	}
	return store.ByCommandLine(who.Username + " at the command line")
}

// String is the state in a sentence, and one more for each mailbox that is off.
func (s ResponderStatus) String() string {
	text := "Automatic answers"
	if s.Mailbox != "" {
		text += " of mailbox " + s.Mailbox
	}
	switch {
	case s.On:
		text += " are on"
	case s.Tripped:
		text += " are stopped by the breaker"
	default:
		text += " are off"
	}
	if !s.Since.IsZero() {
		text += " since " + s.Since.Format(time.RFC3339)
	}
	if s.Tripped {
		text += ", until " + s.RearmsAt.Format(time.RFC3339)
	}
	if s.By != "" {
		text += ", by " + s.By
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	text += "."
	for _, box := range s.Off {
		text += "\n" + box.String()
	}
	return text
}
