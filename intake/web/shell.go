package web

import (
	"context"
	"strconv"
	"strings"

	"signpost/store"
)

// Section is one room's part of the staff navigation: a heading and its items.
type Section struct {
	ID, Name string
	// Sees tells who is shown the section.
	Sees  func(who store.Agent) bool
	Items []Item
	// Counts returns what stands beside the items, by Item.ID; nil: nothing does.
	// It runs at every page of the shell, so it must be quick. When it fails the
	// navigation is shown without counts and the error is logged.
	Counts func(ctx context.Context, who store.Agent) (map[string]Count, error)
}

// Item is one entry of the staff navigation.
type Item struct {
	ID, Name, Icon, Path string
	Key                  string // opens it after the key g; "": none
	// Sees tells who is shown the item; nil: all who see the section.
	Sees func(who store.Agent) bool
}

// Count is a number beside an item, with the word that says of what.
type Count struct {
	N     uint64
	Words string // "active alarms"
	Tone  string // "", "amber" or "red"
}

// maxCount is the highest number that is shown exactly.
const maxCount = 1000

// String is the number as it is shown: exact up to 1,000.
func (c Count) String() string {
	if c.N > maxCount {
		return "1,000+"
	}
	return strconv.FormatUint(c.N, 10)
}

// shellAt is what an answer in the staff shell knows of itself.
type shellAt struct {
	who    store.Agent
	item   string
	topics []string
}

// Navigation adds a room's section to the staff shell, in the order of the calls.
func (s *Server) Navigation(section Section) { s.sections = append(s.sections, section) }

// Staff says who has signed in and which item of the navigation the page belongs to
// ("" for none). The page that is shown next is laid into the staff shell for them;
// it follows the live events of the topics.
func (x *Exchange) Staff(who store.Agent, item string, topics ...string) {
	x.shell = &shellAt{who, item, topics}
}

// Shell is the frame around a staff page.
type Shell struct {
	Who      store.Agent
	Initials string
	Home     string // where the name at the top leads
	Sections []ShellSection
	Topics   string // of live events, separated by spaces
	Events   string // the position in the events that the page shows
	Keys     []KeyGroup
}

// ShellSection is a section as one reader sees it.
type ShellSection struct {
	ID, Name string
	Items    []ShellItem
}

// ShellItem is an item as one reader sees it.
type ShellItem struct {
	Item
	Current bool
	Count   *Count // nil: none
}

// Shell is the frame of this page for who has signed in; nil before the handler
// called Exchange.Staff.
func (f *Frame) Shell() *Shell {
	at := f.x.shell
	if at == nil {
		return nil
	}
	shell := &Shell{
		Who: at.who, Initials: Initials(at.who.Name, at.who.Email), Home: "/account",
		Topics: strings.Join(at.topics, " "), Events: f.x.eventsAt,
	}
	for _, section := range f.x.server.sections {
		if !section.Sees(at.who) {
			continue
		}
		shell.Sections = append(shell.Sections, f.section(section, at))
	}
	if len(shell.Sections) > 0 && len(shell.Sections[0].Items) > 0 {
		shell.Home = shell.Sections[0].Items[0].Path
	}
	shell.Keys = keyGroups(shell.Sections, f.keys)
	return shell
}

func (f *Frame) section(section Section, at *shellAt) ShellSection {
	shown := ShellSection{ID: section.ID, Name: section.Name}
	var counts map[string]Count
	if section.Counts != nil {
		var err error
		if counts, err = section.Counts(f.x.Request.Context(), at.who); err != nil {
			f.x.Log.Error("counts of the navigation", "request", f.x.ID, "section", section.ID, "err", err)
		}
	}
	for _, item := range section.Items {
		if item.Sees != nil && !item.Sees(at.who) {
			continue
		}
		entry := ShellItem{Item: item, Current: item.ID == at.item}
		if c, ok := counts[item.ID]; ok && c.N > 0 {
			entry.Count = &c
		}
		shown.Items = append(shown.Items, entry)
	}
	return shown
}

// Densities are the row heights offered.
func (f *Frame) Densities() []Choice {
	return f.choices(cookieDensity, f.Density, [][2]string{{"compact", "Compact"}, {"comfortable", "Comfortable"}})
}

// Sides are the widths of the navigation offered.
func (f *Frame) Sides() []Choice {
	return f.choices(cookieSide, f.Side, [][2]string{{"wide", "Names"}, {"narrow", "Icons only"}})
}

func (f *Frame) choices(of, chosen string, offered [][2]string) (choices []Choice) {
	for i, o := range offered {
		choices = append(choices, Choice{
			Of: of, Value: o[0], Label: o[1], Link: f.x.here(of, o[0]),
			Chosen: o[0] == chosen || chosen == "" && i == 0,
		})
	}
	return choices
}
