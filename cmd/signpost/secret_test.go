package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A service whose secret is changed refuses no link and ends no session; one whose secret is
// revoked ends both at once.
func TestTheSecretOfARunningServiceIsChanged(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	data := d.app.cfg.Service.Data
	k := opens(t, d.app, "partner@example.net", time.Now())
	page := d.url() + "/t/" + d.app.ring.LinkToken(k.Ticket.Link)
	status := func() int {
		resp, err := http.Get(page)
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	admin, _, _ := signIn(t, d.url(), "admin@example.com", demoPassword)
	signedIn := func() bool {
		resp, err := admin.Get(d.url() + "/ops/audit")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return strings.HasSuffix(resp.Request.URL.Path, "/ops/audit")
	}
	var refused, asked atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			asked.Add(1)
			if status() != http.StatusOK {
				refused.Add(1)
			}
		}
	}()
	said := ""
	for range 3 {
		code, out, errs := typed(t, nil, "secret", "rotate", "--demo", data)
		if said = out; code != 0 {
			t.Fatalf("rotate: %d %s", code, errs)
		}
	}
	close(stop)
	<-stopped
	if refused.Load() > 0 || asked.Load() == 0 {
		t.Errorf("%d of %d calls of the page were refused", refused.Load(), asked.Load())
	}
	if strings.Count(said, "links and mail need it until") != 3 || !signedIn() {
		t.Errorf("after three changes, signed in %v:\n%s", signedIn(), said)
	}
	if code, out, _ := typed(t, nil, "secret", "drop", "--demo", data); code != 0 || !strings.Contains(out, "Dropped 0.") {
		t.Errorf("drop: %d %s", code, out)
	}
	code, out, errs := typed(t, nil, "secret", "rotate", "--revoke", "--demo", data)
	if code != 0 || !strings.Contains(out, "links mailed before open nothing") {
		t.Fatalf("revoke: %d %s%s", code, out, errs)
	}
	if got := status(); got == http.StatusOK || signedIn() {
		t.Errorf("after the revocation the old link is answered with %d, signed in %v", got, signedIn())
	}
	if code, out, errs := typed(t, nil, "audit", "verify", "--demo", data); code != 0 {
		t.Errorf("verify: %d %s%s", code, out, errs)
	}
	export := func() string { _, out, _ := typed(t, nil, "audit", "export", "--demo", data); return out }()
	for _, event := range []string{"secret_rotated", "secret_revoked"} {
		if !strings.Contains(export, event) {
			t.Errorf("the audit log does not tell of %s", event)
		}
	}
}
