package form

import (
	"context"
	"errors"
	"slices"
	"time"

	"signpost/intake/guard"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/store"
)

// check finds every fault of a new request at once; those of the files were
// found while reading.
func (f *Form) check(x *web.Exchange, d *draft) {
	d.Require("name", d.Name, maxName, "form.fault_name")
	d.Limit("company", d.Company, maxName)
	d.Limit("title", d.Title, maxTitle)
	checkCountry(x, d)
	f.checkCategory(d)
	d.CheckText("description", d.Description, f.cfg.MinDescription, f.cfg.MaxDescription, "form.fault_description")
	f.checkEmail(x.Request.Context(), d, !x.WantsJSON())
	if !d.HasFaults() { // the form comes back in any case, and is then filled in more slowly
		f.checkMachine(d, time.Now())
	}
}

// checkCountry answers a program that names the country in another way than by its
// code with the code.
func checkCountry(x *web.Exchange, d *draft) {
	if web.IsCountry(d.Country) {
		return
	}
	given := []rune(d.Country)
	fault := post.Problem{Key: "form.fault_country_unknown", Pairs: []any{"country", string(given[:min(len(given), 60)])}}
	if len(given) == 0 {
		fault = post.Problem{Key: "form.fault_country"}
	} else if code, ok := x.FindCountry(d.Country); ok {
		fault.Key, fault.Pairs = "form.fault_country_code", append(fault.Pairs, "code", code)
	}
	d.AddFault("country", fault)
}

func (f *Form) checkCategory(d *draft) {
	if d.Category == "" {
		return
	}
	if len(f.cfg.Categories) == 0 {
		d.Limit("category", d.Category, maxTitle)
		return
	}
	if slices.Contains(f.cfg.Categories, d.Category) {
		return
	}
	d.AddFault("category", post.Problem{Key: "form.fault_category"})
}

// checkEmail asks about the address and takes the form in which it is mailed.
// askBack: a person reads the answer and can be asked whether an unusual one is meant.
func (f *Form) checkEmail(ctx context.Context, d *draft, askBack bool) {
	f.checkMailable(ctx, d, "email", &d.Email, askBack)
}

// checkMailable is checkEmail for the address in a field.
func (f *Form) checkMailable(ctx context.Context, d *draft, field string, into *string, askBack bool) {
	v := f.guard.addresses.Check(ctx, *into)
	if !v.OK() {
		d.AddFault(field, post.Problem{Key: "form.address_" + string(v.Problem), Fix: v.Suggestion})
		return
	}
	if f.ours(v.Address) {
		d.AddFault(field, post.Problem{Key: "form.address_ours"})
		return
	}
	*into = v.Address
	// The address is well formed and may be meant: asked once, and taken the second
	// time. One that passes for another is asked back of a program too.
	if d.Sure == v.Address || !v.Alike && (v.Suggestion == "" || !askBack) {
		return
	}
	d.Sure = v.Address
	key := "form.address_sure"
	if v.Alike {
		key = "form.address_alike"
	}
	d.AddFault(field, post.Problem{Key: key, Pairs: []any{"address", v.Address}, Fix: v.Suggestion})
}

// ours tells a region's own address: what is sent to it is not read.
func (f *Form) ours(address string) bool {
	key := store.AnswerKey(address)
	return slices.ContainsFunc(f.deps.Regions, func(r store.Region) bool { return store.AnswerKey(r.Address) == key })
}

// checkMachine finds the signs of a program. A person who is suspected wrongly presses
// the button again.
func (f *Form) checkMachine(d *draft, now time.Time) {
	if f.guard.work.Verify(d.Work, d.Key, now) != nil {
		d.AddFault("form", post.Problem{Key: "form.fault_work"})
	}
	if d.Token == "" {
		return // a script, held to the limits alone
	}
	if d.Trap != "" {
		d.AddFault("form", post.Problem{Key: "form.fault_trap"})
	}
	var quick *guard.TooFastError
	switch err := f.guard.opened.Check(d.Token, now); {
	case errors.As(err, &quick):
		d.AddFault("form", post.Problem{Key: "form.fault_quick"})
	case err != nil:
		d.Token = "" // a form left open for days: the next one carries a new token
		d.AddFault("form", post.Problem{Key: "form.fault_old"})
	}
}
