package web

import "strings"

// Key is a line of the table of keys. The handler in the page (static/keys.js), the
// sheet that ? opens and the hints on controls all read this one table.
type Key struct {
	// Press is the key, as KeyboardEvent.key names it: "j", "?", "Enter",
	// "Control+k" (on a Mac, Command); keys pressed one after the other are parted by
	// spaces: "g t". Alternatives are parted by " | ".
	Press string
	Name  string // what it does, in a few words
	Group string // the heading it stands under
	// Act is what it does: the action that a module of the page registered under
	// this name, or else a click on the first element with data-act="NAME" that is
	// seen. "" with Go.
	Act string
	Go  string // the address it opens
	// InFields: it works also while a field has the focus. A single letter must not.
	InFields bool
}

// Presses are the alternatives, each a sequence of keys as a person reads them.
func (k Key) Presses() (all [][]string) {
	for _, press := range strings.Split(k.Press, " | ") {
		var sequence []string
		for _, key := range strings.Fields(press) {
			sequence = append(sequence, keyName(key))
		}
		all = append(all, sequence)
	}
	return all
}

func keyName(key string) string {
	parts := strings.Split(key, "+")
	if key == "+" {
		return key
	}
	names := map[string]string{
		"Control": "Ctrl", "ArrowDown": "↓", "ArrowUp": "↑", "ArrowLeft": "←", "ArrowRight": "→", "Escape": "Esc",
	}
	if key != strings.ToLower(key) && len(key) == 1 {
		return "Shift+" + key
	}
	for i, part := range parts {
		if name, ok := names[part]; ok {
			parts[i] = name
		} else if len(part) == 1 && len(parts) > 1 {
			parts[i] = strings.ToUpper(part)
		}
	}
	return strings.Join(parts, "+")
}

// KeyGroup is the keys under one heading.
type KeyGroup struct {
	Name string
	Keys []Key
}

// commonKeys work on every page of the staff shell.
func commonKeys() []Key {
	const rows, anywhere = "Lists", "Anywhere"
	return []Key{
		{Press: "?", Name: "Show the keys", Group: anywhere, Act: "keys"},
		{Press: "Control+k", Name: "Go to or do anything", Group: anywhere, Act: "palette", InFields: true},
		{Press: "/", Name: "Search", Group: anywhere, Act: "search"},
		{Press: "Escape", Name: "Close what floats, leave a field", Group: anywhere, Act: "leave", InFields: true},
		{Press: "j | ArrowDown", Name: "Next row", Group: rows, Act: "row.next"},
		{Press: "k | ArrowUp", Name: "Previous row", Group: rows, Act: "row.previous"},
		{Press: "o | Enter", Name: "Open the row", Group: rows, Act: "row.open"},
		{Press: "x", Name: "Select the row", Group: rows, Act: "row.select"},
	}
}

// Keys adds a room's keys to those of the staff shell on every page of the set.
func (set *Set) Keys(keys ...Key) *Set {
	set.keys = append(set.keys, keys...)
	return set
}

// keyGroups is the whole table of a page: what opens the items of the navigation,
// what works everywhere and the room's own.
func keyGroups(sections []ShellSection, own []Key) (groups []KeyGroup) {
	all := commonKeys()
	for _, section := range sections {
		for _, item := range section.Items {
			if item.Key != "" {
				all = append(all, Key{Press: "g " + item.Key, Name: item.Name, Group: "Go to", Go: item.Path})
			}
		}
	}
	for _, key := range append(all, own...) {
		i := 0
		for i < len(groups) && groups[i].Name != key.Group {
			i++
		}
		if i == len(groups) {
			groups = append(groups, KeyGroup{Name: key.Group})
		}
		groups[i].Keys = append(groups[i].Keys, key)
	}
	return groups
}
