package store

import (
	"errors"
	"slices"
	"testing"
)

// rights says, for each act, who may do it: a letter for each of agent, lead, ops,
// aDmin and partner.
var rights = map[Act]string{
	ActWriteMessage:     "p",
	ActProveAddress:     "p",
	ActRenewLink:        "p",
	ActReadTicket:       "al",
	ActAnswerTicket:     "al",
	ActArrangeTicket:    "al",
	ActChangeRequester:  "alp",
	ActNameColleague:    "alp",
	ActRevokeLinks:      "alop",
	ActReadMail:         "o",
	ActRetryMail:        "alo",
	ActGiveUpMail:       "o",
	ActSuppress:         "o",
	ActSwitchAnswers:    "o",
	ActAcknowledgeAlarm: "o",
	ActTryCanary:        "o",
	ActManageStaff:      "d",
	ActReadAudit:        "lod",
	ActManageSecrets:    "d",
}

func TestRightsOfEveryRole(t *testing.T) {
	t.Parallel()
	if len(rights) != len(Acts()) {
		t.Fatalf("%d acts are listed, the table has %d", len(Acts()), len(rights))
	}
	actors := map[string]Actor{
		"a": {Kind: ActorStaff, Roles: []Role{RoleAgent}},
		"l": {Kind: ActorStaff, Roles: []Role{RoleLead}},
		"o": {Kind: ActorStaff, Roles: []Role{RoleOps}},
		"d": {Kind: ActorStaff, Roles: []Role{RoleAdmin}},
		"p": ByPartner(LinkID{1}),
	}
	if len(actors) != len(Roles())+1 {
		t.Fatalf("the test knows %d roles of %d", len(actors)-1, len(Roles()))
	}
	nothing := []Actor{
		{}, {Kind: ActorStaff}, {Kind: ActorStaff, Roles: []Role{"owner", ""}}, {Kind: "else", Roles: Roles()},
	}
	partners := InRegion("us").Behind(LinkID{1})
	for _, act := range Acts() {
		for letter, by := range actors {
			want := slices.Contains([]byte(rights[act]), letter[0])
			if err := May(by, act, partners); (err == nil) != want || err != nil && !errors.Is(err, ErrForbidden) {
				t.Errorf("%s by %v %v: %v, want leave %v", act, by.Kind, by.Roles, err, want)
			}
		}
		for _, by := range nothing {
			if err := May(by, act, partners); !errors.Is(err, ErrForbidden) {
				t.Errorf("%s by %+v: %v", act, by, err)
			}
		}
		if err := May(ByService(), act, Everywhere()); err != nil {
			t.Errorf("%s by the service: %v", act, err)
		}
	}
}

func TestRolesAddUp(t *testing.T) {
	t.Parallel()
	both := Actor{Kind: ActorStaff, Roles: []Role{RoleAdmin, RoleAgent}}
	for act, who := range rights {
		want := slices.ContainsFunc([]byte(who), func(letter byte) bool { return letter == 'a' || letter == 'd' })
		if both.May(act) != want {
			t.Errorf("%s by an agent who is an admin: %v", act, both.May(act))
		}
	}
	lead := Agent{Roles: []Role{RoleLead}}
	if !lead.Has(RoleAgent) || lead.Has(RoleOps) || (Agent{Roles: []Role{RoleAgent}}).Has(RoleLead) {
		t.Error("a lead is an agent, and no agent is a lead")
	}
}

func TestRegionsAnActorSees(t *testing.T) {
	t.Parallel()
	all := []Role{RoleLead, RoleOps, RoleAdmin}
	for _, one := range []struct {
		by     Actor
		region string
		want   bool
	}{
		{Actor{Kind: ActorStaff, Roles: all}, "us", true},
		{Actor{Kind: ActorStaff, Roles: all}, "", true},
		{Actor{Kind: ActorStaff, Roles: all, Regions: []string{"us", "intl"}}, "intl", true},
		{Actor{Kind: ActorStaff, Roles: all, Regions: []string{"us"}}, "intl", false},
		{Actor{Kind: ActorStaff, Roles: all, Regions: []string{"us"}}, "", false},
		{ByService(), "", true},
		{ByPartner(LinkID{1}), "us", true},
	} {
		if err := May(one.by, ActRevokeLinks, InRegion(one.region).Behind(LinkID{1})); (err == nil) != one.want {
			t.Errorf("%v with regions %v, to region %q: %v", one.by.Kind, one.by.Regions, one.region, err)
		}
	}
}

func TestWhatARefusalTells(t *testing.T) {
	t.Parallel()
	us := Actor{Kind: ActorStaff, Roles: []Role{RoleAgent, RoleOps}, Regions: []string{"us"}}
	all := Actor{Kind: ActorStaff, Roles: Roles()}
	mine := LinkID{1}
	there, canary := Ticket{Region: "intl"}, Ticket{Region: OwnRegion, Channel: ChannelCanary}
	for _, one := range []struct {
		name string
		by   Actor
		act  Act
		on   Target
		want error
	}{
		{"their own region", us, ActReadTicket, InRegion("us"), nil},
		{"another region's is not there", us, ActReadTicket, OfTicket(there), ErrUnseen},
		{"nor is the canary's", all, ActReadTicket, OfTicket(canary), ErrUnseen},
		{"the service sees it", ByService(), ActReadTicket, OfTicket(canary), nil},
		{"without the role, nothing of the object", us, ActManageStaff, OfTicket(there), ErrForbidden},
		{"anything at all", us, ActReadTicket, Anything(), nil},
		{"all regions", us, ActSuppress, Everywhere(), ErrForbidden},
		{"their own account", Actor{Kind: ActorStaff, Agent: 7}, ActManageStaff, OwnedBy(7), nil},
		{"another's account", Actor{Kind: ActorStaff, Agent: 8}, ActManageStaff, OwnedBy(7), ErrForbidden},
		{"a stranger's", Actor{}, ActManageStaff, OwnedBy(0), ErrForbidden},
		{"their own link", ByPartner(mine), ActRevokeLinks, OfTicket(there).Behind(mine), nil},
		{"another link", ByPartner(mine), ActRevokeLinks, OfTicket(there).Behind(LinkID{2}), ErrForbidden},
		{"no link that opens it", ByPartner(mine), ActRevokeLinks, OfTicket(there), ErrForbidden},
		{"by none, to what none opens", ByPartner(LinkID{}), ActRevokeLinks, OfTicket(there), ErrForbidden},
		{"its author, who came by none", ByPartner(LinkID{}), ActChangeRequester, OfTicket(there), nil},
		{"a partner, to what is staff's", ByPartner(mine), ActReadTicket, OfTicket(there).Behind(mine), ErrForbidden},
	} {
		if err := May(one.by, one.act, one.on); !errors.Is(err, one.want) {
			t.Errorf("%s: %v, want %v", one.name, err, one.want)
		}
	}
	if !errors.Is(ErrUnseen, ErrNotFound) || ErrUnseen.Error() != ErrNotFound.Error() {
		t.Error("what is not seen differs from what is not there")
	}
}
