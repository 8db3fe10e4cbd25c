package store

import (
	"fmt"
	"strings"
	"time"
)

// Profile is how an agent works and what partners read of them. Agents change their own.
// The zero value fits everybody.
type Profile struct {
	DisplayName string // as partners read it; "": Agent.Name
	// Signatures stand below what the agent writes to partners, as plain text by language
	// (BCP 47): see Signature.
	Signatures map[string]string
	Zone       string // IANA name, in which the agent reads instants; "": the reader's browser's
	// Undo is how long a reply waits before it may leave, from MinUndo to MaxUndo; 0:
	// DefaultUndo.
	Undo      time.Duration
	AfterSend AfterSend
	// KeysOff turns the single-letter keys of every staff page off.
	KeysOff bool
	// ClaimOff keeps the first key of a reply from assigning an unassigned ticket to its
	// writer. Sending the reply assigns it all the same.
	ClaimOff bool
}

// AfterSend is what an agent sees when a reply was sent.
type AfterSend string

// The pages that may follow a reply; "" is AfterSendNext.
const (
	AfterSendNext AfterSend = "next" // the next ticket of the list
	AfterSendStay AfterSend = "stay" // the ticket
	AfterSendList AfterSend = "list" // the list it was opened from
)

// AfterSends lists them.
func AfterSends() []AfterSend { return []AfterSend{AfterSendNext, AfterSendStay, AfterSendList} }

// Bounds of a Profile.
const (
	MinUndo     = 5 * time.Second
	MaxUndo     = 30 * time.Second
	DefaultUndo = 10 * time.Second

	MaxDisplayName = 200  // bytes
	MaxSignature   = 2000 // bytes, in each language
	MaxSignatures  = 20   // languages
	MaxZone        = 64   // bytes
)

// UndoFor is how long a reply of the agent waits before it may leave.
func (p Profile) UndoFor() time.Duration {
	if p.Undo == 0 {
		return DefaultUndo
	}
	return p.Undo
}

// Signature is the text for a reader of that language: of the language itself, of the one
// it is a variant of ("zh" for "zh-Hans"), else the one under "".
func (p Profile) Signature(lang string) string {
	for tag := lang; ; {
		if text, ok := p.Signatures[tag]; ok || tag == "" {
			return text
		}
		cut := strings.LastIndexByte(tag, '-')
		tag = tag[:max(cut, 0)]
	}
}

// Validate returns ErrInvalid, with the reason, for a profile out of its bounds.
func (p Profile) Validate() error {
	switch {
	case len(p.DisplayName) > MaxDisplayName:
		return fmt.Errorf("%w: the display name is longer than %d bytes", ErrInvalid, MaxDisplayName)
	case len(p.Zone) > MaxZone:
		return fmt.Errorf("%w: the time zone's name is longer than %d bytes", ErrInvalid, MaxZone)
	case p.Undo != 0 && (p.Undo < MinUndo || p.Undo > MaxUndo):
		return fmt.Errorf("%w: undo takes %v to %v", ErrInvalid, MinUndo, MaxUndo)
	case len(p.Signatures) > MaxSignatures:
		return fmt.Errorf("%w: more than %d signatures", ErrInvalid, MaxSignatures)
	}
	for lang, text := range p.Signatures {
		if len(lang) > MaxName || len(text) > MaxSignature {
			return fmt.Errorf("%w: a signature is longer than %d bytes", ErrInvalid, MaxSignature)
		}
	}
	switch p.AfterSend {
	case "", AfterSendNext, AfterSendStay, AfterSendList:
		return nil
	}
	return fmt.Errorf("%w: no page %q follows a reply", ErrInvalid, p.AfterSend)
}
