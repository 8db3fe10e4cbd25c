package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"signpost/store/lang"
)

// The layouts that pages are laid into.
const (
	layoutPublic = "layout.html"
	layoutStaff  = "staff.html"
)

// Set is the pages of one room. Each templates/*.html is one page, laid into
// templates/layout.html (Declare) or templates/staff.html (DeclareStaff); files that
// begin with "_" are parts shared by the room's pages.
type Set struct {
	server   *Server
	files    fs.FS
	bases    map[string]*template.Template // by layout
	declared map[string]bool
	english  bool
	keys     []Key
	faults   []error
}

// Page shows one template with data of one type.
type Page[D any] struct {
	// template lays the page into its layout when it is first shown: each page has a copy
	// of every part, 50 to 150 KB, and most pages are seldom shown.
	template func() (*template.Template, error)
	layout   string
	english  bool
	set      *Set
}

// Pages begins a room's set of pages.
func (s *Server) Pages(files fs.FS) *Set {
	return &Set{server: s, files: files, bases: make(map[string]*template.Template), declared: make(map[string]bool)}
}

// base is a layout with the parts that its pages share, nil when they do not parse.
func (set *Set) base(layout string) *template.Template {
	if base, ok := set.bases[layout]; ok {
		return base
	}
	base, err := template.New(layout).Funcs(template.FuncMap{"icon": icon}).
		ParseFS(templates, "templates/"+layout, "templates/_components.html")
	if err == nil && set.files != fs.FS(templates) { // its parts are those above
		if parts, _ := fs.Glob(set.files, "templates/_*.html"); len(parts) > 0 {
			base, err = parseParts(base, set.files, parts)
		}
	}
	if err != nil {
		set.faults = append(set.faults, err)
		base = nil
	}
	set.bases[layout] = base
	return base
}

// parseParts adds a room's parts to a layout; none may take the name of one that is
// there, or the shared one would change its meaning.
func parseParts(base *template.Template, files fs.FS, names []string) (*template.Template, error) {
	own, err := template.New("").Funcs(template.FuncMap{"icon": icon}).ParseFS(files, names...)
	if err != nil {
		return nil, err
	}
	for _, part := range own.Templates() {
		if base.Lookup(part.Name()) != nil {
			return nil, fmt.Errorf("the part %q stands in the layout too: name it otherwise", part.Name())
		}
	}
	return base.ParseFS(files, names...)
}

// English says that the set's pages are written in English alone: so is the frame
// around them, whatever language the reader chose.
func (set *Set) English() *Set {
	set.english = true
	return set
}

// Declare adds a page; a fault is reported by Ready.
func Declare[D any](set *Set, name string) *Page[D] { return declare[D](set, name, layoutPublic) }

// DeclareStaff adds a page of the staff shell, in English. Its handler calls
// Exchange.Staff first.
func DeclareStaff[D any](set *Set, name string) *Page[D] { return declare[D](set, name, layoutStaff) }

func declare[D any](set *Set, name, layout string) *Page[D] {
	set.declared[name] = true
	base := set.base(layout)
	if base == nil {
		return &Page[D]{}
	}
	laid := func(t *template.Template) (*template.Template, error) { return t.ParseFS(set.files, "templates/"+name) }
	if _, err := laid(template.New(name).Funcs(template.FuncMap{"icon": icon})); err != nil {
		set.faults = append(set.faults, fmt.Errorf("page %s: %w", name, err))
	}
	t := sync.OnceValues(func() (*template.Template, error) {
		t, err := base.Clone()
		if err == nil {
			t, err = laid(t)
		}
		return t, err
	})
	return &Page[D]{template: t, layout: layout, english: set.english || layout == layoutStaff, set: set}
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
		if !set.declared[base] && base != layoutPublic && base != layoutStaff && !strings.HasPrefix(base, "_") {
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
	if p.layout == layoutStaff && x.shell == nil {
		return errors.New("render page: a page of the staff shell, and nobody has signed in")
	}
	frame := x.frame()
	frame.keys = p.set.keys
	var out bytes.Buffer
	t, err := p.template()
	if err == nil {
		err = t.ExecuteTemplate(&out, p.layout, View[D]{Frame: frame, D: data})
	}
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

	Density string // of the rows of staff pages: "compact", "comfortable" or ""
	Side    string // the staff navigation: "wide", "narrow" or ""

	x    *Exchange
	keys []Key
}

func (x *Exchange) frame() *Frame {
	return &Frame{
		Name: x.server.cfg.Name, Lang: x.Lang, Theme: x.prefs.theme, Density: x.prefs.density, Side: x.prefs.side, x: x,
	}
}

// Choice is one item of a switcher.
type Choice struct {
	Of                 string // "lang", "theme", "density" or "side"
	Value, Label, Link string
	Chosen             bool
}

// Langs are the languages offered, each in its own name.
func (f *Frame) Langs() []Choice {
	var choices []Choice
	for _, l := range f.x.server.langs.Langs() {
		choices = append(choices, Choice{
			Of: cookieLang, Value: l.Tag(), Label: l.Name(), Link: f.x.here("lang", l.Tag()), Chosen: l.Tag() == f.Lang.Tag(),
		})
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

// BrandStyle is the address of the brand's colours, "" where they are ours.
func (f *Frame) BrandStyle() string {
	if f.x.server.cfg.Brand.Accent == "" {
		return ""
	}
	return f.Asset("web/brand.css")
}

// Logo is the address of the brand's logo, "" where it is ours.
func (f *Frame) Logo() string {
	if name := logoFile(f.x.server.cfg.Brand.Logo); name != "" {
		return f.Asset("web/" + name)
	}
	return ""
}

// EventsAt is the position in the live events that the page holds everything up to.
func (f *Frame) EventsAt() string { return f.x.eventsAt }

// Icon draws one of the shared icons; beside it stands a label.
func (f *Frame) Icon(name string) (template.HTML, error) { return icon(name) }

// Date is a day in the zone.
func (f *Frame) Date(t time.Time, zone *time.Location) string { return f.Lang.Date(t, zone) }

// City is the last part of a zone's name: "New York".
func City(zone *time.Location) string {
	name := zone.String()
	return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
}

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
