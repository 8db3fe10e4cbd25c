package outbox

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/xdg-go/scram"

	"signpost/store"
)

// What servers offer is read as they write it: tabs, AUTH in several lines, and
// "AUTH=" for clients of long ago.
func TestOffersAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ehlo string
		auth []string
		size int64
	}{
		"a tab after AUTH":      {"relay\nAUTH\tPLAIN LOGIN\nSIZE\t1000", []string{"PLAIN", "LOGIN"}, 1000},
		"AUTH= alone":           {"relay\nAUTH=LOGIN PLAIN", []string{"LOGIN", "PLAIN"}, 0},
		"AUTH= beside AUTH":     {"relay\nAUTH LOGIN\nAUTH=LOGIN PLAIN", []string{"LOGIN", "PLAIN"}, 0},
		"several lines of AUTH": {"relay\nAUTH cram-md5\nSIZE 5\nAUTH PLAIN\n", []string{"CRAM-MD5", "PLAIN"}, 5},
		"two spaces":            {"relay\nAUTH  LOGIN   PLAIN\nsize  7", []string{"LOGIN", "PLAIN"}, 7},
	} {
		ext := parseExtensions(c.ehlo)
		if diff := gocmp.Diff(c.auth, ext.mechanisms()); diff != "" || ext.sizeLimit() != c.size {
			t.Errorf("%s: size %d, mechanisms %s", name, ext.sizeLimit(), diff)
		}
	}
}

// A LOGIN challenge may hold anything, also what is no base64.
func TestLoginIgnoresWhatItIsAsked(t *testing.T) {
	p := newPeer(map[string]string{
		"EHLO": "250-relay.example\r\n250-AUTH=LOGIN\r\n250 AUTH\tLOGIN", "AUTH": "334 Username:", "ZGVzaw==": "334",
		"c2VjcmV0": "235 ok",
	})
	story(t, p, func(c *Config) { c.Username, c.Password = "desk", "secret" }, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		synctest.Wait()
		d.want(t, id, store.StateSent)
	})
}

// RFC 2195 section 2 is the example: its challenge, its user, its response.
func TestCramMD5WhereNothingElseIsOffered(t *testing.T) {
	challenge := base64.StdEncoding.EncodeToString([]byte("<1896.697170952@postoffice.reston.mci.net>"))
	response := base64.StdEncoding.EncodeToString([]byte("tim b913a602c7eda7a495b4e6e7334d3890"))
	p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 AUTH CRAM-MD5", "AUTH": "334 " + challenge,
		response: "235 ok"})
	story(t, p, func(c *Config) { c.Username, c.Password = "tim", "tanstaaftanstaaf" }, func(d *desk) {
		id := d.post(store.MailConfirmation, "ana@partner.example")
		synctest.Wait()
		d.want(t, id, store.StateSent)
	})
}

func TestScramWhereNothingElseIsOffered(t *testing.T) {
	t.Parallel()
	for password, good := range map[string]bool{"pencil": true, "pen": false} {
		server := scramServer(t, "desk", "pencil")
		p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 AUTH SCRAM-SHA-256 CRAM-MD5"})
		p.onReply = func(line, planned string) string {
			text, begins := strings.CutPrefix(line, "AUTH SCRAM-SHA-256 ")
			if !begins && !strings.HasPrefix(planned, "500") {
				return planned
			}
			said, err := base64.StdEncoding.DecodeString(text)
			switch {
			case text == "" && server.Done():
				return "235 ok"
			case err != nil:
				return "501 " + err.Error()
			}
			next, err := server.Step(string(said))
			if err != nil {
				return "535 5.7.8 no"
			}
			return "334 " + base64.StdEncoding.EncodeToString([]byte(next))
		}
		s, err := open(t.Context(), Config{
			Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Username: "desk", Password: password, Dial: p.dial,
		}.withDefaults(), newLearned())
		if (err == nil) != good || (err == nil) != server.Valid() {
			t.Errorf("password %q: %v, the server says %v", password, err, server.Valid())
		}
		if err == nil {
			s.close()
		}
	}
}

func scramServer(t *testing.T, user, password string) *scram.ServerConversation {
	t.Helper()
	client, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of the test", Iters: 4096})
	if err != nil {
		t.Fatal(err)
	}
	server, err := scram.SHA256.NewServer(func(name string) (scram.StoredCredentials, error) {
		if name != user {
			return scram.StoredCredentials{}, io.EOF
		}
		return kept, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.NewConversation()
}

// Under "opportunistic" a STARTTLS that fails is told, shown, and does not keep the
// mail: one new connection goes on in the clear. No other setting ever does.
func TestOpportunisticGoesOnInTheClear(t *testing.T) {
	t.Parallel()
	for name, starttls := range map[string]string{
		"refused": "454 4.7.0 TLS not available due to local problem", "broken": "220 go on\r\nthis is no handshake",
		"hung up": hangUp,
	} {
		for mode, sent := range map[TLSMode]bool{TLSOpportunistic: true, TLSRequired: false} {
			p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250 STARTTLS", "STARTTLS": starttls})
			told := 0
			r := newRelay(Config{
				Addr: "127.0.0.1:25", TLS: mode, Hello: "desk.example", Dial: p.dial, Clear: func(error) { told++ },
				TLSConfig: &tls.Config{}, IdleLimit: time.Nanosecond,
			}.withDefaults(), func(RelayStatus) {})
			m, _ := composed(context.Background(), store.Outbound{MessageID: "m@desk.example", To: "ana@partner.example"})
			for range 2 {
				if _, err := r.send(t.Context(), m); (err == nil) != sent {
					t.Errorf("%s, %s: %v", mode, name, err)
				}
				r.shut()
			}
			if want := map[bool]int{true: 4, false: 2}[sent]; p.dialled() != want {
				t.Errorf("%s, %s: dialled %d times for two mails, want %d", mode, name, p.dialled(), want)
			}
			if clear := r.known.traits().Clear; (clear != "") != sent || (told == 1) != sent {
				t.Errorf("%s, %s: shown %q, told %d times", mode, name, clear, told)
			}
		}
	}
}

// What is longer than a line may be is cut, not called broken; what never ends is.
func TestLongReplyLineIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9000)
	got, err := readReply(bufio.NewReaderSize(
		strings.NewReader("550-5.1.1 "+long+"\r\n550 5.1.1 no such user\r\n250 next\r\n"), readerSize))
	if err != nil || got.code != 550 || len(got.text) > readerSize+20 || !strings.HasSuffix(got.text, "\nno such user") {
		t.Errorf("%d, %d bytes, %v", got.code, len(got.text), err)
	}
	if _, err := readReply(bufio.NewReaderSize(io.MultiReader(strings.NewReader("250 "), endlessly('x')),
		readerSize)); err == nil {
		t.Error("a line without an end was taken")
	}
}

type endlessly byte

func (b endlessly) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// The sender knows what the relay offers before the first mail, and keeps the
// connection over which it asked.
func TestTraitsAreLearned(t *testing.T) {
	p := newPeer(map[string]string{"EHLO": "250-relay.example\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 SIZE 5000"})
	story(t, p, nil, func(d *desk) {
		if d.Traits().Known {
			t.Error("known before the relay was asked")
		}
		if err := d.Learn(context.Background()); err != nil {
			t.Fatal(err)
		}
		want := Traits{Known: true, SMTPUTF8: true, EightBit: true, SizeLimit: 5000}
		got := d.Traits()
		got.Auth, got.Refused = slices.Clip(got.Auth), slices.Clip(got.Refused)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		id := d.post(store.MailConfirmation, "ana@partner.example")
		synctest.Wait()
		if d.want(t, id, store.StateSent); p.dialled() != 1 {
			t.Errorf("dialled %d times", p.dialled())
		}
	})
}

// check tells which parameters a relay offers and refuses, and does not take a
// refusal of its own question for one.
func TestProbeFindsRefusedParameters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(line string) string
		want   []string
	}{
		"NOTIFY is refused": {func(line string) string {
			return map[bool]string{true: "501 5.5.4 Unrecognized parameter NOTIFY=FAILURE,DELAY"}[strings.Contains(line,
				"NOTIFY=")]
		}, []string{"DSN"}},
		"all of MAIL is refused": {func(line string) string {
			return map[bool]string{true: "555 5.5.4 Unsupported option"}[strings.HasPrefix(line, "MAIL FROM:<> ")]
		}, []string{"8BITMIME", "DSN", "SIZE"}},
		"the postmaster is refused": {func(line string) string {
			return map[bool]string{true: "501 5.5.2 Syntax error in parameters"}[strings.HasPrefix(line, "RCPT")]
		}, nil},
		"nothing is refused": {func(string) string { return "" }, nil},
	} {
		p := newPeer(nil)
		p.onReply = func(line, planned string) string { return cmp.Or(c.answer(line), planned) }
		got, err := Probe(t.Context(), Config{Addr: "127.0.0.1:25", TLS: TLSNone, Hello: "desk.example", Dial: p.dial})
		if err != nil || !got.NullSender || !slices.Equal(got.Refused, c.want) || got.DSN != !slices.Contains(c.want, "DSN") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
