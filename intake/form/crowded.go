package form

import (
	"time"

	"signpost/intake/web"
)

// Too many large posts are under way, and one more has waited in vain: the files
// have to come another time, but what was typed stays in the form.

func (f *Form) crowdedContact(x *web.Exchange, status int) error {
	d := f.readBeginning(x)
	x.UseCountry(d.Country)
	return f.answer(x, status, d)
}

func (f *Form) crowdedTicket(x *web.Exchange, status int) error {
	ticket, missing := f.openLink(x)
	d := f.readBeginning(x)
	if missing != nil {
		return f.refuseLink(x, d, missing)
	}
	return f.answerTicket(x, status, ticket, d)
}

// readBeginning reads the texts, which stand before the files, and passes over the
// rest, so that the browser comes to read the answer. That the body is cut there is
// no fault of it.
func (f *Form) readBeginning(x *web.Exchange) *draft {
	d, _ := f.read(x, false)
	d.speak(x)
	x.Drain(3*f.cfg.MaxTotal, 30*time.Second)
	clear(d.faults)
	d.faults.add("files", problem{key: "form.files_room", later: true})
	return d
}
