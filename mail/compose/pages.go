package compose

import (
	"bytes"
	"embed"
	"html"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"

	"signpost/store/lang"
)

//go:embed mails
var mails embed.FS

// parts.html holds what the mails have in common: the sheet they are written on.
//
// A template of mails/ is filled in two stages. At the start, what stands in
// [[ ]] is filled once for each language: its texts, its direction, and the colours and the
// logo of the brand (look.go). A place in a text is handed on as an action of the second stage:
//
//	[[T "confirm_promise" "date" "{{.Date}}"]]
//
// What stands in {{ }} is filled for each mail. So a mail costs one template
// and no look-up in the catalogue.

// pages are the templates after the first stage.
type pages struct {
	confirmation map[string]page // by language tag
	links        map[string]page
	reply        map[string]page
	solved       map[string]page
	invitation   map[string]page
	promise      map[string]page
	answer       map[string]page // what an auto-response says in one language
	account      page            // in English alone
	sheet        *htmltemplate.Template
}

// page is one mail's pair of templates: the text is written as text, not made
// from the HTML.
type page struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

func parsePages(langs []lang.Lang, look look) (p pages, err error) {
	for name, into := range map[string]*map[string]page{
		"confirmation": &p.confirmation, "links": &p.links, "reply": &p.reply, "solved": &p.solved,
		"invitation": &p.invitation, "promise": &p.promise, "answer": &p.answer,
	} {
		*into = map[string]page{}
		for _, l := range langs {
			if (*into)[l.Tag()], err = parsePage(name, l, look); err != nil {
				return p, err
			}
		}
	}
	if p.account, err = parsePage("account", langs[0], look); err != nil {
		return p, err
	}
	sheet, err := firstStage("sheet.html", langs[0], look, html.EscapeString)
	if err != nil {
		return p, err
	}
	p.sheet, err = htmltemplate.New("sheet").Parse(sheet)
	return p, err
}

func parsePage(name string, l lang.Lang, look look) (p page, err error) {
	text, err := firstStage(name+".txt", l, look, func(s string) string { return s })
	if err != nil {
		return p, err
	}
	if p.text, err = texttemplate.New(name).Parse(text); err != nil {
		return p, err
	}
	if text, err = firstStage(name+".html", l, look, html.EscapeString); err != nil {
		return p, err
	}
	p.html, err = htmltemplate.New(name).Parse(text)
	return p, err
}

func firstStage(file string, l lang.Lang, look look, escape func(string) string) (string, error) {
	t, err := texttemplate.New(file).Delims("[[", "]]").Funcs(texttemplate.FuncMap{
		"T":     func(key string, pairs ...any) string { return escape(l.T("mail."+key, pairs...)) },
		"lang":  l.Tag,
		"dir":   l.Dir,
		"start": func() string { return start(l) },

		"accent":      func() string { return look.accent },
		"accentNight": func() string { return look.accentNight },
		"onNight":     func() string { return look.onNight },
		"logo":        func() *logo { return look.logo },
	}).ParseFS(mails, "mails/parts.html", "mails/"+file)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// start is the side at which a language's lines begin, in the words of HTML's
// align attribute: mail programs know it where they do not know "text-align:
// start".
func start(l lang.Lang) string {
	if l.Dir() == "rtl" {
		return "right"
	}
	return "left"
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
	b.Grow(4096) // what a mail comes to
	err := t.Execute(&b, data)
	return b.Bytes(), err
}
