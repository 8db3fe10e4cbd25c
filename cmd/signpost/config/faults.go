package config

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Fault is one thing wrong with the configuration.
type Fault struct {
	File string // or the variable that holds the key
	Line int    // 0 when no line holds the key (it is missing)
	Key  string // "region.us.hours"
	What string
	Hint string

	lack Lack
}

// Lack tells a secret that is not at hand from what is wrong: a service gets its
// secrets from what starts it, and the shell of an operator who runs a subcommand
// has not all of them.
type Lack int

// What a subcommand may do without.
const (
	lacksNothing Lack = iota
	LacksSecret       // that the service signs with
	LacksLogin        // at a mail host
)

func (f Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	text := where + ": "
	if f.Key != "" {
		text += f.Key + ": "
	}
	text += f.What
	if f.Hint != "" {
		text += "\n    " + f.Hint
	}
	return text
}

// Faults are all of them, in the order of the file.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Besides are the faults that remain for a subcommand that does without what is
// lacking: nil when there are none.
func (fs Faults) Besides(lacking ...Lack) error {
	var rest Faults
	for _, f := range fs {
		if !slices.Contains(lacking, f.lack) {
			rest = append(rest, f)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// collector gathers faults and knows where every key stands.
type collector struct {
	file      string
	lines     map[string]int
	variables map[string]string // by key, of those that the environment sets
	faults    Faults
}

func (c *collector) add(key, what, hint string) { c.lacking(lacksNothing, key, what, hint) }

// lacking adds a fault that not every subcommand minds.
func (c *collector) lacking(l Lack, key, what, hint string) {
	f := Fault{File: c.file, Line: c.line(key), Key: key, What: what, Hint: hint, lack: l}
	if variable, ok := c.variables[key]; ok {
		f.File, f.Line = variable, 0
	}
	c.faults = append(c.faults, f)
}

// line is the key's own line, or that of the nearest table above it.
func (c *collector) line(key string) int {
	for key != "" {
		if n, ok := c.lines[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	return 0
}

func (c *collector) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	sort.SliceStable(c.faults, func(i, j int) bool { return c.faults[i].Line < c.faults[j].Line })
	return c.faults
}
