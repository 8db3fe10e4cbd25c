package storetest

import (
	"errors"
	"strings"
	"time"

	"signpost/store"
)

func agentsProfile(d *desk) {
	n := store.NewAgent{Email: "ana@desk.example", Name: "Ana", Roles: []store.Role{store.RoleLead},
		Regions: []string{"us", "intl"}}
	ana := must[store.Agent](d)(d.AddAgent(d.ctx, d.now, store.ByService(), n))
	d.same(ana.Regions, n.Regions)
	session := d.signsIn(ana)
	mine := store.Profile{DisplayName: "Ana from support", Zone: "Asia/Jakarta", Undo: 30 * time.Second,
		Signatures: map[string]string{"": "Ana", "es": "Saludos,\nAna"}, AfterSend: store.AfterSendStay,
		KeysOff: true, ClaimOff: true}
	got := must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, ana.Actor(), ana.ID, store.AgentChange{Profile: &mine}))
	d.same(got.Profile, mine)
	_, err := d.ChangeAgent(d.ctx, d.now, ana.Actor(), ana.ID, store.AgentChange{Regions: &[]string{}})
	d.wantErr(err, store.ErrForbidden)
	got = must[store.Agent](d)(d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
		store.AgentChange{Regions: &[]string{"us"}}))
	d.same(d.runs(session), got) // the next request knows of it
	by := got.Actor()
	if by.Name != "Ana from support" || !by.Sees("us") || by.Sees("intl") || by.Sees("") {
		d.Errorf("she acts as %+v", by)
	}
	for name, p := range map[string]store.Profile{
		"undo": {Undo: 31 * time.Second}, "soon": {Undo: time.Second}, "page": {AfterSend: "home"},
		"name": {DisplayName: strings.Repeat("x", store.MaxDisplayName+1)},
		"text": {Signatures: map[string]string{"es": strings.Repeat("x", store.MaxSignature+1)}},
	} {
		if _, err := d.ChangeAgent(d.ctx, d.now, store.ByService(), ana.ID,
			store.AgentChange{Profile: &p}); !errors.Is(err, store.ErrInvalid) {
			d.Errorf("%s: %v", name, err)
		}
	}
	for _, regions := range [][]string{{""}, {"a\x00"}, make([]string, store.MaxAgentRegions+1)} {
		_, err := d.AddAgent(d.ctx, d.now, store.ByService(), store.NewAgent{Email: "b@desk.example", Regions: regions})
		d.wantErr(err, store.ErrInvalid)
	}
	d.same(must[store.Agent](d)(d.Agent(d.ctx, ana.ID)), got)
}
