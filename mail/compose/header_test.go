package compose

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
	"pgregory.net/rapid"

	"signpost/store"
)

// hostile draws text as an attacker would write it to break a header.
func hostile() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"\r\n", "\n", "\r", "\x00", "\r\nBcc: eve@evil.example", "\r\n\r\n<script>", "\u2028", "\u0085", "\v", "\f",
			"=?UTF-8?B?DQpCY2M6IGU=?=", "\"", "\\", "<", ">", ",", ";", ":", "@", "(", ")", "\u202e", "\u2066",
			"\xff\xfe", "支持", "دعم",
			strings.Repeat("x", 1200), strings.Repeat("é", 300), " ", "\t",
		}),
		rapid.String(),
		rapid.StringMatching(`[a-z]{1,9}(@[a-z]{1,5}\.example)?`),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
	})
}

// Whatever a row holds, a composed mail has exactly the fields it should have,
// lines that every relay takes, and the texts as written.
func TestNothingInARowGetsOutOfItsPlace(t *testing.T) {
	t.Parallel()
	c := composer(t)
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SampledFrom([]store.Outbound{
			confirmationRow("en"), confirmationRow("ar"), autoResponseRow("es", "zh-Hans"),
		}).Draw(t, "row")
		for name, field := range map[string]*string{
			"FromName": &row.FromName, "From": &row.From, "To": &row.To, "Number": &row.Number,
			"MessageID": &row.MessageID, "InReplyTo": &row.InReplyTo, "Region": &row.Region,
		} {
			often := 2
			if name == "From" || name == "To" || name == "MessageID" {
				often = 8 // spoilt, these are refused, and the rest goes untested
			}
			if rapid.IntRange(1, often).Draw(t, "spoil "+name) == 1 {
				*field = hostile().Draw(t, name)
			}
		}
		row.References = rapid.SliceOfN(hostile(), 0, 30).Draw(t, "References")
		row.Langs = rapid.SliceOfN(hostile(), 0, 3).Draw(t, "Langs")
		m, err := c.Compose(row)
		if err != nil {
			return // refused: nothing leaves
		}
		checkWire(t, m)
		checkFields(t, m)
	})
}

// checkWire checks what SMTP asks of the bytes (RFC 5321 section 4.5.3.1.6,
// RFC 5322 section 2.1.1).
func checkWire(t interface{ Fatalf(string, ...any) }, m Message) {
	if !bytes.HasSuffix(m.Bytes, []byte("\r\n")) {
		t.Fatalf("no line end at the end")
	}
	for line := range bytes.SplitSeq(m.Bytes, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("bad line %q", line)
		}
		if !m.UTF8 && !isASCII(string(line)) {
			t.Fatalf("beyond ASCII without SMTPUTF8: %q", line)
		}
	}
	if strings.ContainsAny(m.From+m.To+m.ID+m.EnvelopeID, "\r\n\x00<> ") && !strings.Contains(m.To, `"`) {
		t.Fatalf("envelope %+v", m)
	}
}

func checkFields(t *rapid.T, m Message) {
	e, err := message.Read(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatalf("%v in\n%s", err, m.Bytes)
	}
	allowed := map[string]bool{
		"Date": true, "From": true, "To": true, "Subject": true, "Message-Id": true, "In-Reply-To": true, "References": true,
		"Auto-Submitted": true, "Precedence": true, "X-Auto-Response-Suppress": true, "X-Signpost-Instance": true,
		"X-Signpost-Ref":   true,
		"Content-Language": true, "Mime-Version": true, "Content-Type": true, "Thread-Topic": true, "Thread-Index": true,
	}
	for fields := e.Header.Fields(); fields.Next(); {
		if !allowed[fields.Key()] {
			t.Fatalf("field %s, missing from the list or there twice, in\n%s", fields.Key(), m.Bytes)
		}
		allowed[fields.Key()] = false
	}
	from, err := (&mail.Header{Header: e.Header}).AddressList("From")
	if err != nil || len(from) != 1 {
		t.Fatalf("From %v, %v in\n%s", from, err, m.Bytes)
	}
	if strings.ContainsAny(from[0].Name, "\r\n\x00\u202e") {
		t.Fatalf("From is named %q", from[0].Name)
	}
}

// A name is shown as configured, whatever script and signs it holds.
func TestSendersNameReadsAsConfigured(t *testing.T) {
	t.Parallel()
	c := composer(t)
	for name, want := range map[string]string{
		"Support":                       "Support",
		"Support, \"Partners\" \\ <US>": "Support, \"Partners\" \\ <US>",
		"合作伙伴支持（美国）合作伙伴支持（美国）合作伙伴支持（美国）": "合作伙伴支持（美国）合作伙伴支持（美国）合作伙伴支持（美国）",
		"دعم الشركاء":                     "دعم الشركاء",
		"Soporte técnico\r\nBcc: x@y.z":   "Soporte técnico Bcc: x@y.z",
		"=?UTF-8?Q?not_an_encoded_word?=": "=?UTF-8?Q?not_an_encoded_word?=",
		"":                                "Example Support",
		" \t\r\n":                         "Example Support",
	} {
		row := confirmationRow("en")
		row.FromName = name
		h := mail.Header{Header: open(t, mustCompose(t, c, row).Bytes).header}
		from, err := h.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != row.From {
			t.Fatalf("%q: From %v, %v", name, from, err)
		}
		if from[0].Name != want && !strings.HasPrefix(name, "=?") {
			t.Errorf("%q is shown as %q", name, from[0].Name)
		}
	}
}
