package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// accessFile declares every cell of the access matrix; it says how it is read.
const accessFile = "testdata/access.txt"

// accessTable is a part of the file: routes that are judged by the same columns.
type accessTable struct {
	name     string
	place    string   // public, control or inside: where its routes are served
	prefixes []string // of the routes that belong here, as far as the file's reader can be told
	columns  []string // kinds of who, several joined by "+"; the first is others
	rows     []accessRow
}

// accessRow is one route and what it answers to whom.
type accessRow struct {
	line   int
	route  string            // "GET /t/:token", "VERB MailLinks"
	fields map[string]string // of the form, of the query of a GET, and ":x" of the path
	why    string            // of a row that is a sentence
	cells  []accessCell
}

// accessCell is what one kind of who is answered about one object.
type accessCell struct{ who, object, outcome string }

// readAccess reads the file.
func readAccess(t *testing.T) []*accessTable {
	t.Helper()
	text, err := os.ReadFile(accessFile)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := parseAccess(string(text))
	if err != nil {
		t.Fatalf("%s: %v", accessFile, err)
	}
	return tables
}

func parseAccess(text string) (tables []*accessTable, err error) {
	for n, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "table" {
			tables = append(tables, &accessTable{name: words[1], place: words[2], prefixes: words[3:]})
			continue
		}
		if len(tables) == 0 {
			return nil, fmt.Errorf("line %d stands before the first table", n+1)
		}
		if err := tables[len(tables)-1].read(n+1, line, words); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return tables, nil
}

// read takes one line: the columns, a route, or the outcomes of some objects of the route
// above it.
func (a *accessTable) read(n int, line string, words []string) error {
	indented := line[0] == ' ' || line[0] == '\t'
	switch {
	case words[0] == "columns":
		a.columns = append([]string{"others"}, words[1:]...)
		return a.checkColumns()
	case !indented:
		return a.readRoute(n, words)
	case len(a.rows) == 0:
		return fmt.Errorf("outcomes before a route")
	}
	row := &a.rows[len(a.rows)-1]
	split := slices.IndexFunc(words, isOutcome)
	if split < 0 || len(words)-split != len(a.columns) {
		return fmt.Errorf("want objects and %d outcomes, one for each of %v", len(a.columns), a.columns)
	}
	for _, object := range words[:split] {
		if !slices.Contains(accessObjects, object) {
			return fmt.Errorf("there is no object %q; there are %v", object, accessObjects)
		}
		for _, who := range slices.Sorted(maps.Keys(accessWhos)) {
			column := max(0, slices.IndexFunc(a.columns, func(c string) bool { return isOneOf(who, c) }))
			outcome := words[split+column]
			if !isOutcome(outcome) {
				return fmt.Errorf("there is no outcome %q; there are %v", outcome, slices.Sorted(maps.Keys(accessOutcomes)))
			}
			row.cells = append(row.cells, accessCell{who, object, outcome})
		}
	}
	return nil
}

func (a *accessTable) checkColumns() error {
	for _, who := range strings.FieldsFunc(strings.Join(a.columns[1:], "+"), func(r rune) bool { return r == '+' }) {
		if _, ok := accessWhos[who]; !ok {
			return fmt.Errorf("there is no who %q; there are %v", who, slices.Sorted(maps.Keys(accessWhos)))
		}
	}
	return nil
}

func (a *accessTable) readRoute(n int, words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("a route is a method and a path")
	}
	row := accessRow{line: n, route: words[0] + " " + words[1], fields: map[string]string{}}
	for i, word := range words[2:] {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			row.why = strings.Join(words[2+i:], " ")
			break
		}
		row.fields[name] = value
	}
	if words[0] == "VERB" && row.why == "" {
		return fmt.Errorf("%s has no reason", row.route)
	}
	a.rows = append(a.rows, row)
	return nil
}

// isOneOf tells whether a column is that of a who: "agent+lead" is of both.
func isOneOf(who, column string) bool { return slices.Contains(strings.Split(column, "+"), who) }

// isOutcome tells an outcome, or two: that of the page and that of JSON.
func isOutcome(word string) bool {
	page, json, two := strings.Cut(word, "/")
	_, ok1 := accessOutcomes[page]
	_, ok2 := accessOutcomes[json]
	return ok1 && (!two || ok2)
}

// in is the outcome in one form of the answer.
func (c accessCell) in(form string) string {
	page, json, two := strings.Cut(c.outcome, "/")
	if two && form != formPage {
		return json
	}
	return page
}

func TestAccessFileIsRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no table", "GET /x", "before the first table"},
		{"too few outcomes", "table a public /\ncolumns link\nGET /x\n  own  ok", "one for each"},
		{"an unknown object", "table a public /\ncolumns link\nGET /x\n  moon  ok ok", "no object"},
		{"an unknown who", "table a public /\ncolumns nobody", "no who"},
	} {
		if _, err := parseAccess(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	tables, err := parseAccess("table a public /\ncolumns link\nGET /x n=1\n  own  sign-in ok/faulty\n")
	if err != nil || len(tables) != 1 || len(tables[0].rows) != 1 {
		t.Fatalf("%v %v", tables, err)
	}
	row := tables[0].rows[0]
	if len(row.cells) != len(accessWhos) || row.fields["n"] != "1" {
		t.Errorf("a row of %d cells with %v, want one for each who", len(row.cells), row.fields)
	}
	for _, c := range row.cells {
		if want := map[bool]string{true: "faulty", false: "sign-in"}[c.who == "link"]; c.in(formJSON) != want {
			t.Errorf("%s: %s, want %s", c.who, c.in(formJSON), want)
		}
	}
}
