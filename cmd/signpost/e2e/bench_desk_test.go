//go:build bench

package e2e

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"signpost/cmd/signpost/e2e/figure"
)

const (
	// fewTickets is the file that the full one is compared with: all of them wait.
	fewTickets = 10_000
	// ticketsADay leaves some 20,000 tickets unsolved, as lives take days.
	ticketsADay = 7000
	// deskStreams is how many pages are open, with their streams of live events.
	deskStreams = 50
	// longThread is how many entries a long ticket has, longestThread the longest.
	longThread, longestThread = 300, 5000
	// repliers is how many agents reply at the same time.
	repliers = 16
)

// deskLists are pages of the desk: unsolved tickets with filters that find many, few and
// none, and solved ones.
var deskLists = []string{
	"", "view=unassigned", "region=us&priority=normal", "q=invoice", "q=wombat+example", "tag=vip", "view=solved&tag=vip",
}

// TestBenchDesk: what agents wait for in a full file, most of which is solved.
// SIGNPOST_BENCH_TICKETS sets another size.
func TestBenchDesk(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SIGNPOST_BENCH_TICKETS"), strconv.Itoa(figure.Size(300_000, 30_000))))
	if err != nil {
		t.Fatal(err)
	}
	h := refusing(t)
	few, full := emptyService(t, h), emptyService(t, h)
	generated(t, few, fewTickets, "--chars", "300")
	few.addAgents(t, "10s")
	full.addAgents(t, "10s") // before the tickets, so that they are answered
	generated(t, full, n, "--chars", "300", "--days", strconv.Itoa(max(30, n/ticketsADay)))
	small, large := measure(t, few), measure(t, full)
	name := fmt.Sprintf("%d tickets", n)
	lists(t, small, large, name)

	agent := large.colleague(t, agentEmail)
	number := large.open(t, "long@example.net", "US")
	for _, entries := range []uint32{longThread, longestThread} {
		agent.writesNotes(t, number, entries)
		large.thread(t, agent, number, fmt.Sprintf("page of a ticket with %d entries, p99, %s", entries, name))
	}
	agent.replies(t, name)
	crowdReplies(t, large, name)

	most := mostAnonymous(t, large.cmd.Process.Pid, func() { follow(t, large, number) })
	figure.Figure{Name: fmt.Sprintf("anonymous memory with %d streams of events, %s", deskStreams, name), Unit: " MiB",
		Aim: "<= 96", Pairs: []float64{most}}.Print()
}

// thread measures the page of a ticket.
func (m *measured) thread(t *testing.T, agent *colleague, number, name string) {
	t.Helper()
	var p50, p99 []float64
	n := figure.Size(100, 20)
	used := m.processor(t, figure.Pairs*n, func() {
		p50, p99 = figure.Rounds(n, figure.AtRest, func(int) { agent.page(t, "/desk/tickets/"+number) })
	})
	figure.Figure{Name: name, Unit: " ms", Aim: "<= 20", Pairs: p99,
		Note: fmt.Sprintf("p50 %s ms, %s ms of the processor", figure.Digits(figure.Median(p50)),
			figure.Digits(used))}.Print()
}

// processor is the processor time in ms that the service took for each of n operations.
func (m *measured) processor(t *testing.T, n int, work func()) float64 {
	t.Helper()
	before := m.ticks(t)
	work()
	return (m.ticks(t) - before) * 10 / float64(n)
}

// ticks is the processor time that the service has used, in hundredths of a second
// (proc_pid_stat(5), utime and stime).
func (m *measured) ticks(t *testing.T) float64 {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(behind)
	user, err := strconv.ParseFloat(fields[11], 64)
	system, other := strconv.ParseFloat(fields[12], 64)
	if err != nil || other != nil {
		t.Fatalf("the processor time of the service: %q", stat)
	}
	return user + system
}

// lists takes the pages of lists in turns, of the small file and the large one.
func lists(t *testing.T, small, large *measured, name string) {
	t.Helper()
	a, b := small.colleague(t, agentEmail), large.colleague(t, agentEmail)
	unsolved := b.list(t, "limit=1").Counts
	var middle, slow []float64
	ratios := make([][]float64, len(deskLists)) // of each list, pair by pair
	rounds := figure.Size(40, 10)
	before := large.ticks(t)
	for range figure.Pairs {
		var all []float64
		for i, list := range deskLists {
			smallTook, largeTook := []float64{}, []float64{}
			for range rounds {
				smallTook = append(smallTook, a.page(t, "/desk/tickets?"+list))
				largeTook = append(largeTook, b.page(t, "/desk/tickets?"+list))
			}
			ratios[i] = append(ratios[i], figure.Median(largeTook)/figure.Median(smallTook))
			all = append(all, largeTook...)
		}
		middle, slow = append(middle, figure.Median(all)), append(slow, figure.Quantile(all, 0.99))
	}
	used := (large.ticks(t) - before) * 10 / float64(figure.Pairs*rounds*len(deskLists))
	figure.Figure{Name: "page of a list with filters and counts, p99, " + name, Unit: " ms", Aim: "<= 20", Pairs: slow,
		Note: fmt.Sprintf("p50 %s ms, %s ms of the processor; %v", figure.Digits(figure.Median(middle)),
			figure.Digits(used), unsolved)}.Print()
	var each []float64
	note := ""
	for i, list := range deskLists {
		each = append(each, figure.Median(ratios[i]))
		note += fmt.Sprintf(" ?%s %s", list, figure.Digits(figure.Median(ratios[i])))
	}
	figure.Figure{Name: fmt.Sprintf("the same, p50, %s / %d, all unsolved", name, fewTickets), Aim: "<= 1.2",
		Pairs: []float64{figure.Median(each)}, Note: "list by list:" + note}.Print()
}

// page is how long a page takes, to its last byte, in ms.
func (c *colleague) page(t *testing.T, path string) float64 {
	t.Helper()
	began := time.Now()
	resp, err := c.client.Get(c.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", path, resp.Status, err)
	}
	return float64(time.Since(began).Microseconds()) / 1000
}

// writesNotes fills a thread up to so many entries.
func (c *colleague) writesNotes(t *testing.T, number string, entries uint32) {
	t.Helper()
	for seq := c.ticket(t, number).Version; seq < entries; {
		form := url.Values{"body": {fmt.Sprintf("Looked at **order %d** again.\n\n- it is paid\n- it has not left", seq)},
			"version": {fmt.Sprint(seq)}}
		w, status, err := c.act(t.Context(), number, "note", form)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("a note is answered %d %+v %v", status, w, err)
		}
		seq = w.Seq
	}
}

// reply answers a ticket over the version just read, and returns how long that took, in ms.
func (c *colleague) reply(t *testing.T, number string) float64 {
	t.Helper()
	form := url.Values{"body": {"Thank you, we have mended it."}, "then": {"pending"},
		"version": {fmt.Sprint(c.ticket(t, number).Version)}}
	began := time.Now()
	w, status, err := c.act(t.Context(), number, "reply", form)
	took := float64(time.Since(began).Microseconds()) / 1000
	if err != nil || status != http.StatusCreated {
		t.Errorf("a reply to %s is answered %d %+v %v", number, status, w, err)
	}
	return took
}

// replies answers tickets that wait, one after the other.
func (c *colleague) replies(t *testing.T, name string) {
	t.Helper()
	var p50, p99 []float64
	waiting := c.list(t, "view=unassigned&limit=200").Items
	for round := range figure.Pairs {
		var took []float64
		for i := range figure.Size(100, 20) {
			took = append(took, c.reply(t, waiting[(round*figure.Size(100, 20)+i)%len(waiting)].Number))
		}
		p50, p99 = append(p50, figure.Quantile(took, 0.5)), append(p99, figure.Quantile(took, 0.99))
	}
	figure.Figure{Name: "a reply, committed, p99, " + name, Unit: " ms", Aim: "<= 10", Pairs: p99,
		Note: fmt.Sprintf("p50 %s ms", figure.Digits(figure.Median(p50)))}.Print()
}

// crowdReplies has many agents reply at the same time, each to tickets of their own.
func crowdReplies(t *testing.T, m *measured, name string) {
	t.Helper()
	agents := []*colleague{m.colleague(t, agentEmail), m.colleague(t, otherEmail)}
	waiting := agents[0].list(t, "view=unassigned&limit=200").Items // whose addresses work
	var p50, p99 []float64
	var used float64
	each := figure.Size(25, 5)
	for range figure.Pairs {
		took := make([][]float64, repliers)
		used += m.processor(t, figure.Pairs*repliers*each, func() {
			var crowd sync.WaitGroup
			for i := range repliers {
				crowd.Go(func() {
					for n := range each {
						took[i] = append(took[i], agents[i%2].reply(t, waiting[(n*repliers+i)%(len(waiting)/repliers*repliers)].Number))
					}
				})
			}
			crowd.Wait()
		})
		all := slices.Concat(took...)
		p50, p99 = append(p50, figure.Median(all)), append(p99, figure.Quantile(all, 0.99))
	}
	figure.Figure{Name: fmt.Sprintf("a reply of one of %d agents, committed, p99, %s", repliers, name), Unit: " ms",
		Pairs: p99, Note: fmt.Sprintf("p50 %s ms, %s ms of the processor", figure.Digits(figure.Median(p50)),
			figure.Digits(used))}.Print()
}

// follow opens the streams of the list and of a ticket, and has the agents reply, so that
// every page is told.
func follow(t *testing.T, m *measured, number string) {
	t.Helper()
	agents := []*colleague{m.colleague(t, agentEmail), m.colleague(t, otherEmail)}
	for i := range deskStreams {
		if i >= 40 && len(agents) == 2 { // the most that two accounts may have open
			agents = append(agents, m.third(t))
		}
		agents[min(i/20, len(agents)-1)].stream(t, number)
	}
	for range 20 {
		agents[0].writesNotes(t, number, agents[0].ticket(t, number).Version+1)
		<-time.After(figure.AtRest)
	}
	<-time.After(5 * time.Second)
}

// third is one more account, added while the service runs.
func (m *measured) third(t *testing.T) *colleague {
	t.Helper()
	const email = "kim@example.com"
	code, out := m.signpost(agentPassword+"\n", "agent", "add", "--config", m.config, "--password-stdin", "--role",
		"agent", "--name", "Kim Agent", email)
	if code != 0 {
		t.Fatalf("agent add: %s", out)
	}
	return m.colleague(t, email)
}

// stream opens a page's stream of live events until the test ends.
func (c *colleague) stream(t *testing.T, number string) {
	t.Helper()
	resp, err := c.client.Get(c.url + "/events?topics=desk+ticket/" + number)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("a stream of events: %s", resp.Status)
	}
	t.Cleanup(func() { resp.Body.Close() })
	go func() { _, _ = io.Copy(io.Discard, resp.Body) }()
}
