package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAccess tries every cell of the access matrix (testdata/access.txt) on the handlers
// that the service serves.
func TestAccess(t *testing.T) {
	t.Parallel()
	var cells, around atomic.Int64
	tables := readAccess(t)
	t.Run("tables", func(t *testing.T) {
		for _, table := range tables {
			if table.place == "verbs" {
				continue
			}
			t.Run(table.name, func(t *testing.T) {
				t.Parallel()
				w := newAccessWorld(t)
				for _, row := range table.rows {
					w.tryRow(table, row)
				}
				cells.Add(int64(w.cells))
				around.Add(int64(w.around))
			})
		}
	})
	t.Logf("%d cells tried, and %d other ways to what they refuse", cells.Load(), around.Load())
}

// tryRow tries all cells of a route, in each form of answer.
func (w *accessWorld) tryRow(table *accessTable, row accessRow) {
	forms := []string{formPage, formJSON}
	switch _, path, _ := strings.Cut(row.route, " "); {
	case table.place != "public":
		forms = []string{formJSON}
	case strings.HasPrefix(path, "/desk/") && path != "/desk/components":
		forms = append(forms, formSocket)
	}
	w.sessions = map[string]string{} // the row before may have ended them
	wrong := map[string][]string{}   // who, by what went wrong
	for _, c := range row.cells {
		for _, form := range forms {
			who := accessWhos[c.who].account
			noAccount := form == formSocket && who != signedIn && who != accountDisabled
			if noAccount || table.place != "public" && c.who != "anonymous" {
				continue
			}
			for _, fault := range w.tryCell(table, row, c, form) {
				what := c.object + ": " + fault
				wrong[what] = append(wrong[what], c.who+" ("+form+")")
			}
		}
		for _, fault := range w.tryOtherWays(table, row, c) {
			what := c.object + ": " + fault
			wrong[what] = append(wrong[what], c.who)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(wrong)) {
		w.t.Errorf("%s:%d: %s, %s\n  asked by %s", accessFile, row.line, row.route, what, strings.Join(wrong[what], ", "))
	}
}

// tryOtherWays asks in other ways for what is refused, for a few of those who are, and has
// a stranger's page send what is taken. A ticket's page behind its link takes forms from
// wherever they come: the address is the secret that permits it.
func (w *accessWorld) tryOtherWays(table *accessTable, row accessRow, c accessCell) []string {
	outcome, get := c.in(formPage), strings.HasPrefix(row.route, http.MethodGet)
	some := slices.Contains([]string{"anonymous", "link", "elsewhere"}, c.who)
	switch {
	case table.place != "public" || !some:
		return nil
	case accessOutcomes[outcome]:
		return w.tryAround(table, row, c)
	case !get && !strings.Contains(row.route, "/t/:token"):
		return w.tryFromElsewhere(table, row, c)
	}
	return nil
}

// tryCell returns what is wrong with one answer.
func (w *accessWorld) tryCell(table *accessTable, row accessRow, c accessCell, form string) []string {
	w.cells++
	want := c.in(form)
	writes := !strings.HasPrefix(row.route, http.MethodGet)
	s := w.stage(c.who, c.object, writes && !accessOutcomes[want])
	r := s.asks(table.place, row, form)
	before := w.lastChange()
	a := s.answered(w.ask(w.handler(table.place, form), r))
	faults := s.faults(row, c, form, a, w.lastChange() != before)
	if !a.is(want, form) {
		faults = append(faults, a.outcome+", want "+want)
	}
	return faults
}

func (w *accessWorld) lastChange() uint64 {
	last, err := w.app.db.LastChange(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return last
}

// TestEveryRouteIsDocumented fails for a route that the file does not declare, and for a row
// whose route is not served.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	w := newAccessWorld(t)
	tables := readAccess(t)
	declared := map[string]bool{}
	for _, table := range tables {
		for _, row := range table.rows {
			declared[table.place+" "+row.route] = true
		}
	}
	served := map[string][]string{
		"public": w.app.web.Routes(), "control": w.control.patterns, "inside": w.inside.patterns, "verbs": actorless(),
	}
	for place, routes := range served {
		for _, route := range routes {
			key := place + " " + route
			if place == "control" && !strings.Contains(route, " ") {
				key = place + " ANY " + route
			}
			if !declared[key] {
				t.Error(w.missingRow(tables, place, route))
			}
			delete(declared, key)
		}
	}
	for key := range declared {
		t.Errorf("%s: nothing serves %s any more: take its row away", accessFile, key)
	}
}

// missingRow says which lines are to be added where. Their outcomes are what the code does
// now: whoever adds them says that they are right.
func (w *accessWorld) missingRow(tables []*accessTable, place, route string) string {
	if place == "verbs" {
		return fmt.Sprintf("the verb %s takes no store.Actor. Give it one, or say in its contract, and in %s under "+
			"\"table verbs\", why its door is open:\n\nVERB %[1]s REASON\n", strings.TrimPrefix(route, "VERB "), accessFile)
	}
	_, path, _ := strings.Cut(route, " ")
	table := tables[0]
	longest := -1
	for _, other := range tables {
		for _, prefix := range other.prefixes {
			if other.place == place && strings.HasPrefix(path, prefix) && len(prefix) > longest {
				table, longest = other, len(prefix)
			}
		}
	}
	w.sessions = map[string]string{}
	var lines strings.Builder
	row := accessRow{route: route, fields: map[string]string{}}
	for _, object := range table.objectsOf(path) {
		fmt.Fprintf(&lines, "  %-8s", object)
		for _, who := range table.columns {
			if who, _, _ = strings.Cut(who, "+"); who == "others" {
				who = "anonymous"
			}
			s := w.stage(who, object, true)
			fmt.Fprintf(&lines, " %-9s", s.answered(w.ask(w.handler(place, formPage), s.asks(place, row, formPage))).outcome)
		}
		lines.WriteString("\n")
	}
	return fmt.Sprintf("%s has no row in %s. Under \"table %s\" add what follows, with the fields of its form behind the "+
		"path, and each outcome as it should be. Here they are as they are now, without fields:\n\n  %-8s %s\n%[1]s\n%s",
		route, accessFile, table.name, "", strings.Join(table.columns, " "), lines.String())
}

// objectsOf are the objects that a new route of a table is tried on.
func (a *accessTable) objectsOf(path string) []string {
	if !strings.Contains(path, ":") {
		return []string{"page"}
	}
	var all []string
	for _, row := range a.rows {
		for _, c := range row.cells {
			if c.object != "page" && !slices.Contains(all, c.object) {
				all = append(all, c.object)
			}
		}
	}
	return all
}
