package post

import (
	"unicode/utf8"

	"signpost/store"
	"signpost/store/text"
)

// faultLong is the one fault whose sentence does not name its field.
const faultLong = "post.fault_long"

// Require finds a fault at a field that is empty, which the sentence of the key
// missing says, or longer than maxChars.
func (d *Draft) Require(field, value string, maxChars int, missing string) {
	if value == "" {
		d.AddFault(field, Problem{Key: missing})
		return
	}
	d.Limit(field, value, maxChars)
}

// Limit finds a fault at a field that is longer than maxChars.
func (d *Draft) Limit(field, value string, maxChars int) {
	if utf8.RuneCountInString(value) > maxChars {
		d.AddFault(field, Problem{Key: faultLong, Pairs: []any{"limit", maxChars}})
	}
}

// CheckText finds a fault at a text of several lines that is empty, which the
// sentence of the key missing says, or has less than minChars or more than maxChars.
func (d *Draft) CheckText(field, value string, minChars, maxChars int, missing string) {
	switch n := utf8.RuneCountInString(value); {
	case n == 0:
		d.AddFault(field, Problem{Key: missing})
	case n < minChars:
		d.AddFault(field, Problem{Key: "post.fault_short", Pairs: []any{"limit", minChars}})
	case n > maxChars:
		d.AddFault(field, Problem{Key: "post.fault_text_long", Pairs: []any{"limit", maxChars, "have", n}})
	}
}

// CheckMessage finds a fault at a message that says nothing or is longer than maxChars:
// "yes" is an answer, and a file alone is one too.
func (d *Draft) CheckMessage(field, value string, maxChars int) {
	switch {
	case value != "":
		d.CheckText(field, value, 1, maxChars, "post.fault_message")
	case len(d.Files) == 0 && !d.HasFaults(): // a file that was refused has its own sentence
		d.AddFault(field, Problem{Key: "post.fault_message"})
	}
}

// checkKey refuses a key by which the store cannot fold posts. The page shown then
// carries a fresh one. told false only drops it: the post is refused for another reason.
func (d *Draft) checkKey(told bool) {
	fault := Problem{Key: faultLong, Pairs: []any{"limit", store.MaxIdempotencyKey}}
	switch {
	case !text.IsValid(d.Key):
		fault = Problem{Key: "post.fault_key"}
	case len(d.Key) <= store.MaxIdempotencyKey:
		return
	}
	d.Key = ""
	if told {
		d.AddFault(fieldKey, fault)
	}
}
