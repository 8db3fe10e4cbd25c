package markdown_test

import (
	"strings"
	"testing"

	"signpost/store/markdown"
)

// What agents write, as a page and an HTML mail show it and as a text part says it.
func TestAnAgentsWordsReadTheSameInEveryPart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, html, text string }{
		"a plain answer": {
			"Hello Ana,\n\nthe payout left today.\nPlease look again on Monday.\n\nKind regards\nLee",
			"<p>Hello Ana,</p>\n<p>the payout left today.<br>\nPlease look again on Monday.</p>\n" +
				"<p>Kind regards<br>\nLee</p>\n",
			"Hello Ana,\n\nthe payout left today.\nPlease look again on Monday.\n\nKind regards\nLee\n"},
		"emphasis": {"This is **urgent**, *really*, ~~not~~ `a_b`.",
			"<p>This is <strong>urgent</strong>, <em>really</em>, <del>not</del> <code>a_b</code>.</p>\n",
			"This is urgent, really, not a_b.\n"},
		"a link with words": {"See [the guide](https://example.com/a?b=1&c=2).",
			`<p>See <a href="https://example.com/a?b=1&amp;c=2">the guide</a>.</p>` + "\n",
			"See the guide (https://example.com/a?b=1&c=2).\n"},
		"a bare link": {"https://example.com/x and help@example.com",
			`<p><a href="https://example.com/x">https://example.com/x</a> and ` +
				`<a href="mailto:help@example.com">help@example.com</a></p>` + "\n",
			"https://example.com/x and help@example.com\n"},
		"steps": {"1. Open *Settings*\n2. Press Save\n   - twice\n   - if needed\n3. Done",
			"<ol>\n<li>Open <em>Settings</em></li>\n<li>Press Save\n<ul>\n<li>twice</li>\n<li>if needed</li>\n</ul>\n" +
				"</li>\n<li>Done</li>\n</ol>\n",
			"1. Open Settings\n2. Press Save\n   - twice\n   - if needed\n3. Done\n"},
		"steps that go on": {"4. four\n5. five",
			"<ol start=\"4\">\n<li>four</li>\n<li>five</li>\n</ol>\n", "4. four\n5. five\n"},
		"a quote": {"> You wrote\n> this\n\nYes.", "<blockquote>\n<p>You wrote<br>\nthis</p>\n</blockquote>\n<p>Yes.</p>\n",
			"> You wrote\n> this\n\nYes.\n"},
		"code":      {"```go\nif a < b {\n```", "<pre><code>if a &lt; b {\n</code></pre>\n", "    if a < b {\n"},
		"a heading": {"# Refunds\n\nText", "<h3>Refunds</h3>\n<p>Text</p>\n", "Refunds\n\nText\n"},
		"a table": {"| Order | State |\n|---|---:|\n| 17 | sent |\n| 1018 | held |",
			"<table>\n<thead>\n<tr>\n<th>Order</th>\n<th>State</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>17</td>\n" +
				"<td>sent</td>\n</tr>\n<tr>\n<td>1018</td>\n<td>held</td>\n</tr>\n</tbody>\n</table>\n",
			"Order | State\n17    | sent\n1018  | held\n"},
		"HTML is text": {"Use <b>bold</b> and\n\n<div onclick=x>y</div>",
			"<p>Use &lt;b&gt;bold&lt;/b&gt; and</p>\n<p>&lt;div onclick=x&gt;y&lt;/div&gt;</p>\n",
			"Use <b>bold</b> and\n\n<div onclick=x>y</div>\n"},
		"characters that are meant": {`\*not emphasis\* &amp; 5 &lt; 6 \&amp;`,
			"<p>*not emphasis* &amp; 5 &lt; 6 &amp;amp;</p>\n", "*not emphasis* & 5 < 6 &amp;\n"},
		"a relative link": {"[x](/desk) [y](javascript:alert(1))", "<p>x y</p>\n", "x y\n"},
		"right to left":   {"مرحبا **أنا**", "<p>مرحبا <strong>أنا</strong></p>\n", "مرحبا أنا\n"},
		"nothing":         {"", "", "\n"},
	} {
		if got := markdown.HTML(c.source, nil); got != c.html {
			t.Errorf("%s: the HTML is\n%s\nwant\n%s", name, got, c.html)
		}
		if got := markdown.Text(c.source, nil); got != c.text {
			t.Errorf("%s: the text is\n%q\nwant\n%q", name, got, c.text)
		}
	}
}

func TestImagesAreTheTicketsOwnOrLinks(t *testing.T) {
	t.Parallel()
	images := func(shown bool) markdown.Image {
		return func(name string) (string, bool) {
			if name == "shot.png" {
				return "/files/1/shot.png", shown
			}
			return "", false
		}
	}
	for name, c := range map[string]struct {
		source     string
		shown      bool
		html, text string
	}{
		"shown": {"![the page](shot.png)", true, `<p><img src="/files/1/shot.png" alt="the page"></p>` + "\n",
			"the page (/files/1/shot.png)\n"},
		"linked": {"![](shot.png)", false, `<p><a href="/files/1/shot.png">shot.png</a></p>` + "\n",
			"shot.png (/files/1/shot.png)\n"},
		"not there": {"![a **b**](gone.png)", true, "<p>a <strong>b</strong></p>\n", "a b\n"},
		"from elsewhere": {"![pixel](https://tracker.example/p.gif)", true,
			`<p><a href="https://tracker.example/p.gif">pixel</a></p>` + "\n", "pixel (https://tracker.example/p.gif)\n"},
		"in a link": {"[![x](shot.png)](https://example.com)", false, `<p><a href="https://example.com">x</a></p>` + "\n",
			"x (https://example.com)\n"},
	} {
		if got := markdown.HTML(c.source, images(c.shown)); got != c.html {
			t.Errorf("%s: the HTML is %q, want %q", name, got, c.html)
		}
		if got := markdown.Text(c.source, images(c.shown)); got != c.text {
			t.Errorf("%s: the text is %q, want %q", name, got, c.text)
		}
	}
}

// The payloads that get through filters elsewhere find no element and no scheme here.
func TestNothingThatRunsComesOut(t *testing.T) {
	t.Parallel()
	for _, payload := range payloads {
		checkInert(t, payload, markdown.HTML(payload, nil))
	}
}

var payloads = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))",
	"[a](java\nscript:alert(1))", "[a](&#106;avascript:alert(1))", "[a](data:text/html;base64,PHNjcmlwdD4=)",
	"[a](vbscript:x)", "![a](javascript:x)", "<javascript:alert(1)>", "[a]: javascript:x\n\n[a]",
	"[a](https://example.com \"\" onmouseover=\"x\")", "[a](<https://e.example/\"onclick=x>)",
	"![\" onerror=x](https://a.example)",
	"```\" onload=x\ncode\n```", "<svg/onload=alert(1)>", "<a href=\"javascript:x\">y</a>", "<!--><script>x</script>-->",
	"[a](https://user:pw@example.com)", "<style>*{display:none}</style>", "<form action=//e.example><input>",
	"| a |\n|---|\n| <b onclick=x>y</b> |", "https://example.com/<script>x</script>", "\x00<script>\x00",
}

const elements = " p br hr strong em del code pre blockquote ul ol li h3 h4 h5 h6 table thead tbody tr th td a img "

func checkInert(t *testing.T, source, out string) {
	t.Helper()
	for rest := out; ; {
		_, tag, found := strings.Cut(rest, "<")
		if !found {
			return
		}
		tag, rest, _ = strings.Cut(tag, ">")
		name, attributes, _ := strings.Cut(strings.Trim(tag, "/"), " ")
		if !strings.Contains(elements, " "+name+" ") {
			t.Errorf("%q gives the element <%s>: %s", source, tag, out)
		}
		key, value, _ := strings.Cut(attributes, "=")
		switch {
		case attributes == "", key == "start", key == "src", key == "alt":
		case key == "href" && (strings.HasPrefix(value, `"http`) || strings.HasPrefix(value, `"mailto:`) ||
			strings.HasPrefix(value, `"tel:`)):
		default:
			t.Errorf("%q gives the attribute %s: %s", source, attributes, out)
		}
	}
}

func TestATextPastTheBoundsIsShownAsItStands(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"long": strings.Repeat("**a** ", 50_000), "many marks": strings.Repeat("*a_", 10_000),
		"deep quotes": strings.Repeat("> ", 101) + "<b>x",
	} {
		html := markdown.HTML(source, nil)
		if !strings.HasPrefix(html, "<pre>") || strings.Contains(html, "<b>") {
			t.Errorf("%s: the HTML begins with %.40q", name, html)
		}
		if text := markdown.Text(source, nil); text != source {
			t.Errorf("%s: the text begins with %.40q", name, text)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, payload := range payloads {
		f.Add(payload)
	}
	f.Add("1. a\n   > b\n   > - c\n\n| x | y |\n|---|---|\n| ![i](n) | ~~z~~ |")
	f.Add(strings.Repeat("> ", 500) + "deep")
	f.Fuzz(func(t *testing.T, source string) {
		checkInert(t, source, markdown.HTML(source, nil))
		markdown.Text(source, func(string) (string, bool) { return "/x", true })
	})
}

// What one reply costs grows as its length does: nothing an agent pastes holds the desk up.
func BenchmarkHostile(b *testing.B) {
	for name, part := range map[string]string{
		"quotes": ">", "stars": "*a_", "brackets": "[", "images": "![", "ticks": "`a", "pipes": "|a", "links": "[a](b)",
		"prose": "The payout of **order 17** left today, see [it](https://example.com).\n\n",
	} {
		source := strings.Repeat(part, 64<<10/len(part))
		if name == "quotes" || name == "stars" { // as many as are read as such
			source = strings.Repeat(strings.Repeat(part, 50)+"\n\n", 64<<10/len(part)/50)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				markdown.HTML(source, nil)
				markdown.Text(source, nil)
			}
		})
	}
}
