package compose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

const agentsAnswer = "Hello Ana,\n\nyour payout **left today**. Please:\n\n" +
	"1. open [Payouts](https://shop.example.com/payouts)\n" +
	"2. look at `17`\n\n> You asked about November\n\nSee ![the page](shot.png)."

// replyRow and replyWords are an agent's answer to Ana's second message.
func replyRow(tag string) store.Outbound {
	row := confirmationRow(tag)
	row.Kind, row.References = store.MailReply, []string{row.MessageID}
	row.InReplyTo, row.MessageID = row.MessageID, "r.aftg5jv2zbqwo3vyk2ivzqzqta.n2w6ucvkq5hsy5pb@example.com"
	row.QueuedAt = queued.Add(26 * time.Hour)
	return row
}

func replyWords() Reply {
	return Reply{
		Body: agentsAnswer, Signature: "Lee\nPartner Support", Status: store.StatusPending,
		Files: []store.File{{Name: "shot.png", Size: 48 << 10, Type: "image/png"}, {Name: "تقرير.pdf", Size: 3 << 20}},
		Earlier: []Earlier{
			{Author: "Ana Ruiz", At: queued.Add(20 * time.Hour), Body: "Is there any news?\n<b>Thank you</b>"},
			{Author: "Lee", At: queued.Add(2 * time.Hour), Body: "We *look* into it.", Markdown: true},
			{Author: "آنا", At: queued, Body: "أين دفعتي؟"},
		},
	}
}

func mustReply(t testing.TB, c *Composer, o store.Outbound, r Reply) Message {
	t.Helper()
	m, err := c.Reply(o, r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRepliesLeaveAsKept(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for _, l := range c.texts.Langs() {
		t.Run(l.Tag(), func(t *testing.T) {
			t.Parallel()
			checkKept(t, "reply."+l.Tag(), mustReply(t, c, replyRow(l.Tag()), replyWords()))
		})
	}
}

func TestAReplyBeginsWithTheAgentsWords(t *testing.T) {
	t.Parallel()
	c := composer(t)
	mail := open(t, mustReply(t, c, replyRow("en"), replyWords()).Bytes)
	if !strings.HasPrefix(mail.text, "Hello Ana,\r\n\r\nyour payout left today. Please:") {
		t.Errorf("the text part begins otherwise:\n%s", mail.text)
	}
	_, body, _ := strings.Cut(mail.html, "<body")
	words := strings.Index(body, "<p>Hello Ana,</p>")
	before := body[:max(words, 0)]
	if words < 0 || strings.Contains(before, "Example") || strings.Contains(before, "US-1042") {
		t.Errorf("in the HTML something stands before the agent's words:\n%s", body)
	}
	link := "https://help.example.com/t/" + ring(t).LinkToken(linkID)
	inOrder(t, mail.text, "Hello Ana", "\r\n\r\nLee\r\n", "shot.png (48 KB)", link, "US-1042 - waiting for you",
		"Earlier messages", "Ana Ruiz, Saturday, 21 November 2026, 06:04", "> Is there any news?", "> We look into it.")
	inOrder(t, mail.html, "<strong>left today</strong>", "Partner Support", "shot.png", link, "waiting for you",
		"Is there any news?<br>\r\n&lt;b&gt;Thank you&lt;/b&gt;", "<em>look</em>")
	wantHeader(t, mail.header, map[string]string{
		"Auto-Submitted": "", "Precedence": "", "X-Auto-Response-Suppress": "", "Content-Language": "en",
		"In-Reply-To": "<" + confirmationRow("en").MessageID + ">", "References": "<" + confirmationRow("en").MessageID + ">",
	})
	if strings.Contains(mail.html, "<img") || strings.Contains(mail.html, "src=") {
		t.Errorf("the mail loads something:\n%s", mail.html)
	}
}

func inOrder(t testing.TB, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("%q does not stand where it should in:\n%s", part, text)
			return
		}
		rest = after
	}
}

// All mails of a ticket have one subject, and one index that Outlook threads by.
func TestTheMailsOfATicketAreOneThread(t *testing.T) {
	t.Parallel()
	c := composer(t)
	first := open(t, mustCompose(t, c, confirmationRow("en")).Bytes)
	seen := map[string]bool{first.header.Get("Thread-Index"): true}
	for i := range 3 {
		row := replyRow("en")
		row.MessageID = fmt.Sprintf("r%d@example.com", i)
		row.QueuedAt = queued.Add(time.Duration(i) * time.Hour)
		mail := open(t, mustReply(t, c, row, replyWords()).Bytes)
		for _, field := range []string{"Subject", "Thread-Topic"} {
			if got, want := mail.header.Get(field), first.header.Get(field); got != want || got == "" {
				t.Errorf("reply %d: %s is %q, the first mail's is %q", i, field, got, want)
			}
		}
		index := mail.header.Get("Thread-Index")
		// 22 bytes are 29 characters and a third of one: the last of those differs.
		if root := first.header.Get("Thread-Index")[:29]; !strings.HasPrefix(index, root) || len(index) != 36 || seen[index] {
			t.Errorf("reply %d: Thread-Index %q does not go on from %q", i, index, root)
		}
		seen[index] = true
	}
}

// Gmail cuts off what is longer than 102 KiB, and with it the way to answer.
func TestALongAnswerStaysBelowWhatProgramsCutOff(t *testing.T) {
	t.Parallel()
	c := composer(t)
	r := replyWords()
	r.Body = strings.Repeat("**order** 17 & [x](https://shop.example.com/a?b=c&d=e) 请求\n", 5000)
	for range 40 {
		r.Earlier = append(r.Earlier, Earlier{Author: "Ana", At: queued, Body: strings.Repeat("<&>", 5000)})
	}
	m := mustReply(t, c, replyRow("zh-Hans"), r)
	mail := open(t, m.Bytes)
	if len(mail.html) > 100<<10 {
		t.Errorf("the HTML has %d bytes", len(mail.html))
	}
	for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
		for _, key := range []string{"mail.reply_cut", "mail.reply_how", "mail.reply_more"} {
			if want := c.texts.Pick("zh-Hans").T(key); !strings.Contains(body, want) {
				t.Errorf("the %s part lacks %q", part, want)
			}
		}
	}
}

func TestAReplyThatCannotLeadBackIsRefused(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for name, change := range map[string]func(*store.Outbound, *Reply){
		"no link":      func(o *store.Outbound, _ *Reply) { o.Link = store.LinkID{} },
		"no number":    func(o *store.Outbound, _ *Reply) { o.Number = "" },
		"no words":     func(_ *store.Outbound, r *Reply) { r.Body = " \n" },
		"another kind": func(o *store.Outbound, _ *Reply) { o.Kind = store.MailLinks },
	} {
		row, words := replyRow("en"), replyWords()
		change(&row, &words)
		if _, err := c.Reply(row, words); err == nil {
			t.Errorf("%s: the reply was composed", name)
		}
	}
	if _, err := c.Compose(replyRow("en")); err == nil {
		t.Error("a reply was composed without its words")
	}
}

// Whatever an agent or a partner wrote, and whatever a file is called, the mail stays whole and
// loads and runs nothing.
func TestNothingInAReplyGetsOutOfItsPlace(t *testing.T) {
	t.Parallel()
	c := composer(t)
	strange := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"<script>alert(1)</script>", "\r\n\r\n--=_\r\nBcc: x@y.example\r\n", "</blockquote></div></body>", "{{.Link}}",
		"[x](javascript:y)",
		"![](https://tracker.example/p.gif)", "\u202eabc", "<img src=x onerror=y>",
	}))
	rapid.Check(t, func(t *rapid.T) {
		r := Reply{
			Body: "a" + strange.Draw(t, "body"), Signature: strange.Draw(t, "signature"), Status: store.StatusOpen,
			Files:   []store.File{{Name: strange.Draw(t, "file")}},
			Earlier: []Earlier{{Author: strange.Draw(t, "author"), Body: strange.Draw(t, "message")}},
		}
		m, err := c.Reply(replyRow("en"), r)
		if err != nil {
			t.Fatal(err)
		}
		checkWire(t, m)
		checkFields(t, m)
		body := open(t, m.Bytes).html
		for _, bad := range []string{"<script", "<img", `="javascript:`, "onerror=y>", "</blockquote></div></body>"} {
			if strings.Contains(strings.ToLower(body), bad) {
				t.Fatalf("the HTML holds %q:\n%s", bad, body)
			}
		}
	})
}
