// Package explain is signpost sla explain: why a promise falls due when it does.
//
// What stands here: Cmd the subcommands, ExplainCmd the one there is. A call flows so: the
// calendar comes from a configured region or from hours on the command line, and sla
// explains it. To add a subcommand: a struct with its flags, its Run, and its field of Cmd.
package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/sla"
)

// Env is what the command uses of the process it runs in.
type Env struct {
	Stdout  io.Writer
	Environ []string
}

// Cmd groups what explains promises.
type Cmd struct {
	Explain ExplainCmd `cmd:"" help:"${sla_explain}"`
}

// ExplainCmd explains one deadline, of a configured region or of hours given
// on the command line.
type ExplainCmd struct {
	Config  string    `help:"Configuration file; with --region." placeholder:"FILE" xor:"source"`
	Region  string    `help:"Region id in the configuration." placeholder:"ID"`
	Zone    string    `help:"IANA time zone; with --open." placeholder:"TZ" xor:"source"`
	Open    string    `help:"${sla_open}" placeholder:"HOURS"`
	Holiday []string  `help:"A day without opening, YYYY-MM-DD; may be repeated." placeholder:"DATE"`
	From    time.Time `help:"When the clock starts, RFC 3339." required:"" placeholder:"TIME"`
	Hours   float64   `help:"Business hours promised." required:"" placeholder:"N"`
	JSON    bool      `help:"Print JSON." name:"json"`
}

// Run prints the explanation.
func (c *ExplainCmd) Run(env *Env) error {
	calendar, err := c.calendar(env)
	if err != nil {
		return err
	}
	explanation, err := calendar.Explain(c.From, time.Duration(c.Hours*float64(time.Hour)))
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.Stdout).Encode(explanation)
	}
	return explanation.WriteText(env.Stdout)
}

func (c *ExplainCmd) calendar(env *Env) (*sla.Calendar, error) {
	switch {
	case c.Config != "" && c.Region != "":
		cfg, err := config.LoadWithoutLogins(c.Config, env.Environ)
		if err != nil {
			return nil, err
		}
		for _, r := range cfg.Regions() {
			if r.ID == c.Region {
				return sla.ForRegion(r)
			}
		}
		return nil, fmt.Errorf("the configuration has no region %q; it has %v", c.Region,
			slices.Sorted(maps.Keys(cfg.Region)))
	case c.Zone != "" && c.Open != "":
		zone, err := sla.Zone(c.Zone)
		if err != nil {
			return nil, err
		}
		week, err := sla.Parse(c.Open)
		if err != nil {
			return nil, err
		}
		return sla.NewCalendar(zone, week, c.Holiday)
	default:
		return nil, errors.New("give --config FILE and --region ID, or --zone TZ and --open HOURS")
	}
}
