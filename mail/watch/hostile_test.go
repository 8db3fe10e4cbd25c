package watch

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"signpost/mail/header"
)

// What any sender can put into a header to make its readers spin, or swell. It runs
// by itself, since it counts what the whole process allocates.
func TestAHeaderMadeToCostTimeCostsNone(t *testing.T) {
	const (
		maxTime             = 5 * time.Second // a tenth of a second, on a machine with nothing else to do
		maxMemory           = 64 << 20
		maxHeader, maxField = header.MaxHeader, header.MaxValue
	)
	results := func(words string) string {
		line := "Authentication-Results: mx.example.com; spf=pass" + words + "a\r\n"
		return strings.Repeat(line, maxHeader/len(line))
	}
	for name, header := range map[string]string{
		"white space":      results(strings.Repeat(" \t", maxField/2-100)),
		"equals":           results(strings.Repeat(" =", maxField/2-100)),
		"quotes":           results(strings.Repeat("\";", maxField/2-100)),
		"comments":         results(strings.Repeat("(", maxField-100)),
		"many results":     results(strings.Repeat("; spf=pass", maxField/11)),
		"folds":            strings.Repeat("Subject: x\r\n"+strings.Repeat(" a\n", maxField/2), maxHeader/(3*maxField/2)),
		"hops":             strings.Repeat("Received: from mx.example.com by mx.example.com\r\n", maxHeader/49),
		"references":       strings.Repeat("References: "+strings.Repeat("<a@b> ", 2500)+"\r\n", 15),
		"tags":             "X: " + strings.Repeat("a@b+b-aaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa@c ", 6000),
		"message-ids":      strings.Repeat("Message-ID: <a@b>\r\n>", maxHeader/20),
		"soft line breaks": "X: " + strings.Repeat("=\r\n", maxHeader/3),
	} {
		raw := []byte("Received: from mail.partner.test by mx.example.com with ESMTP; Mon, 2 Nov 2026 10:00:00 +0000\r\n" +
			header + "\r\n\r\nHello\r\n")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		Trust{Hosts: []string{"mx.example.com"}}.stated(fields(raw))
		describe(raw)
		claims(unbroken(raw), nil)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if memory := after.TotalAlloc - before.TotalAlloc; took > maxTime || memory > maxMemory {
			t.Errorf("%s: %d bytes took %v and %d MB", name, len(raw), took, memory>>20)
		}
	}
}

// A mail that is made to keep the verifier of signatures busy is not verified, or
// not to its end.
func TestASignatureMadeToCostTimeCostsLittle(t *testing.T) {
	const signature = "DKIM-Signature: v=1; a=ed25519-sha256; d=partner.test; s=s; h=from; bh=aaaa; b=aaaa\r\n"
	for name, header := range map[string]string{
		"folds":        signature + "X: x\r\n" + strings.Repeat(" a\r\n", 40_000),
		"fields":       signature + strings.Repeat("a:b\r\n", 40_000),
		"signed names": strings.Replace(signature, "from", "from"+strings.Repeat(":q", 30_000), 1),
		"no end":       signature + "X: x\r\n" + strings.Repeat(" \r\r\n", 500),
	} {
		if modest([]byte(header)) || modest([]byte(header+"\r\nHello\r\n")) && name != "no end" {
			t.Errorf("%s: verified", name)
		}
	}
	if !modest([]byte(signature+"From: ann@partner.test\nTo: us\n\nHello")) || !modest([]byte("\r\n")) || modest(nil) {
		t.Error("an honest header is not verified")
	}
	w := New(Mailbox{}, Deps{Resolver: &names{txt: map[string]string{
		"s._domainkey.partner.test": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
	}}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	raw := []byte(signature + "From: ann@partner.test\r\n\r\n" + strings.Repeat("\n", 20<<20))
	if domains, _ := w.verify(ctx, open{head: raw, whole: true}); len(domains) > 0 || time.Since(began) > verifyLimit {
		t.Errorf("a text of empty lines took %v, and %v signed it", time.Since(began), domains)
	}
}
