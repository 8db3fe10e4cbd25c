package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAGroupInFrontOfAMailboxRaisesAnAlarm: what came before a restart counts too.
func TestAGroupInFrontOfAMailboxRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for i := range 10 { // the fewest of which it is told
		from := fmt.Sprintf("ann@partner%d.test", i)
		if err := d.host.Deliver(from, []string{supportAddress},
			plainMail(from, "Order", "Precedence: list", "Mailing-list: list "+supportAddress)); err != nil {
			t.Fatal(err)
		}
	}
	d.awaitLedger(t, 10)
	if err := d.app.subject.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := told(t, d.app, time.Now(), "front/")
	if len(list) != 1 || !strings.HasPrefix(list[0].Key, "front/") ||
		!strings.Contains(list[0].Do, "make it the mailbox itself") {
		t.Errorf("told of %+v", list)
	}
}
