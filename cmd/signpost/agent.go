package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/intake/staff"
	"signpost/store"
	"signpost/store/addr"
)

// AgentCmd says who may sign in.
type AgentCmd struct {
	Add     AgentAddCmd     `cmd:"" help:"Let somebody sign in."`
	List    AgentListCmd    `cmd:"" help:"List those who may sign in."`
	Disable AgentDisableCmd `cmd:"" help:"Let somebody in no longer, and unassign their unsolved tickets."`
}

// AgentAddCmd adds an account, or changes one.
type AgentAddCmd struct {
	Email         string   `arg:"" help:"What they sign in with."`
	Config        string   `required:"" help:"Configuration file." placeholder:"FILE"`
	Name          string   `help:"As partners and colleagues read it." placeholder:"NAME"`
	Role          []string `default:"agent" enum:"agent,lead,ops,admin" help:"${agent_role} (${default})."`
	Region        []string `help:"${agent_region}" placeholder:"ID"`
	PasswordStdin bool     `help:"${agent_password}" xor:"password"`
	Invite        bool     `help:"${agent_invite}" xor:"password"`
	Update        bool     `help:"${agent_update}"`
}

// agentRequest is what the socket carries: the password's hash, never the
// password.
type agentRequest struct {
	By    string       `json:"by"` // who asks
	Email string       `json:"email"`
	Name  string       `json:"name"`
	Roles []store.Role `json:"roles"`
	// Regions: nil for all, or, of an update, as before; every for all.
	Regions []string `json:"regions,omitempty"`
	Hash    string   `json:"hash"` // "" with Invite
	Invite  bool     `json:"invite,omitempty"`
	Update  bool     `json:"update"`
}

// AgentStatus is an account as the list shows it.
type AgentStatus struct {
	ID            store.AgentID `json:"id"` // as logs and alarms name the account
	Email         string        `json:"email"`
	Name          string        `json:"name"`
	Roles         []store.Role  `json:"roles"`
	Regions       []string      `json:"regions"` // none: all
	Authenticator bool          `json:"authenticator"`
	Passkeys      int           `json:"passkeys"`
	Password      bool          `json:"password"`
	Disabled      bool          `json:"disabled"`
	Since         time.Time     `json:"since"`
}

func agentStatus(a store.Agent) AgentStatus {
	regions := append([]string{}, a.Regions...)
	return AgentStatus{a.ID, a.Email, a.Name, a.Roles, regions, len(a.TOTP) > 0, len(a.Passkeys), a.Password != "",
		a.Disabled, a.CreatedAt}
}

// state is how somebody signs in, in a few words.
func (a AgentStatus) state() string {
	if a.Disabled {
		return "disabled"
	}
	var ways []string
	switch {
	case a.Password && a.Authenticator:
		ways = append(ways, "password and code")
	case a.Password:
		ways = append(ways, "password")
	}
	if a.Passkeys > 0 {
		ways = append(ways, "passkey")
	}
	if ways == nil {
		return "invited"
	}
	return strings.Join(ways, " or ")
}

// Run adds or changes the account and shows a password that it made.
func (c *AgentAddCmd) Run(env *environment) error {
	c.Email = strings.TrimSpace(c.Email)
	if _, problem := addr.Parse(c.Email); problem != "" {
		return fmt.Errorf("%q is no mail address: it %s", c.Email, problem.Sentence())
	}
	cfg, err := config.LoadWithout(c.Config, env.environ, config.LacksLogin, config.LacksSecret)
	if err != nil {
		return err
	}
	for _, id := range c.Region {
		if _, ok := cfg.Region[id]; !ok && id != everyRegion {
			return fmt.Errorf("there is no [region.%s] in %s", id, c.Config)
		}
	}
	password, made, err := c.password(env, cfg.SiteWords())
	if err != nil {
		return err
	}
	control, done, err := openControlled(c.Config, true, env)
	if err != nil {
		return err
	}
	defer done()
	req := agentRequest{Email: c.Email, Name: c.Name, Invite: c.Invite, Update: c.Update, Regions: c.Region}
	if !c.Invite {
		req.Hash = staff.HashPassword(password)
	}
	for _, role := range c.Role {
		req.Roles = append(req.Roles, store.Role(role))
	}
	status, err := control.AddAgent(context.Background(), atCommandLine(), req)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s may sign in as %s.\n", status.Email, roleList(status.Roles))
	if !slices.Contains(status.Roles, store.RoleOps) {
		fmt.Fprintln(env.stdout, "The pages at /ops are for the role ops: --update --role agent,ops gives it, with a "+
			"new password.")
	}
	switch {
	case c.Invite:
		fmt.Fprintf(env.stdout, "An invitation is on its way to %s. Its link works once, within %.0f hours.\n", status.Email,
			staff.InviteLasts.Hours())
	case made:
		fmt.Fprintf(env.stdout, "Password: %s\nIt is shown this once; change it at /account.\n", password)
	}
	return nil
}

func (c *AgentAddCmd) password(env *environment, site []string) (password string, made bool, err error) {
	if c.Invite {
		return "", false, nil
	}
	if !c.PasswordStdin {
		return strings.ToLower(rand.Text()), true, nil
	}
	if file, ok := env.stdin.(*os.File); ok {
		fmt.Fprint(env.stderr, "Password: ")
		restore := hideTyping(file)
		defer func() { restore(); fmt.Fprintln(env.stderr) }()
	}
	line, err := bufio.NewReader(io.LimitReader(env.stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, err
	}
	password = strings.TrimRight(line, "\r\n")
	if words := staff.CheckPassword(password, append(site, c.Name, c.Email)...); words != "" {
		return "", false, errors.New(words)
	}
	return password, false, nil
}

// everyRegion is how the command line names all regions.
const everyRegion = "all"

// regionsOf are the regions that a request names; none: all.
func (r agentRequest) regionsOf() []string {
	if slices.Contains(r.Regions, everyRegion) {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(r.Regions)))
}

func regionList(regions []string) string {
	if len(regions) == 0 {
		return "all regions"
	}
	return strings.Join(regions, ", ")
}

func roleList(roles []store.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// AgentListCmd lists the accounts.
type AgentListCmd struct {
	Config string `required:"" help:"Configuration file." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run prints one line an account.
func (c *AgentListCmd) Run(env *environment) error {
	control, done, err := openControlled(c.Config, true, env)
	if err != nil {
		return err
	}
	defer done()
	all, err := control.Agents(context.Background())
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(all)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, a := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Email, roleList(a.Roles), regionList(a.Regions), a.state(), a.Name)
	}
	return w.Flush()
}

// AgentDisableCmd closes an account.
type AgentDisableCmd struct {
	Email  string `arg:"" help:"Whose account."`
	Config string `required:"" help:"Configuration file." placeholder:"FILE"`
}

// Run disables the account and ends its sessions.
func (c *AgentDisableCmd) Run(env *environment) error {
	control, done, err := openControlled(c.Config, true, env)
	if err != nil {
		return err
	}
	defer done()
	status, err := control.DisableAgent(context.Background(), atCommandLine(), c.Email)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "%s may no longer sign in, and has no unsolved tickets.\n", status.Email)
	return err
}

// AddAgent is the control socket's verb.
func (a *App) AddAgent(ctx context.Context, by store.Actor, req agentRequest) (AgentStatus, error) {
	now := time.Now()
	n := store.NewAgent{Email: req.Email, Name: req.Name, Roles: slices.Compact(slices.Sorted(slices.Values(req.Roles))),
		Password: req.Hash, Regions: req.regionsOf()}
	agent, err := a.db.AddAgent(ctx, now, by, n)
	if errors.Is(err, store.ErrConflict) && req.Update {
		agent, err = a.updateAgent(ctx, now, by, n, len(req.Regions) > 0)
	} else if errors.Is(err, store.ErrConflict) {
		return AgentStatus{}, fmt.Errorf("%s has an account already; --update changes it", req.Email)
	}
	if err != nil {
		return AgentStatus{}, err
	}
	a.log.Info("agent may sign in", "agent", agent.ID, "roles", roleList(agent.Roles), "changed", req.Update)
	if req.Invite {
		err = a.staff.Invite(ctx, now, by, agent)
	}
	return agentStatus(agent), err
}

func (a *App) updateAgent(
	ctx context.Context, now time.Time, by store.Actor, n store.NewAgent, regions bool,
) (store.Agent, error) {
	agent, err := a.db.AgentByEmail(ctx, n.Email)
	if err != nil {
		return store.Agent{}, err
	}
	enabled, noCode := false, []byte{}
	change := store.AgentChange{
		Roles: &n.Roles, Password: &n.Password, TOTP: &noCode, WithoutPasskeys: true, Disabled: &enabled,
		Notice: a.staff.ResetNotice(agent, now),
	}
	if n.Name != "" {
		change.Name = &n.Name
	}
	if regions {
		change.Regions = &n.Regions
	}
	agent, err = a.db.ChangeAgent(ctx, now, by, agent.ID, change)
	a.kickSender()
	return agent, err
}

// Agents is the control socket's verb.
func (a *App) Agents(ctx context.Context) ([]AgentStatus, error) {
	all := []AgentStatus{}
	list := func(p store.Page) (store.List[store.Agent], error) { return a.db.ListAgents(ctx, p) }
	for agent, err := range store.All(store.MaxPage, list) {
		if err != nil {
			return nil, err
		}
		all = append(all, agentStatus(agent))
	}
	return all, nil
}

// DisableAgent is the control socket's verb.
func (a *App) DisableAgent(ctx context.Context, by store.Actor, email string) (AgentStatus, error) {
	agent, err := a.db.AgentByEmail(ctx, email)
	if err != nil {
		return AgentStatus{}, fmt.Errorf("nobody signs in with %s: %w", email, err)
	}
	disabled := true
	if agent, err = a.db.ChangeAgent(ctx, time.Now(), by, agent.ID, store.AgentChange{Disabled: &disabled}); err != nil {
		return AgentStatus{}, err
	}
	a.log.Info("agent disabled", "agent", agent.ID)
	return agentStatus(agent), nil
}
