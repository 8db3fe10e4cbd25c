package sandbox

import (
	"strings"
)

// headerView is one header field.
type headerView struct {
	Name, Value string
	Means       string // what it says to a mail host; "" when it is not explained
}

// allHeaders are the fields of a mail as the page lists them.
func allHeaders(m Mail) []headerView {
	all := make([]headerView, len(m.Header))
	for i, f := range m.Header {
		all[i] = headerView{Name: f.Name, Value: f.Value}
	}
	return all
}

func headerValue(all []headerView, name string) string {
	for _, h := range all {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// meanings are the fields worth explaining, in the order shown.
func meanings() []headerView {
	return []headerView{
		{Name: "From", Means: "Who claims to have written it. A sender can write anything here; " +
			"only Authentication-Results tells whether it is so."},
		{Name: "Return-Path", Means: "The envelope's sender: where a bounce goes. " +
			"<> means that there is no sender, and that no answer may be sent."},
		{Name: "Delivered-To", Means: "The address it arrived at, with the tag that ties a bounce to the mail it is about."},
		{Name: "Reply-To", Means: "Where a person's reply would go."},
		{Name: "Authentication-Results",
			Means: "What this host found out: may that sender's host send for it (spf), is a signature true (dkim), " +
				"does either match From (dmarc)."},
		{Name: "DKIM-Signature", Means: "A signature over the mail in the name of the domain d=."},
		{Name: "Auto-Submitted", Means: "Anything but \"no\" says that a machine wrote it. Such mail is never answered."},
		{Name: "Precedence", Means: "bulk, list and junk ask for no automatic answer."},
		{Name: "X-Auto-Response-Suppress", Means: "Asks Exchange and others not to answer automatically."},
		{Name: "X-Loop", Means: "Another program's mark by which it knows its own mail again."},
		{Name: "List-Id", Means: "It came through a mailing list."},
		{Name: "List-Unsubscribe", Means: "It is a newsletter or list mail; one can leave the list here."},
		{Name: "Message-ID", Means: "The mail's own name. Replies and bounces refer to it."},
		{Name: "X-Signpost-Ref", Means: "The Message-ID once more, for relays that give the mail another one."},
		{Name: "In-Reply-To", Means: "The mail it answers: what puts it into that thread."},
		{Name: "References", Means: "The thread so far, oldest first."},
		{Name: "X-Failed-Recipients", Means: "Some hosts name the failed addresses here, beside or in place of a report."},
		{Name: "Content-Type", Means: "What the mail is made of. multipart/report is a machine's report."},
	}
}

// explain picks the fields that matter, each with what it means.
func explain(all []headerView) []headerView {
	var shown []headerView
	for _, known := range meanings() {
		for _, h := range all {
			if strings.EqualFold(h.Name, known.Name) {
				shown = append(shown, headerView{Name: known.Name, Value: orElse(h.Value, "(empty)"), Means: known.Means})
				break
			}
		}
	}
	return shown
}
