package store

import (
	"fmt"
	"slices"
)

// ActorKind is from which side an act comes.
type ActorKind string

// The kinds of actor.
const (
	ActorService ActorKind = "service" // the program itself, or its command line
	ActorPartner ActorKind = "partner" // who opened a ticket's page by a mailed link
	ActorStaff   ActorKind = "staff"   // an Agent who signed in
)

// Actor is who acts by a verb. The verbs ask it for its rights (May), so that a page
// and the command line cannot differ. The zero Actor may do nothing. ByService,
// ByCommandLine, ByPartner and Agent.Actor make one.
type Actor struct {
	Kind  ActorKind
	Agent AgentID // of staff, else 0
	// Account is what records of the act name: the address that staff sign in with, or
	// who ran the command line. "" for the service's own acts and for partners.
	Account string
	// Name is what partners and colleagues read as the author of a text; "" for the
	// service.
	Name  string
	Roles []Role
	// Regions are the ids of the regions whose tickets and mail staff see; none: all.
	Regions []string
	// Link is, of a partner, the mailed link that they came by; zero for the author of a
	// ticket, on the page that received it.
	Link LinkID
	// Network is where the request came from, as the door names it; "" for none.
	Network string
}

// ByService is the program acting by itself.
func ByService() Actor { return Actor{Kind: ActorService} }

// ByCommandLine is a person who runs the program on its own host, named by account.
func ByCommandLine(account string) Actor { return Actor{Kind: ActorService, Account: account} }

// ByPartner is who opened a ticket's page by a mailed link.
func ByPartner(link LinkID) Actor { return Actor{Kind: ActorPartner, Link: link} }

// Actor is the agent as one who acts.
func (a Agent) Actor() Actor {
	return Actor{
		Kind: ActorStaff, Agent: a.ID, Account: a.Email, Name: a.Shown(), Roles: a.Roles, Regions: a.Regions,
	}
}

// Role is what an agent may do; see Rights for what each one includes.
type Role string

// The roles.
const (
	RoleAgent Role = "agent" // answers tickets at the desk
	RoleLead  Role = "lead"  // answers tickets, and for what agents do
	RoleOps   Role = "ops"   // sees and mends the flow of mail
	RoleAdmin Role = "admin" // who may sign in, and settings
)

// Roles lists them.
func Roles() []Role { return []Role{RoleAgent, RoleLead, RoleOps, RoleAdmin} }

// Act is what an actor asks leave for.
type Act string

// The acts.
const (
	// Of a ticket's page.
	ActWriteMessage Act = "write_message" // and close and rate the ticket
	ActProveAddress Act = "prove_address"
	ActRenewLink    Act = "renew_link"
	// Of a ticket.
	ActReadTicket      Act = "read_ticket"
	ActAnswerTicket    Act = "answer_ticket"  // open it for a partner, reply, note, take back, send again
	ActArrangeTicket   Act = "arrange_ticket" // status, assignee, priority, category, tags, question
	ActChangeRequester Act = "change_requester"
	ActNameColleague   Act = "name_colleague" // or remove one
	ActRevokeLinks     Act = "revoke_links"
	// Of the flow of mail.
	ActReadMail         Act = "read_mail" // that came in, as it was sent
	ActRetryMail        Act = "retry_mail"
	ActGiveUpMail       Act = "give_up_mail"
	ActSuppress         Act = "suppress" // an address, or release it
	ActSwitchAnswers    Act = "switch_answers"
	ActAcknowledgeAlarm Act = "acknowledge_alarm"
	ActTryCanary        Act = "try_canary"
	// Of staff.
	ActManageStaff   Act = "manage_staff" // who may sign in, as what, for which regions
	ActReadAudit     Act = "read_audit"
	ActManageSecrets Act = "manage_secrets" // of the installation
)

// Acts lists them.
func Acts() []Act {
	return []Act{
		ActWriteMessage, ActProveAddress, ActRenewLink, ActReadTicket, ActAnswerTicket, ActArrangeTicket,
		ActChangeRequester, ActNameColleague, ActRevokeLinks, ActReadMail, ActRetryMail, ActGiveUpMail, ActSuppress,
		ActSwitchAnswers, ActAcknowledgeAlarm, ActTryCanary, ActManageStaff, ActReadAudit, ActManageSecrets,
	}
}

// Rights are the acts that a role allows, those of the roles it includes among them;
// none for an unknown role. Lead includes agent; no other role includes another, so that
// an admin who also answers tickets holds both roles.
func (r Role) Rights() []Act {
	switch r {
	case RoleAgent:
		return []Act{
			ActReadTicket, ActAnswerTicket, ActArrangeTicket, ActChangeRequester, ActNameColleague, ActRevokeLinks,
			ActRetryMail,
		}
	case RoleLead:
		return append(RoleAgent.Rights(), ActReadAudit)
	case RoleOps:
		return []Act{
			ActRevokeLinks, ActReadMail, ActRetryMail, ActGiveUpMail, ActSuppress, ActSwitchAnswers, ActAcknowledgeAlarm,
			ActTryCanary, ActReadAudit,
		}
	case RoleAdmin:
		return []Act{ActManageStaff, ActReadAudit, ActManageSecrets}
	}
	return nil
}

// Includes tells whether who has the role counts as having the other.
func (r Role) Includes(other Role) bool { return r == other || r == RoleLead && other == RoleAgent }

// partnerRights are what the page behind a mailed link offers, on its own ticket. Which of
// them a colleague has, the verbs say.
var partnerRights = []Act{
	ActWriteMessage, ActProveAddress, ActRenewLink, ActRevokeLinks, ActChangeRequester, ActNameColleague,
}

// May tells whether the actor may do the act to anything at all.
func (a Actor) May(act Act) bool {
	switch a.Kind {
	case ActorService:
		return true
	case ActorPartner:
		return slices.Contains(partnerRights, act)
	case ActorStaff:
		return slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(r.Rights(), act) })
	}
	return false
}

// Sees tells whether the actor sees what belongs to a region; "" is what belongs to
// none, or to all of them. What a partner sees, their link tells and not its region.
func (a Actor) Sees(region string) bool {
	return a.Kind != ActorStaff || len(a.Regions) == 0 || slices.Contains(a.Regions, region)
}

// CameBy tells whether a partner came by the link; of others none is asked for.
func (a Actor) CameBy(link LinkID) bool { return a.Kind != ActorPartner || a.Link == link }

// Target is what an act is done to, as far as rights ask. Anything, Everywhere, OwnedBy,
// InRegion and OfTicket make one.
type Target struct {
	anything bool
	region   string // "": of none, or of all
	hidden   bool   // from all who work here
	link     LinkID // by which a partner reaches it
	owner    AgentID
}

// Anything asks whether the act may be done to anything at all.
func Anything() Target { return Target{anything: true} }

// Everywhere is what belongs to no region, or to all of them.
func Everywhere() Target { return Target{} }

// OwnedBy is what agents tend themselves, whatever their role: their own sign-in, profile
// and sessions. To others it is Everywhere.
func OwnedBy(agent AgentID) Target { return Target{owner: agent} }

// InRegion is what belongs to a region: a mail, a row of the audit log.
func InRegion(region string) Target { return Target{region: region} }

// OfTicket is a ticket, or what belongs to one. The canary's is hidden.
func OfTicket(k Ticket) Target { return Target{region: k.Region, hidden: k.Channel == ChannelCanary} }

// Behind is the target as the link opens it. Only who has looked whether it does may say so.
func (t Target) Behind(link LinkID) Target {
	t.link = link
	return t
}

// May is the one place in which rights are asked: nil where the actor may do the act to the
// target, or owns it. ErrForbidden, with the reason, where their role allows it to nothing, where it
// concerns regions that they do not see, and for a partner, where it is not behind their own
// link; the author of a ticket, who came by none, may give it another address. ErrUnseen for
// what staff do not see.
func May(a Actor, act Act, on Target) error {
	switch {
	case a.Kind == ActorStaff && on.owner != 0 && on.owner == a.Agent:
		return nil
	case !a.May(act):
		return fmt.Errorf("%w: %s needs a role that allows it", ErrForbidden, act)
	case on.anything || a.Kind == ActorService:
		return nil
	case a.Kind == ActorPartner && (!a.CameBy(on.link) || on.link == LinkID{} && act != ActChangeRequester):
		return fmt.Errorf("%w: it is not behind the link", ErrForbidden)
	case a.Kind == ActorPartner:
		return nil
	case on.hidden || on.region != "" && !a.Sees(on.region):
		return ErrUnseen
	case !a.Sees(on.region):
		return fmt.Errorf("%w: %s concerns all regions, and the account sees some of them only", ErrForbidden, act)
	}
	return nil
}
