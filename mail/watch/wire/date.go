package wire

import (
	"strings"
	"time"

	"signpost/mail/header"
)

// imapDate is the form of INTERNALDATE (RFC 3501 section 9, date-time).
const imapDate = "02-Jan-2006 15:04:05 -0700"

// dateForms are those in which servers tell it.
var dateForms = []string{
	"2-Jan-2006 15:04:05 -0700",
	"2-Jan-2006 15:04:05 -07:00",
	"2-Jan-2006 15:04:05 MST",
	"2-Jan-2006 15:04:05",
	time.RFC3339,
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05",
	time.ANSIC,
	time.UnixDate,
}

// firstDate: what a server tells as older, it does not know. IMAP
// did not exist then, and 1 January 1970 is what 0 seconds are.
var firstDate = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// date is an INTERNALDATE in its own form, "" when it tells none.
func date(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	at, err := time.Parse(dateForms[0], text)
	for _, form := range dateForms[1:] {
		if err != nil {
			at, err = time.Parse(form, text)
		}
	}
	known := err == nil
	if !known {
		at, known = header.Date(text) // RFC 5322, as some servers write it
	}
	if !known || at.Before(firstDate) || at.Year() > 9999 {
		return ""
	}
	return at.Format(imapDate)
}
