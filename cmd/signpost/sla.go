package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/sla"
)

// SLACmd groups what explains promises.
type SLACmd struct {
	Explain SLAExplainCmd `cmd:"" help:"${sla_explain}"`
}

// SLAExplainCmd explains one deadline, of a configured region or of hours given
// on the command line.
type SLAExplainCmd struct {
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
func (c *SLAExplainCmd) Run(env *environment) error {
	calendar, err := c.calendar(env)
	if err != nil {
		return err
	}
	explanation, err := calendar.Explain(c.From, time.Duration(c.Hours*float64(time.Hour)))
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(explanation)
	}
	return explanation.WriteText(env.stdout)
}

func (c *SLAExplainCmd) calendar(env *environment) (*sla.Calendar, error) {
	switch {
	case c.Config != "" && c.Region != "":
		cfg, err := config.LoadWithoutLogins(c.Config, env.environ)
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
