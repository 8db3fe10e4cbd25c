package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"signpost/store/lang"
)

// Set is the pages of one room. Each templates/*.html is one page, laid into
// templates/layout.html; files that begin with "_" are parts shared by the
// room's pages.
type Set struct {
	server   *Server
	files    fs.FS
	base     *template.Template
	declared map[string]bool
	english  bool
	faults   []error
}

// Page shows one template with data of one type.
type Page[D any] struct {
	template *template.Template
	english  bool
}

// Pages begins a room's set of pages.
func (s *Server) Pages(files fs.FS) *Set {
	set := &Set{server: s, files: files, declared: make(map[string]bool)}
	base, err := template.New("layout.html").ParseFS(templates, "templates/layout.html")
	if err == nil {
		if parts, _ := fs.Glob(files, "templates/_*.html"); len(parts) > 0 {
			base, err = base.ParseFS(files, parts...)
		}
	}
	if err != nil {
		set.faults = append(set.faults, err)
	}
	set.base = base
	return set
}

// English says that the set's pages are written in English alone: so is the frame
// around them, whatever language the reader chose.
func (set *Set) English() *Set {
	set.english = true
	return set
}

// Declare adds a page; a fault is reported by Ready.
func Declare[D any](set *Set, name string) *Page[D] {
	set.declared[name] = true
	if set.base == nil {
		return &Page[D]{}
	}
	t, err := set.base.Clone()
	if err == nil {
		t, err = t.ParseFS(set.files, "templates/"+name)
	}
	if err != nil {
		set.faults = append(set.faults, fmt.Errorf("page %s: %w", name, err))
	}
	return &Page[D]{template: t, english: set.english}
}

// Ready returns all faults of the set: templates that do not parse, pages
// declared without a file and files nobody declared.
func (set *Set) Ready() error {
	faults := set.faults
	names, err := fs.Glob(set.files, "templates/*.html")
	if err != nil {
		faults = append(faults, err)
	}
	for _, name := range names {
		base := path.Base(name)
		if !set.declared[base] && base != "layout.html" && !strings.HasPrefix(base, "_") {
			faults = append(faults, fmt.Errorf("page %s is declared nowhere", base))
		}
	}
	return errors.Join(faults...)
}

// Show renders the page into a buffer and only then writes the status, so that
// a fault in a template is an error page and never half a page.
func (p *Page[D]) Show(x *Exchange, status int, data D) error {
	if p.english {
		x.Lang = x.server.langs.Langs()[0]
	}
	var out bytes.Buffer
	err := p.template.ExecuteTemplate(&out, "layout.html", View[D]{Frame: x.frame(), D: data})
	if err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	h := x.Header()
	h.Set("Content-Language", x.Lang.Tag())
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	return x.Bytes(status, "text/html; charset=utf-8", out.Bytes())
}

// View is what "." is in a template.
type View[D any] struct {
	*Frame
	D D
}

// Frame is what every page may use.
type Frame struct {
	Name  string    // of the site
	Lang  lang.Lang // of the reader
	Theme string    // "light", "dark" or ""

	x *Exchange
}

func (x *Exchange) frame() *Frame {
	return &Frame{Name: x.server.cfg.Name, Lang: x.Lang, Theme: x.prefs.theme, x: x}
}

// Choice is one item of a switcher.
type Choice struct {
	Of                 string // "lang" or "theme"
	Value, Label, Link string
	Chosen             bool
}

// Langs are the languages offered, each in its own name.
func (f *Frame) Langs() []Choice {
	var choices []Choice
	for _, l := range f.x.server.langs.Langs() {
		choices = append(choices, Choice{Of: cookieLang, Value: l.Tag(), Label: l.Name(), Link: f.x.here("lang", l.Tag()), Chosen: l.Tag() == f.Lang.Tag()})
	}
	return choices
}

// Themes are the colour schemes offered.
func (f *Frame) Themes() []Choice {
	var choices []Choice
	for _, theme := range []string{"auto", "light", "dark"} {
		choices = append(choices, Choice{
			Of:     cookieTheme,
			Value:  theme,
			Label:  f.T("web.theme_" + theme),
			Link:   f.x.here("theme", theme),
			Chosen: strings.TrimPrefix(theme, "auto") == f.Theme,
		})
	}
	return choices
}

// T is the catalogue's text of a key in the reader's language.
func (f *Frame) T(key string, pairs ...any) string { return f.Lang.T(key, pairs...) }

// Asset is the address of a static file: "web/web.css".
func (f *Frame) Asset(name string) string { return f.x.server.assets.url(name) }

// Icon draws one of the shared icons; beside it stands a label.
func (f *Frame) Icon(name string) template.HTML { return icon(name) }

// Date is a day in the zone.
func (f *Frame) Date(t time.Time, zone *time.Location) string { return f.Lang.Date(t, zone) }

// Instant is a time element: as text the instant in the zone, which it names;
// the browser may show the reader's own (local-times.js).
func (f *Frame) Instant(t time.Time, zone *time.Location) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-local="instant">%s</time>`,
		t.UTC().Format(time.RFC3339), template.HTMLEscapeString(f.Lang.Instant(t, zone))))
}

// Clock is a time element that shows the time of day in the zone; the browser
// may show the reader's own.
func (f *Frame) Clock(t time.Time, zone *time.Location) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-local="short">%s</time>`,
		t.UTC().Format(time.RFC3339), t.In(zone).Format("15:04")))
}
