package sandbox

import (
	"fmt"
	"sort"
	"strings"

	"signpost/store"
	"signpost/store/text"
)

// Behaviour is what a recipient's host or mailbox does with mail.
type Behaviour string

// The behaviours.
const (
	// Plain keeps the mail and does nothing.
	Plain Behaviour = "plain"
	// Bounce takes the mail and then returns a report of its failure (RFC
	// 3464), with the reason that the local part names (BounceReasons).
	Bounce Behaviour = "bounce"
	// Refuse answers 550 5.1.1 to RCPT.
	Refuse Behaviour = "refuse"
	// Greylist answers 451 to a new sender for Config.Greylist.
	Greylist Behaviour = "greylist"
	// Slow waits Config.Slow before each reply.
	Slow Behaviour = "slow"
	// Vacation answers as a well-made out-of-office does (RFC 5230): each
	// person once in 7 days, machines never, marked as automatic.
	Vacation Behaviour = "vacation"
	// Robot answers everything, marks nothing and writes from a new address
	// each time.
	Robot Behaviour = "robot"
	// Helpdesk acknowledges everything but its own mail with a ticket of its
	// own, under the subject it was sent.
	Helpdesk Behaviour = "helpdesk"
)

// builtIn are the domains that behave by themselves.
func builtIn(domain string) Behaviour {
	switch domain {
	case "bounce.example.net":
		return Bounce
	case "refuse.example.net":
		return Refuse
	case "greylist.example.net":
		return Greylist
	case "slow.example.net":
		return Slow
	case "vacation.example.net":
		return Vacation
	case "robot.example.net":
		return Robot
	case "helpdesk.example.net":
		return Helpdesk
	}
	return Plain
}

// Behaviours lists every behaviour in the order a person would read them.
func Behaviours() []Behaviour {
	return []Behaviour{Plain, Bounce, Refuse, Greylist, Slow, Vacation, Robot, Helpdesk}
}

// SwitchedInfo tells of one address or domain that does not behave as a plain
// mailbox.
type SwitchedInfo struct {
	Key       string // an address, or a domain
	Behaviour Behaviour
	BuiltIn   bool
	Sent      int // mails it sent in its current hour
	Limit     int // after which it is silent until the hour is over
}

const maxSwitched = 1000

// SetBehaviour switches an address ("ann@example.com") or a whole domain
// ("example.com") to b; an address outweighs its domain. "" returns it to what
// it does by itself. ErrInvalid for an unknown behaviour, ErrFull when 1,000 are
// switched already.
func (s *Server) SetBehaviour(key string, b Behaviour) error {
	key = store.AnswerKey(key)
	if key == "" || len(key) > 320 || strings.ContainsAny(key, " \r\n\x00<>") {
		return fmt.Errorf("switch behaviour: %q is neither an address nor a domain: %w", text.Cut(key, 80), store.ErrInvalid)
	}
	if b != "" && !isBehaviour(b) {
		return fmt.Errorf("switch behaviour: no behaviour %q: %w", text.Cut(string(b), 80), store.ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.switched[key]; b != "" && !known && len(s.switched) >= maxSwitched {
		return fmt.Errorf("switch behaviour: %w", store.ErrFull)
	}
	if b == "" {
		delete(s.switched, key)
	} else {
		s.switched[key] = b
	}
	delete(s.machines, key)
	s.notify()
	return nil
}

func isBehaviour(b Behaviour) bool {
	for _, known := range Behaviours() {
		if b == known {
			return true
		}
	}
	return false
}

// BehaviourOf tells how mail to an address is treated.
func (s *Server) BehaviourOf(address string) Behaviour {
	_, b := s.machineOf(address)
	return b
}

// machineOf names the machine behind an address (the address or domain that is
// switched, or the domain) and what it does.
func (s *Server) machineOf(address string) (key string, b Behaviour) {
	address = s.addressOf(address)
	domain := store.Domain(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{address, domain} {
		if b, ok := s.switched[key]; ok {
			return key, b
		}
	}
	return domain, builtIn(domain)
}

// Switched lists what does not behave as a plain mailbox: the built-in domains
// first, then what was switched, by name.
func (s *Server) Switched() []SwitchedInfo {
	var all []SwitchedInfo
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range Behaviours()[1:] {
		domain := string(b) + ".example.net"
		if _, ok := s.switched[domain]; !ok {
			all = append(all, s.switchedInfo(domain, b, true))
		}
	}
	own := len(all)
	for key, b := range s.switched {
		all = append(all, s.switchedInfo(key, b, false))
	}
	sort.Slice(all[own:], func(i, j int) bool { return all[own+i].Key < all[own+j].Key })
	return all
}

func (s *Server) switchedInfo(key string, b Behaviour, builtIn bool) SwitchedInfo {
	info := SwitchedInfo{Key: key, Behaviour: b, BuiltIn: builtIn, Limit: s.cfg.MaxReplies}
	if m := s.machines[key]; m != nil {
		info.Sent = m.sent
	}
	return info
}
