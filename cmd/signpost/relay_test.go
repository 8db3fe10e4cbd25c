package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/cmd/signpost/metrics"
	"signpost/mail/outbox"
	"signpost/sla"
	"signpost/store"
	"signpost/store/datafile"
)

// refusingRelay takes mail, but for a reply to RCPT that it gives while it has one.
type refusingRelay struct {
	refusal atomic.Pointer[string]
	taken   atomic.Int64
}

func (r *refusingRelay) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go r.serve(theirs)
	return ours, nil
}

func (r *refusingRelay) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { io.WriteString(conn, line+"\r\n") }
	say("220 relay.example ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch refusal := r.refusal.Load(); {
		case verb == "RCPT" && refusal != nil:
			say(*refusal)
		case verb == "DATA":
			say("354 go on")
			for line != ".\r\n" && err == nil {
				line, err = in.ReadString('\n')
			}
			r.taken.Add(1)
			say("250 2.0.0 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// refusedTicket is a ticket of a requester in a domain of its own.
func refusedTicket(i int, now time.Time) store.NewTicket {
	return store.NewTicket{
		Region:    store.Region{ID: "us", Prefix: "US", Address: "support@desk.example", Languages: []string{"en"}},
		Requester: store.Contact{Email: fmt.Sprintf("p%d@d%d.example", i, i), Lang: "en"}, Channel: store.ChannelForm,
		Body:    "help",
		Promise: store.Promise{FirstResponseBy: now.Add(30 * time.Minute), ResolutionBy: now.Add(48 * time.Hour)},
		Link:    store.LinkID{1, byte(i)}, LinkExpires: now.Add(240 * time.Hour),
		MessageID: fmt.Sprintf("c%d@desk.example", i),
	}
}

// A relay that refuses everything with "sender not allowed" for an hour, then heals:
// every confirmation arrives with a date that lies ahead, no address is suppressed,
// and the service calls once.
func TestAnHourOfSenderNotAllowed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "desk.db")
	synctest.Test(t, func(t *testing.T) { anHourRefused(t, path) })
}

func anHourRefused(t *testing.T, path string) {
	db, err := datafile.Open(path, datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	relay := &refusingRelay{}
	words := "550 Sender address is not allowed."
	relay.refusal.Store(&words)
	policy, err := sla.NewPolicy([]store.Region{{
		ID: "us", Zone: "UTC", Hours: "Mon-Sun 00:00-24:00", FirstResponse: 30 * time.Minute, Resolution: 48 * time.Hour,
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := &App{db: db, log: quietLog(), metrics: metrics.New(), policy: policy}
	late := 0
	compose := a.renewing(func(_ context.Context, row store.Outbound) (outbox.Message, error) {
		if !row.Promise.FirstResponseBy.After(time.Now()) {
			late++
		}
		return outbox.Message{From: row.From, To: row.To, Bytes: []byte("Subject: x\r\n\r\nx\r\n")}, nil
	})
	a.sender = outbox.New(outbox.Config{Addr: "127.0.0.1:25", TLS: outbox.TLSNone, Hello: "desk.example",
		Dial: relay.dial}, db, compose, a.log, outbox.Observer{})
	var told []string
	subject := alarm.Subject{Store: db, Sender: a.sender}
	alarms := alarm.New(alarm.Deps{
		Source: subject.Troubles, Book: db, Repeat: 4 * time.Hour, Log: a.log,
		Standing: a.metrics.AlarmsStanding, Noticed: a.metrics.Noticed,
		Tell: func(_ context.Context, n alarm.Notice) error {
			told = append(told, n.State+" "+n.Alarm)
			if n.State == "raised" && (!strings.Contains(n.Text, words) ||
				!strings.Contains(n.Do, "Allow every region's address")) {
				t.Errorf("the alarm says %q, %q", n.Text, n.Do)
			}
			return nil
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- a.sender.Run(ctx) }()
	go func() { ended <- alarms.Run(ctx) }()
	const mails = 60
	for i := range mails {
		if _, err := db.OpenTicket(ctx, time.Now(), refusedTicket(i, time.Now())); err != nil {
			t.Fatal(err)
		}
		a.sender.Kick()
		time.Sleep(time.Minute)
	}
	page := httptest.NewRecorder()
	a.metrics.WatchHolds(a.sender.Holds)
	a.metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`signpost_outbox_holds{scope="all"} 1`, `signpost_outbox_holds{scope="domain"} 0`} {
		if !strings.Contains(page.Body.String(), line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	relay.refusal.Store(nil)
	time.Sleep(20 * time.Minute)
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Outbounds[store.StateSent] != mails || relay.taken.Load() != mails || late > 0 {
		t.Errorf("%v sent, the relay took %d, %d composed with a date that passed; %v", stats.Outbounds, relay.taken.Load(),
			late, err)
	}
	held, err := store.Items(db.Suppressions(t.Context(), time.Now(), store.Page{Limit: 99}))
	if len(held) > 0 || err != nil {
		t.Errorf("suppressed: %+v, %v", held, err)
	}
	if !slices.Equal(told, []string{"raised held", "over held"}) {
		t.Errorf("told: %v", told)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	db.Close()
	time.Sleep(time.Hour)
}

// classify --relay-reply gives one line for each, in order, and names what it cannot
// read.
func TestClassifyRelayReplies(t *testing.T) {
	t.Parallel()
	judge := func(in string) (string, int) {
		var out, errs bytes.Buffer
		code := run(&environment{args: []string{"classify", "--relay-reply", "-"}, stdin: strings.NewReader(in), stdout: &out,
			stderr: &errs})
		return out.String() + errs.String(), code
	}
	got, code := judge(strings.Join([]string{
		`{"at":"rcpt","reply":["550-5.1.1 The email account that you tried to reach","550 5.1.1 does not exist"]}`,
		`{"at":"mail","reply":["550 5.1.1 user unknown"]}`,
		``,
		`{"at":"dot","reply":["550-5.7.26 blocked, the sender is unauthenticated.","550 5.7.26 SPF or DKIM is required"]}`,
		`{"at":"data","reply":["452 4.4.5 too many messages in this session"]}`,
		``,
	}, "\n"))
	want := `{"verdict":"fail","outcome":"dead"}
{"verdict":"hold","outcome":"none"}
{"verdict":"hold","outcome":"refused"}
{"verdict":"retry","outcome":"none"}
`
	if got != want || code != 0 {
		t.Errorf("%d, %s", code, got)
	}
	for in, fault := range map[string]string{"{\"at\":\"noon\",\"reply\":[]}": "mail, rcpt, data or dot",
		"\n550 no": "line 2"} {
		if got, code := judge(in); code == 0 || !strings.Contains(got, fault) {
			t.Errorf("%q: %d, %s", in, code, got)
		}
	}
}
