package main

import (
	"context"
	"fmt"
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
	Mailbox string    `json:"mailbox,omitempty"` // "" for all of them
}

func responderStatus(r store.Responder) ResponderStatus {
	return ResponderStatus{On: r.On, Tripped: r.Tripped, Since: r.Since, Reason: r.Reason}
}

// Run switches or shows, through the running service or, when none runs, in the
// store itself.
func (c *ResponderCmd) Run(env *environment) error {
	ctx := context.Background()
	control, done, err := openControlled(c.Config, env)
	if err != nil {
		return err
	}
	defer done()
	var status ResponderStatus
	switch {
	case c.Mailbox != "" && c.State == "status":
		status, err = control.MailboxSwitch(ctx, c.Mailbox)
	case c.Mailbox != "":
		status, err = control.SwitchMailbox(ctx, c.Mailbox, c.State == "on", c.Reason)
	case c.State == "status":
		status, err = control.Responder(ctx)
	default:
		status, err = control.SwitchResponder(ctx, c.State == "on", c.Reason)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, status)
	return err
}

// String is the state in one sentence.
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
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text + "."
}
