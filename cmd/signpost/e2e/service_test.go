//go:build e2e || bench

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-message"
)

// service is a signpost process as an operator runs it.
type service struct {
	URL    string
	Dir    string
	config string
	binary string
	env    []string // further variables of the process
	cmd    *exec.Cmd
	log    *bytes.Buffer
	// The addresses of its two regions.
	US, Intl string
}

// buildBinary is the program to try: the one make built, or one built here.
func buildBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SIGNPOST_BINARY"); path != "" {
		return path
	}
	return build(t)
}

func build(t *testing.T, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signpost")
	args := append(append([]string{"build"}, flags...), "-o", path, "signpost/cmd/signpost")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// signpost runs a subcommand to its end, as an operator would.
func (s *service) signpost(stdin string, args ...string) (code int, output string) {
	cmd := exec.Command(s.binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// serviceOptions are what the stories vary.
type serviceOptions struct {
	us, intl string // support addresses
	form     string // further lines of [form]
}

// newService writes a configuration as init would, for a mail host; Start runs it.
func newService(t *testing.T, h *mailHost, o serviceOptions) *service {
	t.Helper()
	if o.us == "" {
		o.us, o.intl = "partner-us.support@example.com", "partner.support@example.com"
	}
	if !strings.Contains(o.form, "[responder]") {
		o.form += "\n[responder]\n"
	}
	o.form += "per_network_hour = -1\n" // all strangers write from this machine
	dir := t.TempDir()
	listen := freePort(t)
	s := &service{URL: "http://" + listen, Dir: dir, config: filepath.Join(dir, "signpost.toml"), binary: buildBinary(t),
		US: o.us, Intl: o.intl}
	writeFile(t, filepath.Join(dir, "secret"), rand.Text()+rand.Text())
	writeFile(t, filepath.Join(dir, "password"), mailPassword)
	writeFile(t, s.config, fmt.Sprintf(`
[service]
base_url = "%[1]s"
product = "Example Partner Support"
listen = "%[2]s"
data = "%[3]s/data"
secret_file = "%[3]s/secret"
dns = "%[10]s"

[region.us]
prefix = "US"
address = "%[4]s"
name = "Example Partner Support US"
countries = ["US"]
languages = ["en", "es"]
zone = "America/New_York"
hours = "Mon-Fri 09:00-18:00"
mailbox = "us"

[region.intl]
prefix = "INT"
address = "%[5]s"
name = "Example Partner Support"
languages = ["en", "es", "zh-Hans", "id", "ar"]
zone = "Europe/London"
hours = "Mon-Fri 09:00-12:30,13:30-18:00"
mailbox = "intl"

[mailbox.us]
address = "%[6]s"
tls = "none"
username = "%[4]s"
password_file = "%[3]s/password"
trusted_authserv = ["%[8]s"]

[mailbox.intl]
address = "%[6]s"
tls = "none"
username = "%[5]s"
password_file = "%[3]s/password"
trusted_authserv = ["%[8]s"]

[smtp]
address = "%[7]s"
tls = "none"
auth = "none"
hello = "help.example.com"

[form]
posts_per_network = 0
confirmations_per_network = 0
confirmations_per_network_day = 0
confirmations_per_domain = 0
confirmations_per_domain_day = 0
confirmations_in_all = 1000000
confirmations_in_all_day = 1000000
%[9]s
`, s.URL, listen, dir, s.US, s.Intl, h.IMAP, h.SMTP, hostName, o.form, h.DNS))
	return s
}

// Start runs serve and waits until it is ready.
func (s *service) Start(t *testing.T) {
	t.Helper()
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(s.binary, "serve", "--config", s.config)
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := s.cmd
	t.Cleanup(func() {
		if t.Failed() && cmd.ProcessState == nil {
			t.Logf("the service counted:\n%s", s.counts("signpost_"))
		}
		if cmd.ProcessState == nil {
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the service said:\n%s", tail(s.log.String(), 6000))
		}
	})
	eventually(t, 20*time.Second, "the service is ready", func() error {
		resp, err := http.Get(s.URL + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz says %s", resp.Status)
		}
		return nil
	})
}

// Stop ends the process as an operator would.
func (s *service) Stop(t *testing.T) {
	t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the service ended with: %v", err)
	}
}

// Kill ends the process as a power cut would.
func (s *service) Kill(t *testing.T) {
	t.Helper()
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// counts is the part of /metrics whose lines begin with prefix.
func (s *service) counts(prefix string) string {
	resp, err := http.Get(s.URL + "/metrics")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, prefix) && !strings.Contains(line, "_bucket{") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// metric reads one sample of /metrics; 0 when it is not there.
func (s *service) metric(t *testing.T, sample string) float64 {
	t.Helper()
	return s.metrics(t, sample)[sample]
}

// metrics reads samples that were counted at the same instant.
func (s *service) metrics(t *testing.T, samples ...string) map[string]float64 {
	t.Helper()
	read := map[string]float64{}
	for line := range strings.Lines(s.counts("signpost_")) {
		for _, sample := range samples {
			if text, ok := strings.CutPrefix(line, sample+" "); ok {
				read[sample], _ = strconv.ParseFloat(strings.TrimSpace(text), 64)
			}
		}
	}
	return read
}

// eventually tries until try returns nil; the real servers answer to no
// synthetic clock.
func eventually(t *testing.T, within time.Duration, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s: %v", within, what, err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// post is one form post as a program would send it.
type post struct {
	Fields url.Values
	Files  map[string][]byte
}

func partnerPost(email, country string) post {
	return post{Fields: url.Values{
		"name": {"Partner"}, "email": {email}, "country": {country}, "title": {"The export stops"},
		"description": {"The nightly export stops after the first thousand orders, and no error is shown."},
	}}
}

// accepted is the answer to a post taken.
type accepted struct {
	Number  string `json:"number"`
	Region  string `json:"region"`
	From    string `json:"from"`
	Promise struct {
		FirstResponseBy time.Time `json:"first_response_by"`
		ResolutionBy    time.Time `json:"resolution_by"`
	} `json:"promise"`
}

// send posts as JSON-reading client and returns what was answered.
func (p post) send(ctx context.Context, base string) (accepted, int, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, values := range p.Fields {
		form.WriteField(name, values[0])
	}
	for name, content := range p.Files {
		w, err := form.CreateFormFile("files", name)
		if err != nil {
			return accepted{}, 0, err
		}
		w.Write(content)
	}
	form.Close()
	req, err := http.NewRequestWithContext(ctx, "POST", base+"/contact", &body)
	if err != nil {
		return accepted{}, 0, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return accepted{}, 0, err
	}
	defer resp.Body.Close()
	var a accepted
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, resp.StatusCode, err
	}
	if resp.StatusCode != http.StatusCreated {
		return a, resp.StatusCode, fmt.Errorf("%s: %s", resp.Status, text)
	}
	return a, resp.StatusCode, json.Unmarshal(text, &a)
}

// write hands a mail to the host as a stranger's server would.
func (h *mailHost) write(t *testing.T, from, to, raw string) {
	t.Helper()
	if err := smtp.SendMail(h.SMTP, nil, from, []string{to}, []byte(strings.ReplaceAll(raw, "\n", "\r\n"))); err != nil {
		t.Fatalf("mail from %q to %s: %v", from, to, err)
	}
}

// letter is a plain mail from a person.
func letter(from, to, id, subject string) string {
	return fmt.Sprintf("From: Person <%s>\nTo: %s\nSubject: %s\nMessage-ID: <%s>\nDate: %s\nMIME-Version: "+
		"1.0\nContent-Type: text/plain; charset=utf-8\n\nHello, where is my order?\n",
		from, to, subject, id, time.Now().Format(time.RFC1123Z))
}

// received is one mail as it lies in a mailbox.
type received struct {
	Header mail.Header
	Raw    []byte
}

func (r received) subject() string {
	text, err := new(mime.WordDecoder).DecodeHeader(r.Header.Get("Subject"))
	if err != nil {
		return r.Header.Get("Subject")
	}
	return text
}

// open opens a mailbox to read it; close the client.
func (h *mailHost) open(t *testing.T, address string) (*imapclient.Client, *imap.SelectData) {
	t.Helper()
	c, err := imapclient.DialInsecure(h.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(address, mailPassword).Wait(); err != nil {
		t.Fatalf("login as %s: %v", address, err)
	}
	box, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return c, box
}

// mails reads a whole mailbox.
func (h *mailHost) mails(t *testing.T, address string) []received {
	t.Helper()
	c, box := h.open(t, address)
	defer c.Close()
	if box.NumMessages == 0 {
		return nil
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	got, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}},
		&imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var all []received
	for _, m := range got {
		raw := m.FindBodySection(whole)
		parsed, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("a mail for %s cannot be read: %v\n%s", address, err, raw)
		}
		all = append(all, received{parsed.Header, raw})
	}
	return all
}

// awaitMail waits until the mailbox holds n mails and returns them.
func (h *mailHost) awaitMail(t *testing.T, address string, n int) []received {
	t.Helper()
	var got []received
	eventually(t, 15*time.Second, fmt.Sprintf("%d mails for %s", n, address), func() error {
		if got = h.mails(t, address); len(got) < n {
			return fmt.Errorf("there are %d", len(got))
		}
		return nil
	})
	if len(got) > n {
		t.Fatalf("%s got %d mails, want %d", address, len(got), n)
	}
	return got
}

// linkIn finds the ticket's link in a mail's text part.
func linkIn(t *testing.T, m received, base string) string {
	t.Helper()
	text := decodedParts(t, m)
	start := strings.Index(text, base+"/t/")
	if start < 0 {
		t.Fatalf("no link to the ticket's page in:\n%s", text)
	}
	end := strings.IndexFunc(text[start:], func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"", r) })
	return text[start : start+end]
}

// decodedParts is the text of all parts of a mail, one after another.
func decodedParts(t *testing.T, m received) string {
	t.Helper()
	entity, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = entity.Walk(func(_ []int, part *message.Entity, err error) error {
		if kind, _, _ := part.Header.ContentType(); err == nil && strings.HasPrefix(kind, "text/") {
			_, err = io.Copy(&all, part.Body)
		}
		return err
	})
	if err != nil {
		t.Fatalf("the mail's parts cannot be read: %v", err)
	}
	return all.String()
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
