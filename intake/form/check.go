package form

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"signpost/intake/guard"
	"signpost/intake/web"
	"signpost/store"
	"signpost/store/lang"
)

// problem is one fault: a sentence of the catalogue.
type problem struct {
	key      string
	pairs    []any
	tooLarge bool   // answered with 413
	later    bool   // answered with 503: it may be taken another time
	fix      string // what to write instead, offered with the fault
}

func (p problem) text(l lang.Lang) string { return l.T(p.key, p.pairs...) }

// faults are the problems found, by field.
type faults map[string][]problem

func (f faults) add(field string, p problem) { f[field] = append(f[field], p) }

func (f faults) any(is func(problem) bool) bool {
	for _, problems := range f {
		if slices.ContainsFunc(problems, is) {
			return true
		}
	}
	return false
}

// order is the order of the fields on the page.
var order = [...]string{"name", "email", "company", "country", "category", "title", "description", "files", "idempotency_key", "form"}

// check finds every fault of a new request at once; those of the files were
// found while reading.
func (f *Form) check(x *web.Exchange, d *draft) {
	d.required("name", d.Name, maxName)
	d.optional("company", d.Company, maxName)
	d.optional("title", d.Title, maxTitle)
	checkCountry(x, d)
	f.checkCategory(d)
	f.checkDescription(d, f.cfg.MinDescription)
	d.checkKey()
	f.checkEmail(x.Request.Context(), d, !x.WantsJSON())
	if len(d.faults) == 0 { // who has to mend something takes their time anyway
		f.checkMachine(d, time.Now())
	}
}

func (d *draft) required(field, value string, limit int) {
	if value == "" {
		d.faults.add(field, problem{key: "form.fault_" + field})
		return
	}
	d.optional(field, value, limit)
}

func (d *draft) optional(field, value string, limit int) {
	if utf8.RuneCountInString(value) > limit {
		d.faults.add(field, problem{key: "form.fault_long", pairs: []any{"limit", limit}})
	}
}

// checkCountry answers a program that names the country in another way than by its
// code with the code.
func checkCountry(x *web.Exchange, d *draft) {
	if web.IsCountry(d.Country) {
		return
	}
	given := []rune(d.Country)
	fault := problem{key: "form.fault_country_unknown", pairs: []any{"country", string(given[:min(len(given), 60)])}}
	if len(given) == 0 {
		fault = problem{key: "form.fault_country"}
	} else if code, ok := x.FindCountry(d.Country); ok {
		fault.key, fault.pairs = "form.fault_country_code", append(fault.pairs, "code", code)
	}
	d.faults.add("country", fault)
}

func (f *Form) checkCategory(d *draft) {
	if d.Category == "" {
		return
	}
	for _, c := range f.cfg.Categories {
		if c == d.Category {
			return
		}
	}
	if len(f.cfg.Categories) == 0 {
		d.optional("category", d.Category, maxTitle)
		return
	}
	d.faults.add("category", problem{key: "form.fault_category"})
}

func (f *Form) checkDescription(d *draft, least int) {
	switch n := utf8.RuneCountInString(d.Description); {
	case n == 0:
		d.faults.add("description", problem{key: "form.fault_description"})
	case n < least:
		d.faults.add("description", problem{key: "form.fault_short", pairs: []any{"limit", least}})
	case n > f.cfg.MaxDescription:
		d.faults.add("description", problem{key: "form.fault_description_long", pairs: []any{"limit", f.cfg.MaxDescription, "have", n}})
	}
}

func (d *draft) checkKey() {
	if len(d.Key) > maxKey {
		d.faults.add("idempotency_key", problem{key: "form.fault_long", pairs: []any{"limit", maxKey}})
		d.Key = ""
	}
}

// checkEmail asks about the address and takes the form in which it is mailed.
// askBack: somebody sits there who can be asked whether an unusual one is meant.
func (f *Form) checkEmail(ctx context.Context, d *draft, askBack bool) {
	v := f.guard.addresses.Check(ctx, d.Email)
	if !v.OK() {
		d.faults.add("email", problem{key: "form.address_" + string(v.Problem), fix: v.Suggestion})
		return
	}
	if f.ours(v.Address) {
		d.faults.add("email", problem{key: "form.address_ours"})
		return
	}
	d.Email = v.Address
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
	d.faults.add("email", problem{key: key, pairs: []any{"address", v.Address}, fix: v.Suggestion})
}

// ours tells a region's own address: what is answered to it, nobody reads.
func (f *Form) ours(address string) bool {
	key := store.AnswerKey(address)
	return slices.ContainsFunc(f.deps.Regions, func(r store.Region) bool { return store.AnswerKey(r.Address) == key })
}

// checkMachine tells a program at work. What it suspects wrongly, a person can
// put right by pressing the button again.
func (f *Form) checkMachine(d *draft, now time.Time) {
	if f.guard.work.Verify(d.Work, d.Key, now) != nil {
		d.faults.add("form", problem{key: "form.fault_work"})
	}
	if d.Token == "" {
		return // a script, held to the limits alone
	}
	if d.Trap != "" {
		d.faults.add("form", problem{key: "form.fault_trap"})
	}
	var quick *guard.TooFastError
	switch err := f.guard.opened.Check(d.Token, now); {
	case errors.As(err, &quick):
		d.faults.add("form", problem{key: "form.fault_quick"})
	case err != nil:
		d.Token = "" // a form left open for days: the next one carries a new token
		d.faults.add("form", problem{key: "form.fault_old"})
	}
}
