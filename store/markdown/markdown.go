// Package markdown turns what an agent wrote into HTML and into plain text: the same for
// the thread on a page, the preview of a mail and the mail itself.
//
// An agent writes CommonMark with tables, struck-out text and bare links; a line break in a
// paragraph is kept. HTML in it is text like any other. HTML() holds plain elements without
// attributes, but for the target of a link or an image and the first number of a list. It is
// written by goldmark and then let through a list of what is allowed, so that a fault in
// one of the two is no hole.
//
//   - markdown.go: what is read, and HTML
//   - text.go: the plain text, for the text part of a mail
//   - cache.go: HTML that is kept for the next who look at the same text
//
// To allow a further element, add it to the policy here, to the text writer, and to the
// stories of both.
package markdown

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MaxSource is how many bytes of Markdown are read as such; a longer text is shown as it
// stands, as is one with marks past the other bounds. It bounds what one reply can cost:
// reading takes time that grows with the square of the marks of one paragraph and of the
// depth of a quote.
const (
	MaxSource = 256 << 10
	maxMarks  = 2000 // of emphasis and links, in one paragraph
	maxNested = 100  // marks of quotes and lists in one line
)

// Image tells where the image of a ticket that is named in a text lies, "" when there is
// none of that name, and whether it is shown in its place or only linked to. An image from
// elsewhere is never loaded: its link is kept.
type Image func(name string) (address string, shown bool)

// HTML is the text as HTML, safe to stand in a page and in a mail. images may be nil.
func HTML(source string, images Image) string {
	if isCostly(source) {
		return "<pre>" + string(util.EscapeHTML([]byte(source))) + "</pre>\n"
	}
	src := []byte(source)
	doc := parse(src)
	placeImages(doc, images)
	var out bytes.Buffer
	// It writes to memory and the tree has no node that it does not know.
	if err := engine.Renderer().Render(&out, src, doc); err != nil {
		return "<pre>" + string(util.EscapeHTML(src)) + "</pre>\n"
	}
	return string(policy.SanitizeBytes(out.Bytes()))
}

// isCostly tells a text past the bounds.
func isCostly(source string) bool {
	if len(source) > MaxSource {
		return true
	}
	marks := 0
	for line := range strings.Lines(source) {
		if strings.TrimSpace(line) == "" {
			marks = 0
			continue
		}
		marks += countAny(line, "*_~[")
		if marks > maxMarks || nested(line) > maxNested {
			return true
		}
	}
	return false
}

// nested is how many quotes and lists a line may begin. A mark of a list has a space behind it,
// so a line drawn with dashes is none.
func nested(line string) int {
	marks := line[:len(line)-len(strings.TrimLeft(line, "> \t-+*0123456789.)"))]
	depth := strings.Count(marks, ">")
	for _, mark := range []string{"- ", "+ ", "* ", ". ", ") "} {
		depth += strings.Count(marks, mark)
	}
	return depth
}

// countAny counts the bytes of s that are one of chars.
func countAny(s, chars string) (n int) {
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) >= 0 {
			n++
		}
	}
	return n
}

// engine reads and writes CommonMark; without the parsers of raw HTML that is text.
var engine = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)),
	goldmark.WithRendererOptions(html.WithHardWraps()),
	goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)),
		extension.Strikethrough,
		extension.Linkify,
	),
)

// policy is all that HTML may hold.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote",
		"ul", "ol", "li", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowRelativeURLs(true) // of images and files of the ticket, which placeImages wrote
	p.RequireParseableURLs(true)
	return p
}()

// parse reads a text. Headings begin at the third level: a page and a mail have their own
// above them. A relative link leads nowhere in a mail and stays text.
func parse(src []byte) ast.Node {
	doc := engine.Parser().Parse(text.NewReader(src))
	var dead []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Heading:
			if entering {
				n.Level = min(n.Level+2, 6)
			}
		case *ast.Link:
			n.Title = nil
			if entering && !leadsOut(n.Destination) {
				dead = append(dead, n)
			}
		case *ast.FencedCodeBlock:
			n.Info = nil
		}
		return ast.WalkContinue, nil
	})
	for _, n := range dead {
		unwrap(n)
	}
	return doc
}

// leadsOut tells a link that a reader of a mail can follow.
func leadsOut(destination []byte) bool {
	u, err := url.Parse(string(destination))
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto", "tel":
		return u.Opaque != ""
	}
	return false
}

// unwrap puts the children of a node in its place.
func unwrap(n ast.Node) {
	parent := n.Parent()
	for child := n.FirstChild(); child != nil; child = n.FirstChild() {
		parent.InsertBefore(parent, n, child)
	}
	parent.RemoveChild(parent, n)
}

// placeImages points the images of a text to where they lie; any other becomes a link, or
// its words.
func placeImages(doc ast.Node, images Image) {
	var all []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if image, ok := n.(*ast.Image); ok && entering {
			image.Title = nil
			all = append(all, image)
		}
		return ast.WalkContinue, nil
	})
	for _, image := range all {
		placeImage(image, images)
	}
}

func placeImage(image *ast.Image, images Image) {
	address, shown := "", false
	if images != nil {
		address, shown = images(string(image.Destination))
	}
	if address != "" && shown {
		image.Destination = []byte(address)
		return
	}
	if address == "" && leadsOut(image.Destination) {
		address = string(image.Destination)
	}
	if image.FirstChild() == nil {
		image.AppendChild(image, ast.NewString(image.Destination))
	}
	if address == "" || inLink(image) {
		unwrap(image)
		return
	}
	link := ast.NewLink()
	link.Destination = []byte(address)
	for child := image.FirstChild(); child != nil; child = image.FirstChild() {
		link.AppendChild(link, child)
	}
	image.Parent().ReplaceChild(image.Parent(), image, link)
}

// inLink tells a node that stands in a link: one link holds no other.
func inLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink {
			return true
		}
	}
	return false
}
