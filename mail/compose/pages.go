package compose

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"io"
	texttemplate "text/template"

	"signpost/store/lang"
)

//go:embed mails
var mails embed.FS

// page is one mail's pair of templates: the text is written as text, not made
// from the HTML.
type page struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// pages are the templates of all kinds.
type pages struct{ confirmation, autoResponse page }

func parsePages() (p pages, err error) {
	for name, into := range map[string]*page{"confirmation": &p.confirmation, "autoresponse": &p.autoResponse} {
		if into.text, err = texttemplate.ParseFS(mails, "mails/"+name+".txt"); err != nil {
			return p, err
		}
		if into.html, err = htmltemplate.ParseFS(mails, "mails/"+name+".html"); err != nil {
			return p, err
		}
	}
	return p, nil
}

// fill renders both alternatives from the same data.
func (p page) fill(data any) (text, html []byte, err error) {
	if text, err = filled(p.text, data); err != nil {
		return nil, nil, err
	}
	html, err = filled(p.html, data)
	return text, html, err
}

func filled(t interface{ Execute(io.Writer, any) error }, data any) ([]byte, error) {
	var b bytes.Buffer
	err := t.Execute(&b, data)
	return b.Bytes(), err
}

// words are a language's texts without places, looked up once: the catalogue
// matches languages anew at every call.
type words struct {
	ConfirmTitle, ConfirmNumber, ConfirmPromise, ConfirmOpen string
	AutoSubject, AutoLead, AutoForm, AutoTicket, AutoNote    string
}

func wordsOf(l lang.Lang) words {
	return words{
		ConfirmTitle:   l.T("mail.confirm_title"),
		ConfirmNumber:  l.T("mail.confirm_number"),
		ConfirmPromise: l.T("mail.confirm_promise_label"),
		ConfirmOpen:    l.T("mail.confirm_open"),
		AutoSubject:    l.T("mail.auto_subject"),
		AutoLead:       l.T("mail.auto_lead"),
		AutoForm:       l.T("mail.auto_form"),
		AutoTicket:     l.T("mail.auto_ticket"),
		AutoNote:       l.T("mail.auto_note"),
	}
}

// Start is the side at which a language's lines begin, in the words of HTML's
// align attribute: mail programs know it where they do not know "text-align:
// start".
func start(l lang.Lang) string {
	if l.Dir() == "rtl" {
		return "right"
	}
	return "left"
}
