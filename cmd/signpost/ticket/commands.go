package ticket

import (
	"net/url"
	"strconv"
)

// Cmd are the subcommands of signpost ticket.
type Cmd struct {
	List   ListCmd   `cmd:"" help:"List tickets: {\"items\", \"next\", \"counts\"}."`
	Show   ShowCmd   `cmd:"" help:"Show a ticket with its thread."`
	Reply  ReplyCmd  `cmd:"" help:"Reply to the partner; exit status 3 when the thread has gone on since --version."`
	Note   NoteCmd   `cmd:"" help:"Write an internal note."`
	Assign AssignCmd `cmd:"" help:"Give a ticket to an agent, or to none."`
	Close  CloseCmd  `cmd:"" help:"Solve a ticket without a mail."`
}

// ListCmd lists tickets.
type ListCmd struct {
	Who      `embed:""`
	View     string   `help:"${ticket_view}" placeholder:"VIEW"`
	Query    string   `short:"q" help:"Words of the number, the address or the title." placeholder:"WORDS"`
	Region   []string `help:"Only these regions." placeholder:"ID"`
	Status   []string `help:"Only these: open, pending, on_hold, solved." placeholder:"STATUS"`
	Assignee []string `help:"Only tickets of these agents, or none." placeholder:"ADDRESS"`
	Tag      []string `help:"Only with these tags." placeholder:"TAG"`
	After    string   `help:"The \"next\" of the page before." placeholder:"CURSOR"`
	Limit    int      `default:"50" help:"How many at most (${default}, up to 200)."`
}

// Run lists one page.
func (c *ListCmd) Run(env *Env) error {
	in := url.Values{
		"region": c.Region, "status": c.Status, "assignee": c.Assignee, "tag": c.Tag, "limit": {strconv.Itoa(c.Limit)},
	}
	for name, value := range map[string]string{"view": c.View, "q": c.Query, "after": c.After} {
		if value != "" {
			in.Set(name, value)
		}
	}
	return c.ask(env, "/desk/tickets?"+in.Encode(), nil)
}

// ShowCmd shows a ticket.
type ShowCmd struct {
	Who    `embed:""`
	Number string `arg:"" help:"Such as US-1042."`
	Events bool   `help:"With the events among the entries."`
}

// Run prints it.
func (c *ShowCmd) Run(env *Env) error {
	path := address(c.Number, "")
	if c.Events {
		path += "?events=1"
	}
	return c.ask(env, path, nil)
}

// ReplyCmd replies.
type ReplyCmd struct {
	Who     `embed:""`
	Number  string `arg:"" help:"Such as US-1042."`
	Body    string `arg:"" optional:"" help:"Markdown; from the input when left out or -."`
	Then    string `default:"open" enum:"open,pending,on_hold,solved" help:"${ticket_then} (${default})."`
	Version string `help:"${ticket_version}" placeholder:"N"`
	Key     string `help:"A reply with the same key is sent once, however often it is asked for." placeholder:"KEY"`
}

// Run sends it, held for the agent's undo time.
func (c *ReplyCmd) Run(env *Env) error {
	return write(env, c.Who, c.Number, "reply", c.Body, url.Values{
		"then": {c.Then}, "version": {c.Version}, "idempotency_key": {c.Key},
	})
}

// NoteCmd writes a note.
type NoteCmd struct {
	Who    `embed:""`
	Number string `arg:"" help:"Such as US-1042."`
	Body   string `arg:"" optional:"" help:"Markdown; from the input when left out or -."`
	Key    string `help:"A note with the same key is written once." placeholder:"KEY"`
}

// Run writes it.
func (c *NoteCmd) Run(env *Env) error {
	return write(env, c.Who, c.Number, "note", c.Body, url.Values{"idempotency_key": {c.Key}})
}

func write(env *Env, who Who, number, what, body string, form url.Values) error {
	text, err := env.text(body)
	if err != nil {
		return err
	}
	form.Set("body", text)
	return who.ask(env, address(number, "/"+what), form)
}

// AssignCmd assigns a ticket.
type AssignCmd struct {
	Who    `embed:""`
	Number string `arg:"" help:"Such as US-1042."`
	Agent  string `arg:"" optional:"" help:"Address of the agent; left out for none."`
}

// Run assigns it and prints the ticket.
func (c *AssignCmd) Run(env *Env) error {
	return c.ask(env, address(c.Number, "/assign"), url.Values{"agent": {c.Agent}})
}

// CloseCmd solves a ticket.
type CloseCmd struct {
	Who    `embed:""`
	Number string `arg:"" help:"Such as US-1042."`
}

// Run solves it and prints the ticket.
func (c *CloseCmd) Run(env *Env) error {
	return c.ask(env, address(c.Number, "/status"), url.Values{"status": {"solved"}})
}

// address is where the desk has a ticket.
func address(number, act string) string { return "/desk/tickets/" + url.PathEscape(number) + act }
