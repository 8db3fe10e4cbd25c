package web

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What stands here is the data of the parts in templates/_components.html: one type
// a part, of the same name. A tone is "" (right, or of no weight), "teal" (can be
// acted on), "amber" (soon, paused, switched off by hand), "red" (a fault that a
// person must act on), "green" (delivered, solved) or "violet" (internal). A word
// always stands beside a colour.

// Badge is a word in a colour.
type Badge struct {
	Tone, Words string
	Icon        string // "": none
}

// Tabs are the views of one page, one of them open.
type Tabs struct {
	Label string // names the group for those who hear the page
	Items []Tab
}

// Tab is one of them.
type Tab struct {
	Name, Path string
	Count      *Count // nil: none
	Current    bool
}

// Empty stands where a list would: what will be here, and what to do now.
type Empty struct {
	Icon, Title, Text string
	Link, Do          string // "": nothing to do
}

// Avatar stands for a person by initials. Presence is "" (not told), "here" or
// "typing".
type Avatar struct {
	Name, Initials, Presence string
	Since                    time.Time // of the presence, zero where it is not told
}

// AvatarOf is a person's, by name or else by address.
func AvatarOf(name, email, presence string) Avatar {
	shown := name
	if shown == "" {
		shown = email
	}
	return Avatar{Name: shown, Initials: Initials(name, email), Presence: presence}
}

// Initials are two letters at most: of the first and the last word of the name, or
// the first of the address.
func Initials(name, email string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '-' || r == '.' })
	if len(words) == 0 {
		words = []string{email}
	}
	letters := first(words[0])
	if len(words) > 1 {
		letters += first(words[len(words)-1])
	}
	return letters
}

func first(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return "?"
	}
	return string(unicode.ToUpper(r))
}

// TimerState is how a deadline stands.
type TimerState string

// The states of a deadline.
const (
	TimerRunning TimerState = "running"
	TimerSoon    TimerState = "soon"
	TimerMissed  TimerState = "missed"
	TimerPaused  TimerState = "paused"
	TimerMet     TimerState = "met"
)

// Timer is a deadline in words: "first answer", "2 h 10 min".
type Timer struct {
	State     TimerState
	Of, Words string
	At        time.Time // the deadline; zero when it is paused or met
}

// Icon is the drawing of the timer's state: no two share one.
func (t Timer) Icon() string {
	switch t.State {
	case TimerMissed:
		return "warning"
	case TimerPaused:
		return "pause"
	case TimerMet:
		return "check"
	case TimerSoon:
		return "bell"
	}
	return "clock"
}

// Tone is its colour.
func (t Timer) Tone() string {
	switch t.State {
	case TimerMissed:
		return "red"
	case TimerSoon, TimerPaused:
		return "amber"
	}
	return ""
}

// Delivery is how far a mail has come, as a mark on the entry it carries.
type Delivery struct {
	// State is "waiting", "queued", "held", "sent", "delivered", "delayed", "bounced",
	// "failed", "suppressed" or "undone".
	State string
	Words string // what is beside the mark; "" for the state itself
}

// Icon is the drawing of the state.
func (d Delivery) Icon() string {
	switch d.State {
	case "sent":
		return "arrow"
	case "delivered":
		return "check"
	case "bounced", "failed", "suppressed":
		return "envelope-cross"
	case "held":
		return "pause"
	case "undone":
		return "undo"
	}
	return "clock"
}

// Tone is its colour.
func (d Delivery) Tone() string {
	switch d.State {
	case "delivered":
		return "green"
	case "bounced", "failed", "suppressed":
		return "red"
	case "delayed", "held":
		return "amber"
	}
	return ""
}

// Said is what stands beside the mark.
func (d Delivery) Said() string {
	if d.Words == "" {
		return d.State
	}
	return d.Words
}

// Toast says what was done, at the bottom of the window, with a way back.
type Toast struct {
	Words string
	Undo  *Undo // nil: there is no way back
	// Until is how long the way back is open; zero: the toast fades like any other.
	Until time.Time
}

// Undo is the form that takes a thing back.
type Undo struct {
	Path   string
	Fields map[string]string
}

// Pager leads from one page of a list to the next.
type Pager struct {
	Shown       string // "51 to 100 of 1,000+"; "": not told
	First, Next string // "": this is it
}

// Span is a length of time as a person reads it, in its two largest units, none parted
// from its number at the end of a line.
func Span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d\u00a0s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d\u00a0min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d\u00a0h %d\u00a0min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d\u00a0days", d/(24*time.Hour))
}
