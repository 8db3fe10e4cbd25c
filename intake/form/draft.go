package form

import (
	"strings"

	"signpost/intake/post"
	"signpost/intake/web"
)

// draft is what a post to a public page said, as package post reads it: cleaned, not
// yet checked.
type draft struct {
	post.Draft

	Name, Email, Company, Country string
	Category, Title, Description  string
	Score, Comment                string // of a rating
	Colleague, Number             string // to be named, and to be removed

	Token string // of the form, "" when a script posts
	Trap  string // the field no person sees
	Work  string // the proof of work
	Sure  string // the address that was asked about before
}

// trapField lures programs that fill in whatever they find; people neither see
// nor reach it.
const trapField = "website"

func newDraft() *draft {
	d := &draft{}
	d.Fields = []post.Field{
		{Name: "name", Label: "form.name", Into: &d.Name},
		{Name: "email", Label: "form.email", Into: &d.Email},
		{Name: "company", Label: "form.company", Into: &d.Company},
		{Name: "country", Label: "form.country", Into: &d.Country},
		{Name: "category", Label: "form.category", Into: &d.Category},
		{Name: "title", Label: "form.title", Into: &d.Title},
		// A message on the ticket's page is called body by programs.
		{Name: "description", Alias: "body", Label: "form.description", Into: &d.Description, Kind: post.Text},
		{Name: "score", Label: "form.score", Into: &d.Score},
		{Name: "comment", Label: "form.comment", Into: &d.Comment, Kind: post.Text},
		{Name: "colleague", Label: "form.colleague_email", Into: &d.Colleague},
		{Name: "number", Into: &d.Number},
		{Name: "sure", Into: &d.Sure},
		{Name: "form_token", Into: &d.Token, Kind: post.Opaque},
		{Name: trapField, Into: &d.Trap, Kind: post.Opaque},
		{Name: "work", Into: &d.Work, Kind: post.Opaque},
	}
	return d
}

// read reads the whole post. The draft is never nil: with an error it holds what was
// read before it. takeFiles false reads the texts and passes over the files.
func (f *Form) read(x *web.Exchange, takeFiles bool) (*draft, error) {
	d, read := newDraft(), f.deps.Posts.ReadTexts
	if takeFiles {
		read = f.deps.Posts.Read
	}
	err := read(x, &d.Draft)
	d.Country = strings.ToUpper(d.Country)
	return d, err
}

// readBeginning reads the texts of a post for which there is no turn.
func (f *Form) readBeginning(x *web.Exchange) *draft {
	d := newDraft()
	f.deps.Posts.ReadBeginning(x, &d.Draft)
	d.Country = strings.ToUpper(d.Country)
	return d
}
