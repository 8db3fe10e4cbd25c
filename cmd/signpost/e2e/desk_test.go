//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// fill types into a field once it is there.
func fill(selector, text string) chromedp.Action {
	return chromedp.Tasks{chromedp.WaitVisible(selector), chromedp.SendKeys(selector, text)}
}

// TestE2EDeskWithoutScripts: with JavaScript disabled an agent signs in, finds a ticket,
// writes a note and answers with a file; the partner reads the mail, follows up on the
// page behind its link, is answered, and opens the solved ticket again. An answer that a
// colleague's note crossed is held. All of it is one thread in the partner's mailbox. Then
// the partner leaves: the next answer comes back, and reaches the address that follows.
func TestE2EDeskWithoutScripts(t *testing.T) {
	t.Parallel()
	const partner = "partner@example.net"
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{form: `min_fill = "0s"`})
	s.addAgents(t, "0s")
	s.Start(t)
	number := s.open(t, partner, "US")
	file := filepath.Join(t.TempDir(), "export settings.txt")
	writeFile(t, file, "batch = 500\n")
	ctx := openBrowser(t)
	does(t, ctx, "scripts are off", emulation.SetScriptExecutionDisabled(true))
	signInAt(t, ctx, s.URL, agentEmail, agentPassword)
	does(t, ctx, "the agent finds the ticket", chromedp.Navigate(s.URL+"/desk/tickets?view=unassigned"),
		chromedp.Click(fmt.Sprintf(`a[href^="/desk/tickets/%s"]`, number)), chromedp.WaitVisible(`#thread`))
	does(t, ctx, "the agent writes a note", chromedp.Click(`label[for=w-note]`),
		fill(`#note-body`, "They use the *old* export."), chromedp.Click(`#note button.primary`),
		chromedp.WaitVisible(`.entry.note`))
	does(t, ctx, "the agent answers with a file", chromedp.Click(`label[for=w-reply]`),
		fill(`#reply-body`, "Please set the **batch** to 500, as in the file."),
		chromedp.SetUploadFiles(`#reply input[type=file]`, []string{file}),
		chromedp.Click(`#reply button[value=pending]`), chromedp.WaitVisible(`.desk-search`)) // back at the list

	mails := h.awaitMail(t, partner, 2)
	checkReply(t, mails, number, "Please set the batch to 500, as in the file.")
	link := linkIn(t, mails[1], s.URL)
	s.provesAndReads(t, ctx, link, file)
	s.followsUp(t, ctx, link, "It still stops, after 500 orders now.")

	does(t, ctx, "the agent reads the follow-up", chromedp.Navigate(s.URL+"/desk/tickets?view=waiting_us"),
		chromedp.Click(fmt.Sprintf(`a[href^="/desk/tickets/%s"]`, number)),
		chromedp.WaitVisible(`//*[contains(text(), "after 500 orders now")]`))
	does(t, ctx, "the agent solves", fill(`#reply-body`, "We mended it; please try again."),
		chromedp.Click(`#reply button[value=solved]`), chromedp.WaitVisible(`.desk-search`))
	mails = h.awaitMail(t, partner, 3)
	checkReply(t, mails, number, "We mended it; please try again.")
	agent := s.colleague(t, agentEmail)
	if k := agent.ticket(t, number); k.Status != "solved" || k.Assignee != agentEmail {
		t.Errorf("after all that the ticket is %s, of %q", k.Status, k.Assignee)
	}

	s.followsUp(t, ctx, linkIn(t, mails[2], s.URL), "No, it stops again.")
	if k := agent.ticket(t, number); k.Status != "open" {
		t.Errorf("the partner's message leaves the solved ticket %s", k.Status)
	}
	s.crosses(t, ctx, number, "We look at it today.")
	checkReply(t, h.awaitMail(t, partner, 4), number, "We look at it today.")
	h.checkThread(t, partner)
	s.moves(t, ctx, h, number, partner, "successor@example.net")
}

// provesAndReads is a partner who opens the page behind a mailed link, says that the ticket
// is theirs, and finds there what an agent answered, its file, and no note.
func (s *service) provesAndReads(t *testing.T, ctx context.Context, link, file string) {
	t.Helper()
	does(t, ctx, "the partner proves the address", chromedp.Navigate(link), chromedp.Click(`form[action$="/mine"] button`),
		chromedp.WaitVisible(`[data-thread]`))
	compareFile(t, ctx, s.URL, file)
	if page := pageText(t, ctx, link); !strings.Contains(page, "as in the file") || strings.Contains(page, "old export") {
		t.Errorf("the partner's page must show the answer and not the note:\n%s", page)
	}
}

// crosses answers a ticket in the browser while a colleague writes a note on it: the
// answer is held, with both texts, until the agent sends it again.
func (s *service) crosses(t *testing.T, ctx context.Context, number, words string) {
	t.Helper()
	does(t, ctx, "the agent begins to answer once more", chromedp.Navigate(s.URL+"/desk/tickets/"+number),
		fill(`#reply-body`, words))
	note := url.Values{"body": {"I have the cause."}}
	_, status, err := s.colleague(t, otherEmail).act(t.Context(), number, "note", note)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("a colleague's note: %d %v", status, err)
	}
	var newer, kept string
	does(t, ctx, "the answer is held, with both texts", chromedp.Click(`#reply button[value=open]`),
		chromedp.Text(`.newer`, &newer), chromedp.Value(`#reply-body`, &kept))
	if !strings.Contains(newer, "I have the cause.") || strings.TrimSpace(kept) != words {
		t.Errorf("new is said to be %q, and the answer is %q", newer, kept)
	}
	does(t, ctx, "the agent sends it all the same", chromedp.Click(`#reply button[value=open]`),
		chromedp.WaitVisible(fmt.Sprintf(`//*[contains(@class, "support")]//*[contains(text(), %q)]`, words)))
}

// followsUp writes a message on the partner's page, in the browser.
func (s *service) followsUp(t *testing.T, ctx context.Context, link, words string) {
	t.Helper()
	does(t, ctx, "the partner follows up", chromedp.Navigate(link), fill(`#letter textarea`, words),
		chromedp.Click(`#letter [data-submit]`),
		chromedp.WaitVisible(fmt.Sprintf(`//*[@data-thread]//*[contains(text(), %q)]`, words)))
}

// checkReply holds the newest of a ticket's mails against what an agent wrote: it begins
// with their words, answers the mail before it, is no automatic mail, and mail programs
// find the thread by any of their ways.
func checkReply(t *testing.T, mails []received, number, words string) {
	t.Helper()
	mail, before := mails[len(mails)-1], mails[len(mails)-2]
	if got := firstWords(t, mail); got != words {
		t.Errorf("the mail begins %q, want %q:\n%s", got, words, mail.Raw)
	}
	if all := subjects(mails); len(all) != 1 || !strings.Contains(all[0], number) {
		t.Errorf("the subjects of %s are %q", number, all)
	}
	id, references := before.Header.Get("Message-ID"), mail.Header.Get("References")
	if mail.Header.Get("In-Reply-To") != id || !strings.HasSuffix(strings.TrimSpace(references), id) ||
		!strings.HasPrefix(references, mails[0].Header.Get("Message-ID")) {
		t.Errorf("the mail answers %q and refers to %q, want %s last", mail.Header.Get("In-Reply-To"), references, id)
	}
	if got := mail.Header.Get("Auto-Submitted"); got != "" {
		t.Errorf("an agent's mail is marked Auto-Submitted: %s", got)
	}
	if mail.Header.Get("From") != mails[0].Header.Get("From") {
		t.Errorf("the mail is from %q, the first from %q", mail.Header.Get("From"), mails[0].Header.Get("From"))
	}
	root, index := conversation(t, mails[0]), conversation(t, mail)
	if len(index) <= len(root) || string(index[:22]) != string(root[:22]) {
		t.Errorf("Thread-Index is %x, that of the first mail %x", index, root)
	}
}

// conversation is a mail's Thread-Index: 22 bytes name the conversation, five more each
// mail of it ([MS-OXOMSG] 2.2.1.3).
func conversation(t *testing.T, m received) []byte {
	t.Helper()
	index, err := base64.StdEncoding.DecodeString(m.Header.Get("Thread-Index"))
	if err != nil || len(index) < 22 {
		t.Fatalf("Thread-Index is %q: %v", m.Header.Get("Thread-Index"), err)
	}
	return index
}
