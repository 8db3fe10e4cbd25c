package triage

import (
	"slices"

	"signpost/store"
)

// A list or a group in front of a mailbox, such as a Google group that bears the
// support address, puts its marks on all mail. No automatic answer may go to a list
// (RFC 5230 section 4.6), so no person is ever answered, and no mail looks wrong.

// FromPerson tells a person's mail, and whether a list of ours stands before the mailbox.
func FromPerson(v store.Verdict) (person, behind bool) {
	behind = slices.ContainsFunc(v.Rules, func(r store.Rule) bool { return r.ID == RuleOwnList })
	switch v.Kind {
	case store.KindDirect:
		return true, behind
	case store.KindList, store.KindOwn:
		return behind, behind
	}
	return false, false
}

// OwnListHint says what to do where most persons' mail came through a list of ours.
const OwnListHint = "The support address seems to be a group or a distribution list: " +
	"make it the mailbox itself, or have mail to it forwarded without list marks. " +
	"No automatic answer may go to a list (RFC 5230 section 4.6)."
