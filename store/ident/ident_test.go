package ident

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

var now = time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)

func ringOf(t testing.TB, secrets ...byte) *Ring {
	t.Helper()
	var all [][]byte
	for _, s := range secrets {
		all = append(all, bytes.Repeat([]byte{s}, SecretBytes))
	}
	r, err := New(all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSecretsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][][]byte{
		"none": nil, "empty": {{}}, "short": {bytes.Repeat([]byte("x"), SecretBytes-1)},
		"one short of two": {bytes.Repeat([]byte("x"), SecretBytes), []byte("x")},
	} {
		if _, err := New(secrets...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Our mail comes back quoted by hosts that change case and, behind a relay that
// stamps its own, another domain; it is still ours, and of its kind.
func TestOurMessageIDsAreKnownAgain(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	for _, kind := range []store.OutboundKind{store.MailConfirmation, store.MailAutoResponse, store.MailAlarm} {
		id := r.MessageID(now, kind, "Example.COM")
		if !strings.HasSuffix(id, "@example.com") {
			t.Errorf("minted %s", id)
		}
		local, _, _ := strings.Cut(id, "@")
		for _, seen := range []string{id, strings.ToUpper(id), local + "@relay.example", local} {
			if got, ok := r.OwnMessageID(seen); !ok || got != kind {
				t.Errorf("%s: %q, %v; want %s", seen, got, ok, kind)
			}
		}
	}
}

func TestAMessageIDTellsWhenItWasMinted(t *testing.T) {
	t.Parallel()
	ring, err := New(bytes.Repeat([]byte{9}, SecretBytes))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 10, 0, 0, 123e6, time.UTC)
	id := ring.MessageID(at, store.MailConfirmation, "example.com")
	if got, ok := ring.MintedAt(strings.ToUpper(id)); !ok || !got.Equal(at) {
		t.Errorf("minted at %v (%v), want %v", got, ok, at)
	}
	if got, ok := ring.MintedAt("x" + id); ok {
		t.Errorf("an id not made here was minted at %v", got)
	}
}

func TestOthersMessageIDsAreNotOurs(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	id := r.MessageID(now, store.MailAutoResponse, "example.com")
	local, _, _ := strings.Cut(id, "@")
	parts := strings.Split(local, ".")
	borrowed, _ := base32Lower.DecodeString(parts[1])
	for name, forged := range map[string]string{
		"another installation's": ringOf(t, 2).MessageID(now, store.MailAutoResponse, "example.com"),
		"another kind":           "c." + parts[1] + "." + parts[2] + "@example.com",
		"no MAC":                 "ar." + parts[1] + "@example.com",
		"empty MAC":              "ar." + parts[1] + ".@example.com",
		"cut MAC":                "ar." + parts[1] + "." + parts[2][:8] + "@example.com",
		"a letter moved": "a." + base32Lower.EncodeToString(append([]byte("r"), borrowed...)) + "." + parts[2] +
			"@example.com",
		"nothing": "", "dots": "...", "plain": "CAJ+x1@mail.partner.example",
	} {
		if kind, ok := r.OwnMessageID(forged); ok {
			t.Errorf("%s: %s passes as our %q", name, forged, kind)
		}
	}
}

// A bounce arrives at the tagged address, in whatever case, up to a month later.
func TestTaggedSenderLeadsABounceToItsRow(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		row := store.OutboundID(rapid.Uint64().Draw(t, "row"))
		queued := now.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "queued")))
		age := time.Duration(rapid.Int64Range(0, int64(TagKept)).Draw(t, "age"))
		address := r.EnvelopeFrom("partner-us.support@example.com", row, "Ana@Partner.example", queued)
		if rapid.Bool().Draw(t, "upper") {
			address = strings.ToUpper(address)
		}
		tag, ok := ParseEnvelope(address)
		if !ok || tag.ID != row {
			t.Fatalf("%s: row %d, %v; want %d", address, tag.ID, ok, row)
		}
		if !r.VerifyTag(tag, "ana@partner.example", queued.Add(age)) {
			t.Fatalf("%s is not believed after %v", address, age)
		}
		if r.VerifyTag(tag, "eve@partner.example", queued) {
			t.Fatal("believed for another recipient")
		}
		if r.VerifyTag(tag, "ana@partner.example", queued.Add(TagKept+48*time.Hour)) {
			t.Fatal("believed two days past its time")
		}
	})
}

func TestForgedTagsNameNoRow(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	address := r.EnvelopeFrom("support@example.com", 42, "ana@partner.example", now)
	forged := ringOf(t, 2).EnvelopeFrom("support@example.com", 42, "ana@partner.example", now)
	if tag, ok := ParseEnvelope(forged); !ok || r.VerifyTag(tag, "ana@partner.example", now) {
		t.Error("a tag of another installation is believed")
	}
	other, _ := ParseEnvelope(address)
	other.ID++
	if r.VerifyTag(other, "ana@partner.example", now) {
		t.Error("a tag is believed for the next row too")
	}
	local, domain, _ := strings.Cut(address, "@")
	for name, bad := range map[string]string{
		"no domain": local, "no tag": "support@" + domain, "another tag": "support+sales@" + domain, "empty": "",
		"cut": local[:len(local)-1] + "@" + domain, "longer": local + "a@" + domain, "bare mark": "support+b-@" + domain,
		"two dashes": "support+b--@" + domain,
	} {
		if tag, ok := ParseEnvelope(bad); ok && r.VerifyTag(tag, "ana@partner.example", now) {
			t.Errorf("%s: %s is believed", name, bad)
		}
	}
}

func TestLinkTokensOpenTheirLinkAndNoOther(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		id := NewLink(now)
		token := r.LinkToken(id)
		if got, ok := r.ParseLink(token); !ok || got != id || len(token) != 43 {
			t.Fatalf("%s opens %x, %v", token, got, ok)
		}
		i := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte("AZaz09-_=\n .")).Draw(t, "byte")
		changed := token[:i] + string(c) + token[i+1:]
		if got, ok := r.ParseLink(changed); ok && changed != token {
			t.Fatalf("%q opens %x", changed, got)
		}
		if _, ok := r.ParseLink(token[:i] + "\n" + token[i:]); ok {
			t.Fatal("a token has a second spelling")
		}
	})
}

// A secret is changed by putting the new one in front: what was mailed before
// still works, and what is mailed now needs the new one.
func TestALinkIntoAnAccountOpensThatAccountAlone(t *testing.T) {
	t.Parallel()
	ring, id := ringOf(t, 1), store.LinkID{7}
	token := ring.AgentLinkToken(3, id)
	if agent, link, ok := ring.ParseAgentLink(token); !ok || agent != 3 || link != id {
		t.Errorf("agent %d, link %x, %v", agent, link, ok)
	}
	others := []string{"", token[1:], ring.LinkToken(id), ring.Sign("another purpose", make([]byte, 24)),
		ring.Sign(agentLinkPurpose, make([]byte, 23)), ringOf(t, 2).AgentLinkToken(3, id)}
	for _, other := range others {
		if _, _, ok := ring.ParseAgentLink(other); ok {
			t.Errorf("%q opens an account", other)
		}
	}
}

func TestChangingTheSecretBreaksNothingMailedBefore(t *testing.T) {
	t.Parallel()
	old, both, fresh := ringOf(t, 1), ringOf(t, 2, 1), ringOf(t, 2)
	link := NewLink(now)
	if _, ok := both.ParseLink(old.LinkToken(link)); !ok {
		t.Error("an old link opens nothing")
	}
	if _, ok := both.OwnMessageID(old.MessageID(now, store.MailConfirmation, "x")); !ok {
		t.Error("an old Message-ID is not ours")
	}
	tag, _ := ParseEnvelope(old.EnvelopeFrom("a@b", 1, "c@d", now))
	if !both.VerifyTag(tag, "c@d", now) {
		t.Error("an old tag is not believed")
	}
	if _, ok := both.Verify("p", old.Sign("p", []byte("x"))); !ok {
		t.Error("an old signed value is refused")
	}
	if both.LinkToken(link) != fresh.LinkToken(link) {
		t.Error("a link is still made with the old secret")
	}
	if _, ok := fresh.ParseLink(old.LinkToken(link)); ok {
		t.Error("a dropped secret still opens links")
	}
}

func TestSignedValuesServeOnePurpose(t *testing.T) {
	t.Parallel()
	r := ringOf(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")
		token := r.Sign("draft", payload)
		if got, ok := r.Verify("draft", token); !ok || !bytes.Equal(got, payload) {
			t.Fatalf("%q, %v; want %q", got, ok, payload)
		}
		if _, ok := r.Verify("draf", token); ok {
			t.Fatal("a token of one purpose serves another")
		}
		if _, ok := r.Verify("draft", token+"\n"); ok {
			t.Fatal("a token has a second spelling")
		}
		flipped := []byte(token)
		flipped[rapid.IntRange(0, len(token)-1).Draw(t, "at")] ^= 1
		if _, ok := r.Verify("draft", string(flipped)); ok {
			t.Fatal("a changed token is accepted")
		}
	})
}

// Ids made in a burst differ, and later ones sort after earlier ones, so that
// indexes over them grow at their end.
func TestIDsAreUniqueAndGrow(t *testing.T) {
	t.Parallel()
	seen := map[store.LinkID]bool{}
	for range 10_000 {
		id := NewLink(now)
		if seen[id] {
			t.Fatal("the same id twice")
		}
		seen[id] = true
		later := NewLink(now.Add(time.Millisecond))
		if bytes.Compare(id[:], later[:]) >= 0 {
			t.Fatalf("%x does not sort before %x", id, later)
		}
	}
}

// Whatever arrives from outside, nothing we did not make is taken for ours.
func FuzzNothingForeignIsOurs(f *testing.F) {
	r := ringOf(f, 1)
	other := ringOf(f, 2)
	f.Add(other.MessageID(now, store.MailAutoResponse, "example.com"))
	f.Add(other.EnvelopeFrom("support@example.com", 42, "ana@partner.example", now))
	f.Add(other.LinkToken(NewLink(now)))
	f.Add(other.Sign("p", []byte("payload")))
	f.Add("support+b-aaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa@example.com")
	f.Add("...@")
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := r.OwnMessageID(s); ok {
			t.Errorf("%q passes as our Message-ID", s)
		}
		if tag, ok := ParseEnvelope(s); ok && r.VerifyTag(tag, "ana@partner.example", now) {
			t.Errorf("%q passes as our tag", s)
		}
		if _, ok := r.ParseLink(s); ok {
			t.Errorf("%q passes as our link", s)
		}
		if _, ok := r.Verify("p", s); ok {
			t.Errorf("%q passes as signed by us", s)
		}
	})
}
