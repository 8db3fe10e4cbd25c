package desk

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"signpost/store"
)

// unassigned stands for no agent in the address of a list and in forms.
const unassigned = "none"

// maxFilters bounds how many values one filter of an address has.
const maxFilters = 50

// filterOf reads the filters of a list's address. What is no filter is left out, so that
// an old bookmark still opens.
func filterOf(in url.Values, staff []store.Agent) store.TicketFilter {
	f := store.TicketFilter{
		Regions: values(in, "region"), Categories: values(in, "category"), Tags: values(in, "tag"),
		Trouble: in.Get("trouble") != "", Query: strings.TrimSpace(in.Get("q")),
	}
	if len(f.Query) > store.MaxQueried {
		f.Query = strings.ToValidUTF8(f.Query[:store.MaxQueried], "")
	}
	if v := store.View(in.Get("view")); slices.Contains(store.Views(), v) {
		f.View = v
	}
	f.Statuses = known(values(in, "status"), statuses())
	f.Channels = known(values(in, "channel"), channels())
	f.Priorities = known(values(in, "priority"), store.Priorities())
	for _, address := range values(in, "assignee") {
		if id, ok := agentBy(staff, address); ok {
			f.Assignees = append(f.Assignees, id)
		}
	}
	return f
}

func values(in url.Values, name string) (all []string) {
	for _, v := range in[name] {
		if v = strings.TrimSpace(v); v != "" && len(all) < maxFilters {
			all = append(all, v)
		}
	}
	return all
}

func known[T ~string](asked []string, there []T) (all []T) {
	for _, v := range asked {
		if slices.Contains(there, T(v)) {
			all = append(all, T(v))
		}
	}
	return all
}

// agentBy finds an agent by the address that forms and filters name; "none" is nobody's.
func agentBy(staff []store.Agent, address string) (store.AgentID, bool) {
	if address == unassigned {
		return 0, true
	}
	for _, a := range staff {
		if store.AddressKey(a.Email) == store.AddressKey(address) {
			return a.ID, true
		}
	}
	return 0, false
}

// statuses are those that an agent can give and a list can ask for.
func statuses() []store.Status {
	return []store.Status{store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusSolved}
}

func channels() []store.Channel {
	return []store.Channel{store.ChannelForm, store.ChannelConsole, store.ChannelDesk, store.ChannelAPI}
}

// option is one value of a filter as its control offers it.
type option struct {
	Value, Label string
	Chosen       bool
}

// filterField is one filter of the page.
type filterField struct {
	Name, Label string
	Options     []option
}

// filterFields are the filters that an agent is offered, with what the address chose.
func (d *Desk) filterFields(who store.Agent, in url.Values, staff []store.Agent) []filterField {
	by := who.Actor()
	region := filterField{Name: "region", Label: "Region"}
	for _, r := range d.deps.Regions {
		if by.Sees(r.ID) {
			region.Options = append(region.Options, option{Value: r.ID, Label: r.Prefix + " · " + r.Name})
		}
	}
	status := filterField{Name: "status", Label: "Status"}
	for _, s := range statuses() {
		status.Options = append(status.Options, option{Value: string(s), Label: statusWords(s)})
	}
	assignee := filterField{Name: "assignee", Label: "Assignee"}
	assignee.Options = []option{{Value: unassigned, Label: "Unassigned"}}
	for _, a := range staff {
		if !a.Has(store.RoleAgent) {
			continue
		}
		assignee.Options = append(assignee.Options, option{Value: a.Email, Label: nameOf(a)})
	}
	priority := filterField{Name: "priority", Label: "Priority"}
	for _, p := range store.Priorities() {
		priority.Options = append(priority.Options, option{Value: string(p), Label: capital(string(p))})
	}
	category := filterField{Name: "category", Label: "Category"}
	for _, c := range d.deps.Categories {
		category.Options = append(category.Options, option{Value: c, Label: c})
	}
	channel := filterField{Name: "channel", Label: "Channel"}
	for _, c := range channels() {
		channel.Options = append(channel.Options, option{Value: string(c), Label: channelWords(c)})
	}
	trouble := filterField{Name: "trouble", Label: "Delivery", Options: []option{{Value: "1", Label: "In trouble"}}}
	fields := []filterField{region, status, assignee, priority, category, channel, trouble}
	for i := range fields {
		for j := range fields[i].Options {
			o := &fields[i].Options[j]
			o.Chosen = slices.Contains(in[fields[i].Name], o.Value)
		}
	}
	return slices.DeleteFunc(fields, func(f filterField) bool { return len(f.Options) == 0 })
}

// chip is one filter that is set, and the address of the list without it.
type chip struct{ Words, Without string }

// chips are the filters that are set.
func chips(in url.Values, fields []filterField) (all []chip) {
	add := func(words, name, value string) {
		without := url.Values{}
		for k, v := range in {
			kept := slices.Clone(v)
			if k == name {
				kept = slices.DeleteFunc(kept, func(one string) bool { return one == value })
			}
			if len(kept) > 0 && k != "after" {
				without[k] = kept
			}
		}
		all = append(all, chip{words, listAddress(without)})
	}
	for _, f := range fields {
		for _, o := range f.Options {
			if o.Chosen {
				add(f.Label+": "+o.Label, f.Name, o.Value)
			}
		}
	}
	for _, tag := range values(in, "tag") {
		add("Tag: "+tag, "tag", tag)
	}
	return all
}

// listAddress is the address of the list with these parameters.
func listAddress(in url.Values) string {
	if len(in) == 0 {
		return "/desk/tickets"
	}
	return "/desk/tickets?" + in.Encode()
}

// pageSize is how many tickets one page of a list shows; "limit" asks for fewer or more.
func pageSize(in url.Values) int {
	if n, err := strconv.Atoi(in.Get("limit")); err == nil && n > 0 {
		return min(n, maxListed)
	}
	return listed
}
