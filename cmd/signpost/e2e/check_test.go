//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
)

// checked runs signpost check as an operator would.
func checked(s *service) (code int, output string) {
	return s.signpost("", "check", "--config", s.config, "--timeout", "5s")
}

// TestE2ECheck: a configuration that fits the world passes, and shows what would
// be done with the mail that waits; one that does not names each fault with the
// way to mend it.
func TestE2ECheck(t *testing.T) {
	t.Parallel()
	h := startMailHost(t)
	s := newService(t, h, serviceOptions{})
	h.write(t, "person@example.net", s.US, letter("person@example.net", s.US, "waiting@example.net", "Hello there"))
	h.write(t, "news@example.org", s.US, with(letter("news@example.org", s.US, "news@example.org", "Our offers"),
		"List-Id: <news.example.org>"))
	h.awaitMail(t, s.US, 2)

	code, output := checked(s)
	if code != 0 {
		t.Fatalf("check failed:\n%s", output)
	}
	for _, want := range []string{
		"has no fault", "SPF: v=spf1", "DMARC: v=DMARC1", "MX: mx.example.com.", "takes the null sender",
		"reports deliveries and failures (DSN)",
		"the folder holds 2 mails", `would be answered: `, `"Hello there"`, "would stay silent: ", "list-header",
		"Ready: signpost serve",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("check does not say %q", want)
		}
	}
	if mails := h.mails(t, "person@example.net"); len(mails) != 0 {
		t.Errorf("check answered a mail")
	}

	broken := strings.NewReplacer("address = \""+h.SMTP+"\"", "address = \"127.0.0.1:1\"", s.Dir+"/password",
		s.Dir+"/wrong").Replace(string(mustRead(t, s.config)))
	writeFile(t, s.Dir+"/wrong", "not the password")
	if err := os.WriteFile(s.config, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	code, output2 := checked(s)
	if code != 1 {
		t.Errorf("with a dead relay and wrong passwords check ends with %d", code)
	}
	for _, want := range []string{
		"No server listens there; is the port right?", "User name or password are wrong", "3 of the tests failed",
	} {
		if !strings.Contains(output2, want) {
			t.Errorf("check does not say %q", want)
		}
	}
	if t.Failed() {
		t.Logf("first:\n%s\nsecond:\n%s", output, output2)
	}
}
