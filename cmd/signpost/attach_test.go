package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"

	"signpost/cmd/signpost/config"
	"signpost/store"
)

// writesWith posts words and a file to a form of the desk, for JSON.
func (c *colleague) writesWith(path, words, name string, content []byte) (int, string) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	err := form.WriteField("body", words)
	if err == nil {
		var part io.Writer
		if part, err = form.CreateFormFile("files", name); err == nil {
			_, err = part.Write(content)
		}
	}
	if err != nil || form.Close() != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, &body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// filesIn are the attachments of a mail, by name.
func filesIn(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	err = e.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil {
			return err
		}
		if how, params, _ := part.Header.ContentDisposition(); how == "attachment" {
			files[params["filename"]], err = io.ReadAll(part.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFilesArriveInTheMailOfAReply answers with files in a region that attaches 1 MiB: to an
// address that is not proven they are links; once it is, the reply sent again and the next
// one have the same bytes that the agent chose; a larger file is a link.
func TestFilesArriveInTheMailOfAReply(t *testing.T) {
	t.Parallel()
	var at0 time.Duration
	d := startDemoAs(t, func(c *config.Config) {
		c.SetUndo(&at0)
		us := c.Region["us"]
		us.AttachFiles = 1 << 20
		c.Region["us"] = us
	})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	content, large := make([]byte, 700_001), make([]byte, 1<<20+1)
	source.Read(content)
	source.Read(large)
	const partner, name, lands = "ana@partner.example.net", "informe \u201cdel d\u00eda\u201d.bin", "Attached files"
	k := d.opens(t, partner)
	page := pageLink.FindString(plain(t, d.await(t, partner, anyMail).Raw))
	agent, path := d.signIn(t, "agent@example.com"), "/desk/tickets/"+k.Number
	replies := func(words string, content []byte) {
		t.Helper()
		if status, said := agent.writesWith(path+"/reply", words, name, content); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", words, status, said)
		}
	}
	linked := func(words string) {
		t.Helper()
		raw := d.awaitWords(t, partner, words).Raw
		if got := filesIn(t, raw); len(got) != 0 || !bytes.Contains(raw, []byte("Files, on the page of your request")) {
			t.Errorf("%s: %d files are attached", words, len(got))
		}
	}
	replies("First answer.", content)
	linked("First answer.")

	d.wantVisit(t, page+"/mine", url.Values{}, http.StatusOK, k.Number)
	mails, err := store.Items(d.app.db.OutboundsOfTicket(t.Context(), k.ID, store.Page{Limit: 9}))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if m.Kind == store.MailReply {
			status, said := agent.do("POST", path+"/resend", url.Values{"id": {strconv.FormatUint(uint64(m.ID), 10)}})
			if status != http.StatusOK {
				t.Fatalf("sending it again: %d %v", status, said)
			}
		}
	}
	arrives := func(words string) {
		t.Helper()
		raw := d.awaitWords(t, partner, lands).Raw
		if got := filesIn(t, raw); len(got) != 1 || !bytes.Equal(got[name], content) || !bytes.Contains(raw, []byte(words)) {
			t.Errorf("%s: of %d files none is what was sent", words, len(got))
		}
	}
	arrives("First answer.")
	status, said := agent.writesWith(path+"/preview", "Second answer.", name, content)
	if status != http.StatusOK || !strings.Contains(said, lands) || len(said) > 100_000 {
		t.Errorf("the preview: %d, %d bytes", status, len(said))
	}
	replies("Larger answer.", large)
	linked("Larger answer.")
}
