package store

import "time"

// PasskeyID names a passkey: the SHA-256 of its credential id (WebAuthn section 4).
type PasskeyID [32]byte

// Passkey is a key pair on an agent's device, of which this is the public half.
type Passkey struct {
	ID   PasskeyID
	Name string // as its owner knows it
	// Record is all that its signatures are checked with, as the door keeps it: at most
	// MaxPasskeyRecord bytes of text.
	Record string
	// Count is the signature counter it showed last (WebAuthn section 6.1.1); 0 where
	// the device counts nothing.
	Count   uint32
	AddedAt time.Time
	UsedAt  time.Time // zero: never
}

// Bounds on passkeys.
const (
	MaxPasskeys      = 10 // of one agent
	MaxPasskeyRecord = 8 << 10
	MaxPasskeyName   = 100
)

// PasskeyUse is a signature of a passkey that was checked: what the passkey becomes by it.
type PasskeyUse struct {
	ID     PasskeyID
	Record string
	Count  uint32
	// Challenge is what was signed, which counts once; until Until it is remembered.
	Challenge ChallengeID
	Until     time.Time
}

// ChallengeID names a challenge by a hash. Only those that were answered are kept, so
// that asking for one writes nothing.
type ChallengeID [16]byte

// AgentLinkKind is what a link that was mailed to an agent is for.
type AgentLinkKind string

// The kinds.
const (
	AgentLinkInvite AgentLinkKind = "invite" // to choose the first password or passkey
	AgentLinkReset  AgentLinkKind = "reset"  // to choose a password in the place of a forgotten one
)

// Mail is the kind of the mail with a link of the kind; "" for an unknown one.
func (k AgentLinkKind) Mail() OutboundKind {
	switch k {
	case AgentLinkInvite:
		return MailInvite
	case AgentLinkReset:
		return MailReset
	}
	return ""
}

// AgentLink is a mailed link that lets its agent choose how to sign in, once, until it
// is over. A changed password, a changed authenticator and disabling end all of them.
type AgentLink struct {
	ID    LinkID
	Kind  AgentLinkKind
	Until time.Time
}

// MaxAgentLinks is how many links an agent has at the most: a new one ends the oldest.
// Several last, so that who asks for another agent's password does not end that
// agent's own link.
const MaxAgentLinks = 4

// NewAgentLink is a link to mail to an agent.
type NewAgentLink struct {
	AgentLink
	Mail NewMail // of Kind.Mail; To is the agent's address, Link is ID
}

// Link is the agent's link of that id; false for one that is over at now or unknown.
func (a Agent) Link(now time.Time, id LinkID) (AgentLink, bool) {
	for _, l := range a.Links {
		if l.ID == id && now.Before(l.Until) && !a.Disabled {
			return l, true
		}
	}
	return AgentLink{}, false
}

// Passkey is the agent's passkey of that id.
func (a Agent) Passkey(id PasskeyID) (Passkey, bool) {
	for _, k := range a.Passkeys {
		if k.ID == id {
			return k, true
		}
	}
	return Passkey{}, false
}
