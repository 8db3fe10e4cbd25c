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
	for _, act := range Acts() {
		for letter, by := range actors {
			want := slices.Contains([]byte(rights[act]), letter[0])
			if err := May(by, act, "us"); (err == nil) != want || err != nil && !errors.Is(err, ErrForbidden) {
				t.Errorf("%s by %v %v: %v, want leave %v", act, by.Kind, by.Roles, err, want)
			}
		}
		for _, by := range nothing {
			if err := May(by, act, "us"); !errors.Is(err, ErrForbidden) {
				t.Errorf("%s by %+v: %v", act, by, err)
			}
		}
		if err := May(ByService(), act, ""); err != nil {
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
		if err := May(one.by, ActRevokeLinks, one.region); (err == nil) != one.want {
			t.Errorf("%v with regions %v, to region %q: %v", one.by.Kind, one.by.Regions, one.region, err)
		}
	}
}
