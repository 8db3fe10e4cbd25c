package desk

import "signpost/intake/web"

// keys is the desk's part of the one table that the sheet, the palette and the handler
// read. A line whose control is not on the page does nothing there.
func keys() []web.Key {
	const ticket, writing = "Ticket", "Writing"
	return []web.Key{
		{Press: "u", Name: "Back to the list", Group: ticket, Act: "list"},
		{Press: "]", Name: "Next ticket of the list", Group: ticket, Act: "next"},
		{Press: "[", Name: "Previous ticket of the list", Group: ticket, Act: "previous"},
		{Press: "a", Name: "Assign", Group: ticket, Act: "assign"},
		{Press: "A", Name: "Assign to me", Group: ticket, Act: "mine"},
		{Press: "s", Name: "Status", Group: ticket, Act: "status"},
		{Press: "p", Name: "Priority", Group: ticket, Act: "priority"},
		{Press: "c", Name: "Category", Group: ticket, Act: "category"},
		{Press: "t", Name: "Tags", Group: ticket, Act: "tags"},
		{Press: "e", Name: "Solve without a reply", Group: ticket, Act: "solve"},
		{Press: ".", Name: "Copy the number", Group: ticket, Act: "copy"},
		{Press: "z | Control+z", Name: "Take the last reply back", Group: ticket, Act: "undo"},
		{Press: "N", Name: "Show what is new", Group: ticket, Act: "news"},
		{Press: "r", Name: "Reply", Group: writing, Act: "reply"},
		{Press: "i", Name: "Internal note", Group: writing, Act: "note"},
		{Press: "Control+Enter", Name: "Send, or add the note", Group: writing, Act: "send", InFields: true},
		{Press: "Control+Shift+Enter", Name: "Send and solve", Group: writing, Act: "send.solve", InFields: true},
		{Press: "Alt+Enter", Name: "Send and wait for partner", Group: writing, Act: "send.wait", InFields: true},
		{Press: "v", Name: "Preview of the mail", Group: writing, Act: "preview"},
	}
}
