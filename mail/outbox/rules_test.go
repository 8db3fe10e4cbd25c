package outbox

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"signpost/store"
)

// Whatever goes wrong, the end of a try is one the store can act on: a row that
// is queued has an instant, after the present and before its time is out; an
// auto-response that may be out is never queued; only what is refused for good,
// or out of time, fails.
func TestEveryEndOfATryIsSound(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	begun := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	stages := []Stage{StageCompose, StageConnect, StageGreeting, StageHello, StageTLS, StageAuth, StageMail, StageRcpt,
		StageData, StageDot}
	rapid.Check(t, func(t *rapid.T) {
		row := store.Outbound{
			ID: 7, Claim: 9, QueuedAt: begun,
			Kind:     rapid.SampledFrom([]store.OutboundKind{store.MailConfirmation, store.MailAutoResponse}).Draw(t, "kind"),
			Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts"),
		}
		now := begun.Add(time.Duration(rapid.Int64Range(0, int64(8*24*time.Hour)).Draw(t, "age")))
		stage := rapid.SampledFrom(stages).Draw(t, "stage")
		fault := broken(stage, errors.New("cut"))
		if code := rapid.SampledFrom([]int{0, 421, 450, 500, 503, 530, 535, 550, 554}).Draw(t, "code"); code > 0 {
			fault = refused(stage, reply{code: code, text: "no"})
		}
		fault.judge(Parties{})
		var due time.Time
		if fault.Verdict == Hold {
			due = now.Add(time.Minute)
		}
		f := cfg.outcome(row, reply{}, fault, due, now, rapid.Float64Range(0, 1).Draw(t, "spread"))
		if f.ID != row.ID || f.Claim != row.Claim || f.Reply == "" || f.Code != fault.Code {
			t.Fatalf("%+v", f)
		}
		maybeOut := row.Kind == store.MailAutoResponse && stage == StageDot && fault.Code == 0
		if said := f.Report.Outcome != ""; said && fault.Report.Outcome == "" || f.State == store.StateHeld &&
			f.Report.Outcome == store.OutcomeDead {
			t.Fatalf("%v: %s with report %+v", fault, f.State, f.Report)
		}
		switch f.State {
		case store.StateQueued:
			if maybeOut || fault.Verdict == Fail || !f.DueAt.After(now) || f.DueAt.After(cfg.lastTry(row)) {
				t.Fatalf("%v queued for %v", fault, f.DueAt)
			}
		case store.StateHeld:
			if fault.Verdict != Hold || f.Hold != string(stage) || !f.DueAt.After(now) {
				t.Fatalf("%v held for %v at %q", fault, f.DueAt, f.Hold)
			}
		case store.StateUnknown:
			if !maybeOut {
				t.Fatalf("%v is not unknown", fault)
			}
		case store.StateFailed:
			if fault.Verdict != Fail && !now.Add(6*time.Hour).After(cfg.lastTry(row)) {
				t.Fatalf("%v failed after %v", fault, now.Sub(begun))
			}
		default:
			t.Fatalf("state %s", f.State)
		}
	})
}

func TestLeaseOutlastsTheDialogue(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	for attempt := range 100 {
		if l := cfg.lease(attempt); l < cfg.Dialogue+cfg.LeaseSlack || l < cfg.Retry[min(max(attempt, 1), len(cfg.Retry))-1] {
			t.Errorf("try %d: lease %v", attempt, l)
		}
	}
}

// What the sender puts off by its own rules is never taken for the work of a wrong
// clock.
func TestNothingWaitsLongerThanTheLongestWait(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{}, {Retry: []time.Duration{time.Hour, 9 * time.Hour, time.Minute}}, {Dialogue: 20 * time.Hour},
		{ProbeLast: 30 * time.Hour},
	} {
		longest, cfg := cfg.LongestWait(), cfg.withDefaults()
		for attempt := range 20 {
			w, l := cfg.retryAfter(attempt, 1), cfg.lease(attempt)
			if w >= longest || l >= longest || jitter(cfg.ProbeLast, 1) >= longest {
				t.Errorf("try %d waits %v, leased for %v, of at most %v", attempt, w, l, longest)
			}
		}
	}
}

// Every message comes out of a reader of RFC 5321's data as the same lines.
func TestBodySurvivesDotStuffing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[.a\x00é ]{0,5}`)).Draw(t, "lines")
		var wire bytes.Buffer
		w := bufio.NewWriter(&wire)
		if err := writeBody(w, []byte(strings.Join(append(lines, ""), "\r\n"))); err != nil {
			t.Fatal(err)
		}
		w.WriteString(".\r\nQUIT\r\n")
		w.Flush()
		r := textproto.NewReader(bufio.NewReader(&wire))
		got, err := r.ReadDotLines()
		if err != nil || strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Fatalf("%q came out as %q, %v", lines, got, err)
		}
		if rest, err := r.ReadLine(); err != nil || rest != "QUIT" {
			t.Fatalf("after the message comes %q, %v", rest, err)
		}
	})
}

func TestXtext(t *testing.T) {
	t.Parallel()
	if got := xtext("a+b=c d\x7fé@x"); got != "a+2Bb+3Dc+20d+7F+C3+A9@x" {
		t.Errorf("xtext: %s", got)
	}
	if got := unitext(`jo\sé+x@y`); got != `jo\x{5C}sé\x{2B}x@y` {
		t.Errorf("unitext: %s", got)
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		"250 2.1.0 ok\r\n", "250-a\r\n250-2.0.0 b\r\n250 c\r\n", "250\r\n", "354 go\n", "250-a\r\n451 b\r\n",
		"999 no\r\n", "250 5.1.1 other class\r\n", "25", "250-" + strings.Repeat("x", 5000) + "\r\n",
		strings.Repeat("250-x\r\n", 200), "550 5.1.1\r\n", "250 2.99999.1 x\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(wire), readerSize)
		got, err := readReply(r)
		if err != nil {
			return
		}
		if got.code < 200 || got.code > 599 {
			t.Errorf("code %d", got.code)
		}
		if len(got.text) > maxReplyLines*readerSize {
			t.Errorf("text of %d bytes", len(got.text))
		}
		if got.enhanced != "" && (int(got.enhanced[0]-'0') != got.code/100 || len(got.enhanced) > 9) {
			t.Errorf("enhanced %q with %d", got.enhanced, got.code)
		}
	})
}

func TestReplyOfSeveralLines(t *testing.T) {
	t.Parallel()
	got, err := readReply(bufio.NewReader(strings.NewReader("550-5.1.1 no such user\r\n550-5.1.1\r\n550 5.1.1 here\r\n")))
	if want := (reply{code: 550, enhanced: "5.1.1", text: "no such user\n\nhere"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if said := refused(StageRcpt, got).Error(); said != "at rcpt: 550 5.1.1 no such user here" {
		t.Error(said)
	}
}

func TestSettingsNameEveryFault(t *testing.T) {
	t.Parallel()
	bad := Config{Addr: "smtp.example.com", TLS: "ssl", Auth: "NTLM", Hello: "two words", Sessions: -1}
	err := bad.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"host:port", "tls", "auth", "hello", "sessions"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no word of %s in:\n%v", word, err)
		}
	}
	good := Config{Addr: "smtp.example.com:465", Username: "desk", Password: "secret"}
	if err := good.Validate(); err != nil {
		t.Errorf("refused: %v", err)
	}
}

// A write of any size goes out whole, and one that the peer does not read ends in time.
func TestRollingDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		conn := &rollingConn{Conn: ours, wait: time.Second}
		go func() { theirs.Read(make([]byte, 10)) }()
		n, err := conn.Write(make([]byte, 3*pieceSize))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n != 10 {
			t.Errorf("wrote %d, %v", n, err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
	})
}
