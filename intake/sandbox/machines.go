package sandbox

import (
	"errors"
	"net/http"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// behaviour is one thing a mailbox or host can do, in words.
type behaviour struct {
	ID, Name, Words, Try string
}

func behaviours() []behaviour {
	return []behaviour{
		{"plain", "A mailbox", "Keeps the mail and does nothing.", ""},
		{"bounce", "Bounces",
			"Takes the mail, then reports that it failed. The local part picks the reason: " +
				"full, disabled, spam, large, moved, delay; any other is an unknown user.",
			"full@bounce.example.net"},
		{"refuse", "Refuses", "Answers 550 5.1.1 before the mail is sent.", "anyone@refuse.example.net"},
		{"greylist", "Greylists", "Answers 451 to a new sender for a minute, then takes the mail.",
			"anyone@greylist.example.net"},
		{"slow", "Is slow", "Waits 5 seconds before each reply.", "anyone@slow.example.net"},
		{"vacation", "Out of office", "Answers each person once in 7 days, marked as automatic; machines never.",
			"anyone@vacation.example.net"},
		{"robot", "Autoresponder", "Answers everything, marks nothing, and writes from a new address each time.",
			"info@robot.example.net"},
		{"helpdesk", "Another helpdesk", "Acknowledges everything with a ticket of its own, under the subject it was sent.",
			"support@helpdesk.example.net"},
	}
}

func behaviourName(id string) string {
	for _, b := range behaviours() {
		if b.ID == id {
			return b.Name
		}
	}
	return id
}

// machinesData is what the page of machines shows.
type machinesData struct {
	Tab      string
	Known    []behaviour
	Machines []machineRow
	Support  string // whom a machine is written to as
	Key      string
	Chosen   string
	Fault    string
}

type machineRow struct {
	Machine
	Name  string
	Spent bool
}

func (b *Sandbox) machinesPage(key, chosen, fault string) machinesData {
	d := machinesData{Tab: "machines", Known: behaviours(), Key: key, Chosen: chosen, Fault: fault}
	if len(b.deps.Support) > 0 {
		d.Support = b.deps.Support[0]
	}
	for _, m := range b.deps.Machines.Machines() {
		if !m.BuiltIn || m.Sent > 0 {
			d.Machines = append(d.Machines, machineRow{Machine: m, Name: behaviourName(m.Behaviour), Spent: m.Sent >= m.Limit})
		}
	}
	return d
}

func (b *Sandbox) showMachines(x *web.Exchange) error {
	x.ReferrerSameOrigin()
	return b.machines.Show(x, http.StatusOK, b.machinesPage(text.Cut(x.Request.URL.Query().Get("key"), 320), "bounce", ""))
}

// postMachines switches an address or domain, or with behaviour "" back.
func (b *Sandbox) postMachines(x *web.Exchange) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	key, chosen := x.Request.PostForm.Get("key"), x.Request.PostForm.Get("behaviour")
	err := b.deps.Machines.SetBehaviour(key, chosen)
	x.ReferrerSameOrigin()
	switch {
	case errors.Is(err, store.ErrInvalid):
		return b.machines.Show(x, http.StatusUnprocessableEntity, b.machinesPage(text.Cut(key, 320), chosen,
			"Write an address such as ann@example.com, or a domain such as example.com."))
	case errors.Is(err, store.ErrFull):
		return b.machines.Show(x, http.StatusUnprocessableEntity, b.machinesPage(text.Cut(key, 320), chosen,
			"So many are switched already that no more fit. Switch one back first."))
	case err != nil:
		return err
	}
	return x.Redirect("/sandbox/machines")
}
