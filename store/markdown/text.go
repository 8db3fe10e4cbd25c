package markdown

import (
	"bufio"
	"bytes"
	stdhtml "html"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer/html"
)

// maxDepth is how deep quotes and lists are still set in; what lies deeper stands at its
// edge, so that the text grows no faster than what was written.
const maxDepth = 12

// Text is the text as plain text with line feeds, as a person would write it in a mail: a
// link's address follows its words, a list keeps its marks, a quote its angle brackets, a
// table its columns. Lines are not folded. images as in HTML.
func Text(source string, images Image) string {
	if isCostly(source) {
		return source
	}
	src := []byte(source)
	doc := parse(src)
	placeImages(doc, images)
	w := writer{src: src}
	return strings.TrimRight(w.blocks(doc, 0), "\n") + "\n"
}

// writer writes the nodes of a text that was read.
type writer struct{ src []byte }

// blocks writes the blocks in a node, an empty line between them.
func (w writer) blocks(parent ast.Node, depth int) string {
	var out strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		part := strings.TrimRight(w.block(n, depth), "\n")
		if part == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteString(between(n))
		}
		out.WriteString(part)
	}
	return out.String()
}

// between parts a block from the one before it: the items of a list that was written
// without empty lines follow one another.
func between(n ast.Node) string {
	switch {
	case n.Kind() == ast.KindListItem && n.Parent().(*ast.List).IsTight,
		n.Parent().Kind() == ast.KindListItem && n.Kind() == ast.KindList,
		n.Kind() == ast.KindTextBlock:
		return "\n"
	}
	return "\n\n"
}

func (w writer) block(n ast.Node, depth int) string {
	switch n := n.(type) {
	case *ast.Blockquote:
		return w.set(n, "> ", "> ", depth)
	case *ast.List:
		return w.blocks(n, depth)
	case *ast.ListItem:
		mark := itemMark(n)
		return w.set(n, mark, strings.Repeat(" ", len(mark)), depth)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return setIn(string(n.Lines().Value(w.src)), "    ", "    ")
	case *ast.ThematicBreak:
		return "----"
	case *extast.Table:
		return w.table(n)
	}
	return w.inline(n)
}

// set writes the blocks in a node behind a mark.
func (w writer) set(n ast.Node, first, other string, depth int) string {
	inner := w.blocks(n, depth+1)
	if depth >= maxDepth {
		return inner
	}
	return setIn(inner, first, other)
}

// setIn puts first before the first line of a text and other before the rest. No line
// ends with a space.
func setIn(s, first, other string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(first+line, " ")
		first = other
	}
	return strings.Join(lines, "\n")
}

// itemMark is what stands before an item of a list: a dash, or its number.
func itemMark(item *ast.ListItem) string {
	list := item.Parent().(*ast.List)
	if !list.IsOrdered() {
		return "- "
	}
	number := list.Start
	for n := item.PreviousSibling(); n != nil; n = n.PreviousSibling() {
		number++
	}
	return strconv.Itoa(number) + ". "
}

// inline writes the words in a node. Marks of emphasis go: the words speak without them.
func (w writer) inline(parent ast.Node) string {
	var out strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			out.WriteString(unescaped(n, w.src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				out.WriteByte('\n')
			}
		case *ast.String:
			out.Write(n.Value)
		case *ast.AutoLink:
			out.Write(n.Label(w.src))
		case *ast.Link:
			out.WriteString(withAddress(w.inline(n), string(n.Destination)))
		case *ast.Image:
			out.WriteString(withAddress(w.inline(n), string(n.Destination)))
		default:
			out.WriteString(w.inline(n))
		}
	}
	return out.String()
}

// withAddress is the words of a link and where it leads, once where they are the same.
func withAddress(words, address string) string {
	bare := strings.TrimPrefix(address, "mailto:")
	if words == "" || words == address || words == bare {
		return bare
	}
	return words + " (" + bare + ")"
}

// table writes a table's rows with their columns beneath one another.
func (w writer) table(table *extast.Table) string {
	var rows [][]string
	var widths []int
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			words := strings.TrimSpace(strings.ReplaceAll(w.inline(cell), "\n", " "))
			if len(cells) == len(widths) {
				widths = append(widths, 0)
			}
			widths[len(cells)] = max(widths[len(cells)], min(utf8.RuneCountInString(words), maxColumn))
			cells = append(cells, words)
		}
		rows = append(rows, cells)
	}
	lines := make([]string, len(rows))
	for i, cells := range rows {
		lines[i] = tableLine(cells, widths)
	}
	return strings.Join(lines, "\n")
}

// maxColumn is how wide, in characters, a column makes those of its other rows.
const maxColumn = 40

func tableLine(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		if i > 0 {
			line.WriteString(" | ")
		}
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0)))
		}
	}
	return line.String()
}

// unescaped is a piece of text without the backslashes and character references by which
// Markdown says that a character is meant: what the HTML of it shows.
func unescaped(n *ast.Text, src []byte) string {
	value := n.Segment.Value(src)
	if n.IsRaw() || !bytes.ContainsAny(value, `\&`) {
		return string(value)
	}
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	html.DefaultWriter.Write(w, value)
	_ = w.Flush() // to memory
	return stdhtml.UnescapeString(out.String())
}
