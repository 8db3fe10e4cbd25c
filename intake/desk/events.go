package desk

import (
	"fmt"
	"strings"

	"signpost/store"
)

// needsAct tells an event that an agent has to do something about.
func needsAct(e store.Event) bool {
	switch e {
	case store.EventMailFailed, store.EventMailBounced, store.EventMailRefused, store.EventMailComplained:
		return true
	}
	return false
}

// eventWords say what happened, by whom.
func (t thread) eventWords(e store.Entry) string {
	by, c := t.author(e), e.Change
	if by == "" {
		by = "Signpost"
	}
	switch e.Event {
	case store.EventAssigned:
		return by + " " + t.assigned(e)
	case store.EventStatusChanged:
		return by + " " + t.statusChanged(c)
	case store.EventPriorityChanged:
		return fmt.Sprintf("%s set the priority to %s (it was %s)", by, c.PriorityTo, c.PriorityFrom)
	case store.EventCategoryChanged:
		return by + " " + categoryWords(c)
	case store.EventTagsChanged:
		return by + " " + tagWords(c)
	case store.EventReplyUndone:
		return by + " took back a reply before it was sent"
	case store.EventReplyResent:
		mail := t.mails[e.Outbound]
		return fmt.Sprintf("%s mailed the reply (entry %d) again, to %s", by, mail.Entry, mail.To)
	case store.EventAddressChanged:
		return by + " changed the requester's address; it was " + e.Body
	}
	if words := t.colleagueWords(e); words != "" {
		return words
	}
	if words := partnerWords(e); words != "" {
		return "The partner " + words
	}
	return t.mailEvent(e)
}

// partnerWords say what the partner did on the ticket's page, "" for another event.
func partnerWords(e store.Entry) string {
	switch e.Event {
	case store.EventPartnerSolved:
		return "marked the ticket as solved"
	case store.EventWroteUnread:
		return "wrote to the unread mailbox, and was shown the page"
	case store.EventPartnerReopened:
		return "reopened the ticket"
	case store.EventRated:
		return fmt.Sprintf("rated our support %d of %d", e.Change.ScoreTo, store.MaxScore)
	case store.EventFollowed:
		return "went on in a new ticket, " + e.Body
	}
	return ""
}

// mailEvent says what was heard of a mail.
func (t thread) mailEvent(e store.Entry) string {
	what := "A mail"
	if mail, ok := t.mails[e.Outbound]; ok {
		what = capital(mailWords(mail)) + " to " + mail.To
	}
	switch e.Event {
	case store.EventMailFailed:
		return what + " could not be delivered"
	case store.EventMailBounced:
		return what + " bounced"
	case store.EventMailRefused:
		return what + " was refused by the partner's server"
	case store.EventMailComplained:
		return what + " was reported as spam"
	case store.EventMailAutoReplied:
		return "An automatic reply came to " + strings.ToLower(what[:1]) + what[1:]
	case store.EventMailChallenged:
		return "The partner's server asks for a confirmation of " + strings.ToLower(what[:1]) + what[1:]
	case store.EventMailRead:
		return what + " was opened, as its reader's program says"
	}
	return string(e.Event)
}

func mailWords(o store.Outbound) string {
	if o.ToColleague() && o.Kind != store.MailColleague {
		o.Colleague = 0
		return "the copy of " + mailWords(o)
	}
	switch o.Kind {
	case store.MailColleague:
		return "the invitation"
	case store.MailConfirmation:
		return "the confirmation"
	case store.MailReply:
		return fmt.Sprintf("the reply (entry %d)", o.Entry)
	case store.MailSolved:
		return "the notice that the ticket is solved"
	case store.MailPromise:
		return "the notice of the next update"
	case store.MailLinks:
		return "the mail with links"
	}
	return "a mail"
}

// eventDetail is the server's own answer, or the subject of what came back.
func eventDetail(e store.Entry) string {
	switch e.Event {
	case store.EventAddressChanged, store.EventReplyUndone, store.EventFollowed, store.EventColleagueAdded,
		store.EventColleagueJoined, store.EventColleagueRemoved, store.EventColleagueLeft:
		return ""
	}
	return e.Body
}

func (t thread) assigned(e store.Entry) string {
	to := e.Change.AssigneeTo
	switch {
	case to == 0:
		return "took the ticket off " + nameOf(accountOf(t.accounts, e.Change.AssigneeFrom))
	case to == e.Agent:
		return "took the ticket"
	}
	return "assigned the ticket to " + nameOf(accountOf(t.accounts, to))
}

// statusChanged says which status was given, and of one on hold by when it has an update.
func (t thread) statusChanged(c store.Change) string {
	next := ""
	if !c.UpdateTo.IsZero() {
		next = "promised the next update by " + c.UpdateTo.UTC().Format("Mon 2 Jan 2006, 15:04 UTC")
	}
	if c.StatusFrom == c.StatusTo {
		return next
	}
	words := fmt.Sprintf("set the status to %s (it was %s)", quiet(statusWords(c.StatusTo)),
		quiet(statusWords(c.StatusFrom)))
	if next != "" {
		words += " and " + next
	}
	return words
}

func categoryWords(c store.Change) string {
	if c.CategoryTo == "" {
		return "removed the category " + c.CategoryFrom
	}
	return "set the category to " + c.CategoryTo
}

func tagWords(c store.Change) string {
	var parts []string
	if len(c.TagsAdded) > 0 {
		parts = append(parts, "added "+strings.Join(c.TagsAdded, ", "))
	}
	if len(c.TagsRemoved) > 0 {
		parts = append(parts, "removed "+strings.Join(c.TagsRemoved, ", "))
	}
	return "changed the tags: " + strings.Join(parts, "; ")
}

// quiet is a status within a sentence.
func quiet(words string) string { return strings.ToLower(words) }
