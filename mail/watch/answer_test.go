package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/ident"
)

func TestWhoAnswersAndInWhichLanguage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		extra  []string
		to     string
		known  string
		region string
		langs  []string
	}{
		"nothing is known: the region's first two": {region: "us", langs: []string{"en", "es"}},
		"a region of one language": {to: "partner.support@example.com", region: "intl",
			langs: []string{"en"}},
		"the mail's language": {extra: []string{"Content-Language: id"}, region: "us",
			langs: []string{"id"}},
		"one the mail would accept": {extra: []string{"Accept-Language: ja, zh-CN;q=0.8"}, region: "us",
			langs: []string{"zh-Hans"}},
		"one that is not in the catalogue": {extra: []string{"Content-Language: ja"}, region: "us",
			langs: []string{"en", "es"}},
		"a partner we know": {extra: []string{"Content-Language: id"}, known: "ar", region: "us",
			langs: []string{"ar"}},
		"a tagged address": {to: "Partner.Support+x@Example.com", region: "intl",
			langs: []string{"en"}},
		"a stranger's address first": {to: "boss@partner.test, partner.support@example.com", region: "intl",
			langs: []string{"en"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				h.deps.Requesters = h.ledger
				if c.known != "" {
					h.openTicket("ann@partner.test", c.known)
				}
				raw := letter("ann@partner.test", "one@partner.test", c.extra...)
				if c.to != "" {
					raw = strings.Replace(raw, "To: partner-us.support@example.com", "To: "+c.to, 1)
				}
				h.deliver(raw)
				h.start()
				time.Sleep(time.Second)
				answers := h.outbox()
				answer := answers[len(answers)-1]
				if answer.Kind != store.MailAutoResponse || answer.Region != c.region {
					t.Fatalf("%s of region %s, want an auto-response of %s", answer.Kind, answer.Region, c.region)
				}
				if diff := cmp.Diff(c.langs, answer.Langs); diff != "" {
					t.Errorf("languages (-want +got)\n%s", diff)
				}
			})
		})
	}
}

func (h *house) openTicket(email, language string) {
	h.t.Helper()
	_, err := h.ledger.OpenTicket(context.Background(), time.Now(), store.NewTicket{
		Region: h.box.Regions[0], Channel: store.ChannelForm,
		Requester: store.Contact{Name: "Ann", Email: email, Country: "US", Lang: language},
		Title:     "x", Body: "y", MessageID: "c.1@example.com", Link: ident.NewLink(time.Now()),
		LinkExpires: time.Now().Add(time.Hour),
	})
	h.must(err)
}

func TestTheAnswerJoinsTheThread(t *testing.T) {
	t.Parallel()
	var long []string
	for i := range 40 {
		long = append(long, fmt.Sprintf("<r%d@partner.test>", i))
	}
	for name, c := range map[string]struct {
		id, references string
		inReplyTo      string
		want           []string
	}{
		"a first mail": {id: "Message-ID: <one@partner.test>", inReplyTo: "one@partner.test",
			want: []string{"one@partner.test"}},
		"a reply": {id: "Message-ID: <two@partner.test>", references: "<one@partner.test>",
			inReplyTo: "two@partner.test", want: []string{"one@partner.test", "two@partner.test"}},
		"without Message-ID": {references: "<one@partner.test>"},
		"an unusable one":    {id: "Message-ID: <" + strings.Repeat("x", 600) + "@partner.test>"},
		"a long thread": {id: "Message-ID: <end@partner.test>", references: strings.Join(long, "\r\n "),
			inReplyTo: "end@partner.test",
			want: []string{"r0@partner.test", "r31@partner.test", "r32@partner.test", "r33@partner.test", "r34@partner.test",
				"r35@partner.test", "r36@partner.test", "r37@partner.test", "r38@partner.test", "r39@partner.test",
				"end@partner.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				var extra []string
				for _, line := range []string{c.id, prefixed("References: ", c.references)} {
					if line != "" {
						extra = append(extra, line)
					}
				}
				h.deliver(letter("ann@partner.test", "", extra...))
				h.start()
				time.Sleep(time.Second)
				h.decided(1, 1)
				answer := h.outbox()[0]
				if answer.InReplyTo != c.inReplyTo {
					t.Errorf("In-Reply-To %q, want %q", answer.InReplyTo, c.inReplyTo)
				}
				if diff := cmp.Diff(c.want, answer.References); diff != "" {
					t.Errorf("References (-want +got)\n%s", diff)
				}
				if kind, ok := h.deps.Ring.OwnMessageID(answer.MessageID); !ok || kind != store.MailAutoResponse {
					t.Errorf("Message-ID %s is not recognised as an auto-response of ours", answer.MessageID)
				}
			})
		})
	}
}

func prefixed(name, value string) string {
	if value == "" {
		return ""
	}
	return name + value
}

// Whatever references a mail brings, the answer's are few, short and clean, and
// end with the mail itself.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfN(rapid.String(), 0, 60).Draw(t, "references")
		refs := references(of, "end@partner.test")
		if len(refs) > referencesKept || refs[len(refs)-1] != "end@partner.test" {
			t.Fatalf("%d references, the last %q", len(refs), refs[len(refs)-1])
		}
		for i, ref := range refs {
			if header.UsableID(ref) != ref || slices.Contains(refs[:i], ref) {
				t.Fatalf("reference %q", ref)
			}
		}
	})
}

func TestTwoMailsWithTheSameMessageID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deliver(letter("ann@partner.test", "same@partner.test"))
		h.deliver(letter("bob@other.test", "same@partner.test"))
		h.start()
		time.Sleep(time.Second)
		h.decided(2, 2)
	})
}

func TestADomainHasABudgetAndPublicHostsHaveNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		for i := range 6 { // a machine that changes its address each time
			h.deliver(letter(fmt.Sprintf("robot%d@host%d.machine.test", i, i), fmt.Sprintf("m%d@machine.test", i)))
		}
		for i := range 6 {
			h.deliver(letter(fmt.Sprintf("person%d@gmail.com", i), fmt.Sprintf("g%d@gmail.com", i)))
		}
		h.start()
		time.Sleep(time.Second)
		h.decided(12, 9)
		if row := h.rows()[5]; !fired(row, store.RuleBudget) {
			t.Errorf("rules %v, want the budget", row.Verdict.Rules)
		}
	})
}

func TestTheBreakerAndTheSwitch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Limits = Limits{NetworkHour: -1}
		h.start()
		for i := range 40 {
			h.deliver(numbered(i))
		}
		time.Sleep(time.Second)
		h.decided(40, 30)
		state, err := h.ledger.Responder(context.Background(), time.Now())
		h.must(err)
		if state.On || !state.Tripped {
			t.Errorf("the responder is %+v, want tripped", state)
		}
		_, err = h.ledger.SwitchResponder(context.Background(), time.Now(), store.ByService(),
			store.Switch{On: true, Reason: "looked into it"})
		h.must(err)
		h.deliver(numbered(40))
		time.Sleep(time.Second)
		h.decided(41, 31)
	})
}

// A flood trips the breaker once and then, for as long as it lasts, ever more
// seldom; when it has ended people are answered again, and no person had to come.
func TestAFloodEndsAndAnswersGoOnByThemselves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.deps.Limits = Limits{NetworkHour: -1}
		h.start()
		n := 0
		for range 8 { // hours
			for range 6 {
				for range 20 {
					n++
					h.deliver(numbered(n))
				}
				time.Sleep(10 * time.Minute)
			}
		}
		time.Sleep(time.Second)
		answered := len(h.outbox())
		if answered < 3*30 || answered > 8*30 {
			t.Errorf("%d of %d mails of the flood were answered: the breaker let some pass, and then fewer and fewer", answered,
				n)
		}
		state, err := h.ledger.Responder(context.Background(), time.Now())
		h.must(err)
		time.Sleep(max(0, time.Until(state.RearmsAt)))
		h.deliver(letter("ann@partner.test", "late@partner.test"))
		time.Sleep(time.Second)
		if got := len(h.outbox()); got != answered+1 {
			t.Errorf("%d answers went out after the flood, want the one to a person", got-answered)
		}
	})
}

// A sender whose domains bounce some mail stops no other's answers.
func TestBouncesOfOneSenderStopNobodysAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.start()
		for i := range 12 {
			from := fmt.Sprintf("a%d@evil%d.test", i, i%4)
			h.deliver(strings.Replace(letter(from, fmt.Sprintf("e%d@evil.test", i)), "192.0.2.7", "203.0.113.9", 1))
		}
		time.Sleep(time.Second)
		ctx := context.Background()
		rows, err := h.ledger.ClaimOutbound(ctx, time.Now(),
			store.Claim{Limit: 100, Lease: store.Leases{time.Minute}})
		h.must(err)
		for _, row := range rows {
			h.must(h.ledger.FinishOutbound(ctx, time.Now(), store.Finish{
				ID: row.ID, Claim: row.Claim, State: store.StateFailed, Code: 550, Enhanced: "5.1.1",
				Reply: "550 5.1.1 no such user",
				Report: store.Report{Recipient: row.To, Action: "failed", Status: "5.1.1", Reason: "unknown", Hard: true,
					Outcome: store.OutcomeDead},
			}))
		}
		h.deliver(numbered(1))
		time.Sleep(time.Second)
		if got := len(h.outbox()); len(rows) < 10 || got != len(rows)+1 {
			t.Errorf("%d answers came back, then %d went out, want one", len(rows), got-len(rows))
		}
	})
}

func TestASilentMailboxIsReadButNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.box.Silent = true
		h.deliver(numbered(1))
		h.start()
		time.Sleep(time.Second)
		h.decided(1, 0)
		if row := h.rows()[0]; !fired(row, RuleSilent) || row.Verdict.Kind != store.KindDirect {
			t.Errorf("verdict %+v", row.Verdict)
		}
	})
}

// TestUnauthenticatedMail is answered only where that is wanted; its verdict says
// whether nothing vouched for it or no name server answered.
func TestUnauthenticatedMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer   bool
		resolver *names
		answers  int
		words    string
	}{
		{false, nil, 0, "authentication could not be checked"},
		{true, nil, 1, "authentication could not be checked"},
		{false, &names{}, 0, "spf=none dkim=none dmarc=none"},
	} {
		t.Run(fmt.Sprint(c.answer, c.resolver != nil), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHouse(t)
				h.connectedBefore()
				h.box.Trust, h.box.AnswerUnauthenticated = Trust{}, c.answer
				if c.resolver != nil {
					h.deps.Resolver = c.resolver
				}
				h.deliver(numbered(1))
				h.start()
				time.Sleep(time.Second)
				h.decided(1, c.answers)
				rules := h.rows()[0].Verdict.Rules
				said := func(r store.Rule) bool { return r.ID == "unauthenticated" && r.Evidence == c.words }
				if !slices.ContainsFunc(rules, said) {
					t.Errorf("no rule says %q: %v", c.words, rules)
				}
			})
		})
	}
}
