package guard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signpost/intake/guard"
	"signpost/store/ident"
)

var (
	noon      = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	secret    = []byte(strings.Repeat("a secret ", 4))
	newSecret = []byte(strings.Repeat("another! ", 4))
)

func TestANetworkMayPostSoManyTimesAnHour(t *testing.T) {
	t.Parallel()
	l := guard.NewLimiter(6, time.Hour)
	for i := range 6 {
		if ok, _ := l.Allow("192.0.2.1", noon); !ok {
			t.Fatalf("post %d refused", i+1)
		}
	}
	if ok, wait := l.Allow("192.0.2.1", noon); ok || wait != 10*time.Minute {
		t.Errorf("seventh: %v, retry after %v", ok, wait)
	}
	if ok, _ := l.Allow("192.0.2.2", noon); !ok {
		t.Error("a neighbour was refused")
	}
	if ok, wait := l.Allow("192.0.2.1", noon.Add(9*time.Minute)); ok || wait != time.Minute {
		t.Errorf("nine minutes on: %v, retry after %v", ok, wait)
	}
	if ok, _ := l.Allow("192.0.2.1", noon.Add(10*time.Minute)); !ok {
		t.Error("refused at the time it was told to come back")
	}
	for i := range 6 {
		if ok, _ := l.Allow("192.0.2.1", noon.Add(3*time.Hour)); !ok {
			t.Errorf("after a quiet window, post %d refused", i+1)
		}
	}
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	for _, l := range []*guard.Limiter{
		guard.NewLimiter(0, time.Hour), guard.NewLimiter(5, 0), guard.NewLimiter(-1, time.Hour),
	} {
		for range 100 {
			if ok, _ := l.Allow("x", noon); !ok {
				t.Fatal("refused")
			}
		}
	}
}

func TestAClockSetBackLocksNobodyOut(t *testing.T) {
	t.Parallel()
	l := guard.NewLimiter(1, time.Hour)
	l.Allow("x", noon.AddDate(1, 0, 0))
	if ok, wait := l.Allow("x", noon); !ok {
		t.Errorf("refused for %v", wait)
	}
	if ok, wait := l.Allow("x", noon); ok || wait != time.Hour {
		t.Errorf("and then not limited: %v", wait)
	}
}

// A sender with a million networks cannot make the limiter grow without end, nor
// forget whom it is refusing.
func TestALimiterForgetsThoseItNeedsLeast(t *testing.T) {
	t.Parallel()
	l := guard.NewLimiter(100, time.Hour)
	busy := func(n int) string { return "busy " + strconv.Itoa(n) }
	for n := range 50 {
		for range 100 {
			l.Allow(busy(n), noon)
		}
	}
	for i := range 200_000 {
		l.Allow(strconv.Itoa(i), noon)
	}
	forgotten := 0
	for n := range 50 {
		if ok, _ := l.Allow(busy(n), noon); ok {
			forgotten++
		}
	}
	if forgotten > 2 {
		t.Errorf("%d of 50 refused keys were forgotten", forgotten)
	}
}

// However a key's posts fall, no window holds more than twice the limit (a
// window's worth saved up, and a window's worth of turns), a wait is exact, and
// a refusal costs nothing.
func TestLimitsHoldForAnyTraffic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 10).Draw(t, "limit")
		l := guard.NewLimiter(limit, time.Minute)
		now, passed := noon, []time.Time{}
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 20_000), 1, 100).Draw(t, "gaps") {
			now = now.Add(time.Duration(gap) * time.Millisecond)
			ok, wait := l.Allow("x", now)
			if ok {
				passed = append(passed, now)
				continue
			}
			if early, left := l.Allow("x", now.Add(wait-1)); early || left != 1 {
				t.Fatalf("told to wait %v, a nanosecond earlier it was %v, %v", wait, early, left)
			}
		}
		for i := range passed {
			if last := i + 2*limit; last < len(passed) && passed[last].Sub(passed[i]) < time.Minute {
				t.Fatalf("more than %d passed within a minute", 2*limit)
			}
		}
	})
}

// TestManyAddressesOfOneNetworkShareItsTurns: who has a /48 has 65,536 networks of
// /64, and must not have as many allowances.
func TestManyAddressesOfOneNetworkShareItsTurns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		addr func(n int) string
		want int // of 10,000 posts, at 10 for the smallest network
	}{
		"one address":        {func(int) string { return "192.0.2.17" }, 10},
		"a /24":              {func(n int) string { return fmt.Sprintf("192.0.2.%d", n%256) }, 40},
		"one /64":            {func(n int) string { return fmt.Sprintf("2001:db8:1:2::%x", n) }, 10},
		"a /56":              {func(n int) string { return fmt.Sprintf("2001:db8:1:%x::1", n%256) }, 20},
		"a /48":              {func(n int) string { return fmt.Sprintf("2001:db8:1:%x::1", n) }, 40},
		"IPv4 within IPv6":   {func(n int) string { return []string{"192.0.2.17", "::ffff:192.0.2.17"}[n%2] }, 10},
		"with a zone":        {func(n int) string { return fmt.Sprintf("fe80::1%%eth%d", n) }, 10},
		"of unknown address": {func(int) string { return "" }, 10},
	} {
		l, passed := guard.NewLimiter(10, time.Hour), 0
		for n := range 10_000 {
			addr, _ := netip.ParseAddr(tt.addr(n))
			if ok, _ := l.AllowNetworks(addr, "", noon); ok {
				passed++
			}
		}
		if passed != tt.want {
			t.Errorf("%s: %d passed, want %d", name, passed, tt.want)
		}
		if ok, _ := l.AllowNetworks(netip.MustParseAddr("198.51.100.1"), "", noon); !ok {
			t.Errorf("%s: a stranger is refused", name)
		}
	}
}

func TestARefusalOfOneNetworkTakesNoTurnOfAnother(t *testing.T) {
	t.Parallel()
	l := guard.NewLimiter(4, time.Hour)
	spent, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 4 {
		l.AllowNetworks(spent, "", noon)
	}
	for range 100 { // refused by the address; the /24 is charged 4 of its 16
		if ok, wait := l.AllowNetworks(spent, "", noon); ok || wait != 15*time.Minute {
			t.Fatalf("allowed %v, to wait %v", ok, wait)
		}
	}
	for i := range 4 {
		if ok, _ := l.AllowNetworks(other, "", noon); !ok {
			t.Errorf("post %d of another address in the /24 is refused", i)
		}
	}
	l.ReturnNetworks(spent, "", noon)
	if ok, _ := l.AllowNetworks(spent, "", noon); !ok {
		t.Error("a turn given back is not there")
	}
	if ok, _ := l.AllowNetworks(spent, "ana@partner.example", noon); !ok {
		t.Error("what one key does counts together with all the rest")
	}
}

func ring(t testing.TB, secrets ...[]byte) *ident.Ring {
	t.Helper()
	r, err := ident.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func opened(t testing.TB, secrets ...[]byte) *guard.Opened {
	t.Helper()
	return guard.NewOpened(ring(t, secrets...), 3*time.Second, 24*time.Hour)
}

func TestAFormIsNotFilledInWithinASecond(t *testing.T) {
	t.Parallel()
	o := opened(t, secret)
	token := o.Token(noon)
	var fast *guard.TooFastError
	if err := o.Check(token, noon.Add(time.Second)); !errors.As(err, &fast) || fast.Wait != 2*time.Second {
		t.Errorf("after a second: %v", err)
	}
	for _, later := range []time.Duration{3 * time.Second, time.Hour, 24 * time.Hour, 3 * time.Second} {
		if err := o.Check(token, noon.Add(later)); err != nil {
			t.Errorf("after %v: %v", later, err)
		}
	}
	if err := o.Check(token, noon.Add(24*time.Hour+time.Millisecond)); !errors.Is(err, guard.ErrExpired) {
		t.Errorf("the next day: %v", err)
	}
	if err := o.Check(token, noon.Add(-time.Hour)); err != nil {
		t.Errorf("the clock was set back: %v", err)
	}
}

func TestAFormTokenCannotBeMade(t *testing.T) {
	t.Parallel()
	o := opened(t, secret)
	token := o.Token(noon)
	earlier := o.Token(noon.Add(-time.Minute))
	for name, forged := range map[string]string{
		"empty": "", "cut": token[:len(token)-1], "longer": token + "A", "padded": token + "=",
		"another time":    token[:len(token)-10] + earlier[len(earlier)-10:],
		"another secret":  opened(t, newSecret).Token(noon),
		"another purpose": ring(t, secret).Sign("something-else", []byte("1")),
		"huge":            strings.Repeat("a", 1<<20),
	} {
		if err := o.Check(forged, noon.Add(time.Minute)); !errors.Is(err, guard.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecretIsChangedWithoutBreakingOpenForms(t *testing.T) {
	t.Parallel()
	before, after := opened(t, secret), opened(t, newSecret, secret)
	later := noon.Add(time.Minute)
	if err := after.Check(before.Token(noon), later); err != nil {
		t.Errorf("a form opened before: %v", err)
	}
	if err := before.Check(after.Token(noon), later); !errors.Is(err, guard.ErrForged) {
		t.Errorf("signed with the old secret still: %v", err)
	}
}

func work(t testing.TB, difficulty int) *guard.Work {
	t.Helper()
	w, err := guard.NewWork(ring(t, secret), difficulty, 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// solve is the algorithm of the package comment, as a browser would follow it.
func solve(t testing.TB, challenge string) string {
	t.Helper()
	parts := strings.Split(challenge, ".")
	if len(parts) != 5 {
		t.Fatalf("challenge %q", challenge)
	}
	difficulty, err := strconv.Atoi(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	head := strings.Join(parts[:3], ".") + "."
	for n := range difficulty {
		sum := sha256.Sum256([]byte(head + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == parts[3] {
			return challenge + "." + strconv.Itoa(n)
		}
	}
	t.Fatalf("no number solves %q", challenge)
	return ""
}

func TestABrowserDoesItsWork(t *testing.T) {
	t.Parallel()
	w := work(t, 2000)
	answer := solve(t, w.Challenge(noon))
	for range 2 { // the same post again, since its connection broke
		if err := w.Verify(answer, "post-1", noon.Add(time.Minute)); err != nil {
			t.Errorf("solved: %v", err)
		}
	}
	for _, use := range []string{"post-2", ""} {
		if err := w.Verify(answer, use, noon.Add(time.Minute)); !errors.Is(err, guard.ErrSpent) {
			t.Errorf("used again for %q: %v", use, err)
		}
	}
	once := solve(t, w.Challenge(noon))
	if err := w.Verify(once, "", noon); err != nil {
		t.Error(err)
	}
	if err := w.Verify(once, "", noon); !errors.Is(err, guard.ErrSpent) {
		t.Errorf("twice without a use: %v", err)
	}
	late := noon.Add(10*time.Minute + time.Second)
	if err := w.Verify(solve(t, w.Challenge(noon)), "post-1", late); !errors.Is(err, guard.ErrExpired) {
		t.Errorf("late: %v", err)
	}
}

func TestWorkCannotBeAvoided(t *testing.T) {
	t.Parallel()
	w := work(t, 2000)
	challenge := w.Challenge(noon)
	answer := solve(t, challenge)
	parts := strings.Split(answer, ".")
	with := func(i int, value string) string {
		changed := append([]string{}, parts...)
		changed[i] = value
		return strings.Join(changed, ".")
	}
	easy := work(t, 1).Challenge(noon)
	foreign, err := guard.NewWork(ring(t, newSecret), 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts[:3], ".") + ".0"))
	for name, tt := range map[string]struct {
		answer string
		want   error
	}{
		"nothing":              {"", guard.ErrForged},
		"the challenge alone":  {challenge, guard.ErrForged},
		"no number":            {challenge + ".", guard.ErrUnsolved},
		"a wrong number":       {with(5, parts[5]+"0"), guard.ErrUnsolved},
		"a number in disguise": {with(5, "0"+parts[5]), guard.ErrUnsolved},
		"a later expiry":       {with(0, "9"+parts[0]), guard.ErrForged},
		"an easier challenge":  {with(1, "1"), guard.ErrForged},
		"a fresh salt":         {with(2, parts[2]+"A"), guard.ErrForged},
		"a digest of its own":  {with(3, hex.EncodeToString(sum[:])), guard.ErrForged},
		"another server's":     {solve(t, foreign.Challenge(noon)), guard.ErrForged},
		"the work of another":  {with(4, easy[strings.LastIndexByte(easy, '.')+1:]), guard.ErrForged},
		"huge":                 {strings.Repeat("9", 1<<20) + answer, guard.ErrForged},
	} {
		if err := w.Verify(tt.answer, "x", noon); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// Made by this very server with its switch at one hash: good, as it said so.
	if err := w.Verify(solve(t, easy), "x", noon); err != nil {
		t.Errorf("asked for less before a restart: %v", err)
	}
	if err := w.Verify(answer, "x", noon); err != nil {
		t.Errorf("after all the forgeries: %v", err)
	}
}

func TestOneAnswerServesOneOfManyPosts(t *testing.T) {
	t.Parallel()
	w := work(t, 500)
	answer := solve(t, w.Challenge(noon))
	var taken atomic.Int32
	var posts sync.WaitGroup
	for i := range 50 {
		posts.Go(func() {
			if w.Verify(answer, fmt.Sprint(i), noon) == nil {
				taken.Add(1)
			}
		})
	}
	posts.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("taken %d times", n)
	}
}

func TestTheSwitchIsOffByDefault(t *testing.T) {
	t.Parallel()
	w, err := guard.NewWork(nil, 0, 0)
	if err != nil || w.Challenge(noon) != "" || w.Verify("", "", noon) != nil {
		t.Errorf("%v, %q, %v", err, w.Challenge(noon), w.Verify("", "", noon))
	}
	for _, difficulty := range []int{-1, 1 << 40} {
		if _, err := guard.NewWork(ring(t, secret), difficulty, time.Minute); err == nil {
			t.Errorf("difficulty %d was taken", difficulty)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	w := work(b, 1000)
	answer := solve(b, w.Challenge(noon))
	for b.Loop() {
		if err := w.Verify(answer, "x", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAllow(b *testing.B) {
	l := guard.NewLimiter(1, time.Hour)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Allow(strconv.Itoa(i), noon) // always a new key: the dearest case
	}
}
