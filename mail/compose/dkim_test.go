package compose

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"pgregory.net/rapid"
)

// keys makes an RSA key, which takes a while, once for all tests.
func keys(t testing.TB) (crypto.Signer, crypto.Signer) {
	t.Helper()
	rsaKey, err := rsaOnce()
	if err != nil {
		t.Fatal(err)
	}
	return rsaKey, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

var rsaOnce = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// verify checks every signature of a mail with an independent verifier.
func verify(t testing.TB, raw []byte, signers ...Signer) []*dkim.Verification {
	t.Helper()
	records := map[string]string{}
	for _, s := range signers {
		name, value, err := s.Record()
		if err != nil {
			t.Fatal(err)
		}
		records[name] = value
	}
	lookup := func(name string) ([]string, error) {
		if records[name] == "" {
			return nil, fmt.Errorf("no record %s", name)
		}
		return []string{records[name]}, nil
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSignaturesOfEveryMailVerify(t *testing.T) {
	t.Parallel()
	rsaKey, edKey := keys(t)
	signers := []Signer{{"example.com", "r1", rsaKey}, {"example.com", "e1", edKey}}
	c := composer(t, func(c *Config) { c.Signers = signers })
	for _, l := range c.texts.Langs() {
		for _, m := range []Message{
			mustCompose(t, c, confirmationRow(l.Tag())), mustCompose(t, c, autoResponseRow(l.Tag(), "en")),
		} {
			found := verify(t, m.Bytes, signers...)
			if len(found) != 2 || found[0].Err != nil || found[1].Err != nil {
				t.Fatalf("%s: %d signatures, %+v", m.ID, len(found), found)
			}
			if !found[0].Time.Equal(queued.Truncate(1e9)) {
				t.Errorf("signed at %v, want the time of queueing", found[0].Time)
			}
		}
	}
}

// A relay may fold, pad and re-space; the signature holds. No host may change a
// word or add a second From.
func TestSignatureHoldsThroughRelaysAndAgainstForgers(t *testing.T) {
	t.Parallel()
	_, edKey := keys(t)
	signer := Signer{"example.com", "e1", edKey}
	c := composer(t, func(c *Config) { c.Signers = []Signer{signer} })
	raw := string(mustCompose(t, c, autoResponseRow("en")).Bytes)
	change := func(old, new string) string {
		if !strings.Contains(raw, old) {
			t.Fatalf("no %q in the mail", old)
		}
		return strings.Replace(raw, old, new, 1)
	}
	for name, mail := range map[string]string{
		"untouched":     raw,
		"spaces":        change("Subject: Auto: This", "Subject:   Auto:  \r\n\tThis"),
		"more lines":    raw + "\r\n\r\n",
		"trailing":      change("Thank you for writing.", "Thank you  for writing."),
		"a trace field": "Received: from a by b; Fri, 20 Nov 2026 15:04:06 +0000\r\n" + raw,
	} {
		if found := verify(t, []byte(mail), signer); len(found) != 1 || found[0].Err != nil {
			t.Errorf("%s: %+v %v", name, found, found[0].Err)
		}
	}
	for name, mail := range map[string]string{
		"second From":    change("From: ", "From: eve@evil.example\r\nFrom: "),
		"added Reply-To": change("From: ", "Reply-To: eve@evil.example\r\nFrom: "),
		"other link":     change("help.example.com/contact", "help.evil.example/contact"),
		"other mark":     change("auto-replied", "no"),
	} {
		if found := verify(t, []byte(mail), signer); len(found) == 1 && found[0].Err == nil {
			t.Errorf("%s: the signature still holds", name)
		}
	}
}

func TestSignerIsChosenByTheSendersDomain(t *testing.T) {
	t.Parallel()
	_, key := keys(t)
	all := []Signer{{"example.com", "top", key}, {"Eu.Example.com", "eu", key}, {"other.example", "o", key}}
	c := composer(t, func(c *Config) { c.Signers = all })
	for from, want := range map[string]string{
		"help@example.com": "s=top", "help@eu.example.com": "s=eu", "help@us.example.com": "s=top",
		"help@notexample.com": "", "help@example.com.evil.example": "",
	} {
		row := confirmationRow("en")
		row.From = from
		raw := string(mustCompose(t, c, row).Bytes)
		got := strings.Count(raw, "DKIM-Signature:")
		if want == "" && got != 0 || want != "" && (got != 1 || !strings.Contains(raw, want+";")) {
			t.Errorf("from %s: %d signatures, want %q\n%.200s", from, got, want, raw)
		}
	}
}

func TestKeysAreReadFromPEM(t *testing.T) {
	t.Parallel()
	rsaKey, edKey := keys(t)
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	der := x509.MarshalPKCS1PrivateKey(rsaKey.(*rsa.PrivateKey))
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
	for name, text := range map[string][]byte{
		"RSA PKCS #8": pkcs8(rsaKey), "RSA PKCS #1": pkcs1, "Ed25519": pkcs8(edKey),
	} {
		key, err := ParseKey(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := (Signer{"example.com", "s", key}).check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseKey([]byte(text)); err == nil {
			t.Errorf("read a key from %q", text)
		}
	}
}

// Whatever a body holds, our canonical form is the verifier's.
func TestAnyBodyVerifies(t *testing.T) {
	t.Parallel()
	_, edKey := keys(t)
	signer := Signer{"example.com", "e1", edKey}
	c := composer(t, func(c *Config) { c.Signers = []Signer{signer} })
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[ \ta-c.=]{0,8}`), 0, 12).Draw(t, "lines")
		subject := rapid.StringMatching(`[ a-c:]{0,20}[a-c]`).Draw(t, "subject")
		raw := "From: a@example.com\r\nSubject:" + subject + "\r\n\r\n" + strings.Join(lines, "\r\n")
		if len(lines) > 0 {
			raw += "\r\n"
		}
		out, err := c.sign([]byte(raw), "a@example.com", queued)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := signer.Record()
		lookup := func(asked string) ([]string, error) {
			if asked != name {
				return nil, fmt.Errorf("asked for %s", asked)
			}
			return []string{value}, nil
		}
		found, err := dkim.VerifyWithOptions(bytes.NewReader(out), &dkim.VerifyOptions{LookupTXT: lookup})
		if err != nil || len(found) != 1 || found[0].Err != nil {
			t.Fatalf("%v %+v in\n%q", err, found, out)
		}
	})
}
