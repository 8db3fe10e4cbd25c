package watch

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// What anybody can put into a header to make its readers spin, or swell. It runs
// by itself, since it counts what the whole process allocates.
func TestAHeaderMadeToCostTimeCostsNone(t *testing.T) {
	const (
		timeMost   = 5 * time.Second // a tenth of a second, on a machine with nothing else to do
		memoryMost = 64 << 20
	)
	results := func(words string) string {
		line := "Authentication-Results: mx.example.com; spf=pass" + words + "a\r\n"
		return strings.Repeat(line, headerMost/len(line))
	}
	for name, header := range map[string]string{
		"white space":      results(strings.Repeat(" \t", fieldMost/2-100)),
		"equals":           results(strings.Repeat(" =", fieldMost/2-100)),
		"quotes":           results(strings.Repeat("\";", fieldMost/2-100)),
		"comments":         results(strings.Repeat("(", fieldMost-100)),
		"many results":     results(strings.Repeat("; spf=pass", fieldMost/11)),
		"folds":            strings.Repeat("Subject: x\r\n"+strings.Repeat(" a\n", fieldMost/2), headerMost/(3*fieldMost/2)),
		"hops":             strings.Repeat("Received: from mx.example.com by mx.example.com\r\n", headerMost/49),
		"references":       strings.Repeat("References: "+strings.Repeat("<a@b> ", 2500)+"\r\n", 15),
		"tags":             "X: " + strings.Repeat("a@b+b-aaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa@c ", 6000),
		"message-ids":      strings.Repeat("Message-ID: <a@b>\r\n>", headerMost/20),
		"soft line breaks": "X: " + strings.Repeat("=\r\n", headerMost/3),
	} {
		raw := []byte("Received: from mail.partner.test by mx.example.com with ESMTP; Mon, 2 Nov 2026 10:00:00 +0000\r\n" + header + "\r\n\r\nHello\r\n")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		read, trusted := fields(raw), []string{"mx.example.com"}
		stated(read, trusted)
		network(read, trusted)
		describe(raw)
		claims(unbroken(raw), nil)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if memory := after.TotalAlloc - before.TotalAlloc; took > timeMost || memory > memoryMost {
			t.Errorf("%s: %d bytes took %v and %d MB", name, len(raw), took, memory>>20)
		}
	}
}
