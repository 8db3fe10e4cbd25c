package desk

import (
	"signpost/store"
)

// rowActs are the forms by which a list's keys act on the row that has the focus, each with
// the values that can be chosen; one without is typed. static/rowacts.js opens them.
func (d *Desk) rowActs(who store.Agent, accounts []store.Agent) []choice {
	assign := choice{Name: "assign", Field: "agent", Label: "Assign to", Options: []option{
		{Value: who.Email, Label: nameOf(who) + " (me)"}, {Value: "", Label: "Unassigned"},
	}}
	for _, a := range accounts {
		if a.ID != who.ID && !a.Disabled && a.Has(store.RoleAgent) {
			assign.Options = append(assign.Options, option{Value: a.Email, Label: nameOf(a)})
		}
	}
	status := choice{Name: "status", Field: "status", Label: "Status"}
	for _, s := range statuses() {
		status.Options = append(status.Options, option{Value: string(s), Label: statusWords(s)})
	}
	priority := choice{Name: "priority", Field: "priority", Label: "Priority"}
	for _, p := range store.Priorities() {
		priority.Options = append(priority.Options, option{Value: string(p), Label: capital(string(p))})
	}
	category := choice{Name: "category", Field: "category", Label: "Category", Options: []option{{Label: "None"}}}
	for _, c := range d.deps.Categories {
		category.Options = append(category.Options, option{Value: c, Label: c})
	}
	tags := choice{Name: "tags", Field: "tags", Label: "Tags, parted by commas"}
	return []choice{assign, status, priority, category, tags}
}
