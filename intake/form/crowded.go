package form

import "signpost/intake/web"

// Too many large posts are under way, and one more has waited in vain: the files
// have to come another time, but what was typed stays in the form.

func (f *Form) crowdedContact(x *web.Exchange, status int) error {
	d := f.readBeginning(x)
	x.UseCountry(d.Country)
	return d.Answer(x, status, func(status int) error { return f.showForm(x, status, d) })
}

func (f *Form) crowdedTicket(x *web.Exchange, status int) error {
	door, missing := f.openDoor(x)
	d := f.readBeginning(x)
	if missing != nil {
		return f.refuseLink(x, d, missing)
	}
	return d.Answer(x, status, func(status int) error { return f.showThread(x, status, door, d) })
}
