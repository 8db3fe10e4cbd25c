package verbs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// crashPath names, in a child's environment, the file it is to fill until it is
// killed.
const crashPath = "SIGNPOST_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		os.Exit(postUntilKilled(path))
	}
	os.Exit(m.Run())
}

// postUntilKilled opens tickets from 64 clients and prints a line for each that
// is acknowledged: its idempotency key, its number and its confirmation.
func postUntilKilled(path string) int {
	db, err := openFile(path, fileOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lines := make(chan string, 1024)
	for c := range 64 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), c, i)
				opened, err := postKeyed(db, key)
				if err != nil {
					panic(err)
				}
				lines <- fmt.Sprintf("%s %s %d\n", key, opened.Ticket.Number, opened.Confirmation.ID)
			}
		}()
	}
	for line := range lines {
		io.WriteString(os.Stdout, line)
	}
	return 0
}

func postKeyed(db *Store, key string) (store.Opened, error) {
	now := time.Now()
	ring, err := ident.New(make([]byte, ident.SecretBytes))
	if err != nil {
		return store.Opened{}, err
	}
	n := benchTicket(newRand(uint64(now.UnixNano())), ring, now)
	n.Idempotency = key
	n.Fingerprint = [32]byte{1}
	return db.OpenTicket(context.Background(), now, n)
}

// TestKilledInTheMiddle kills a process that posts from 64 clients, at another
// moment each time, and looks for every post it had acknowledged: there, once,
// with its confirmation, and folded when it is posted again.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signpost.db")
	acknowledged := map[string]string{}
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		for _, line := range runAndKill(t, path, 40+60*round) {
			key, rest, _ := strings.Cut(line, " ")
			acknowledged[key] = rest
		}
		db, err := openFile(path, fileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wantAcknowledged(t, db, acknowledged)
		checkAndClose(t, db)
	}
}

// runAndKill lets the child acknowledge n posts, kills it, and returns all that
// it acknowledged.
func runAndKill(t *testing.T, path string, n int) (lines []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	defer kill.Do(func() { cmd.Process.Kill() })
	read := bufio.NewReader(out)
	for {
		line, err := read.ReadString('\n')
		if err != nil { // a line cut short was not acknowledged
			break
		}
		lines = append(lines, strings.TrimSpace(line))
		if len(lines) == n {
			kill.Do(func() { cmd.Process.Kill() })
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || len(lines) < n {
		t.Fatalf("the child ended by itself after %d posts: %v", len(lines), err)
	}
	return lines
}

func wantAcknowledged(t *testing.T, db *Store, acknowledged map[string]string) {
	t.Helper()
	ctx := context.Background()
	for key, rest := range acknowledged {
		number, id, _ := strings.Cut(rest, " ")
		k, err := db.TicketByNumber(ctx, store.ByService(), store.ActReadTicket, number)
		if err != nil {
			t.Fatalf("%s was acknowledged: %v", number, err)
		}
		mails, err := store.Items(db.OutboundsOfTicket(ctx, k.ID, store.Page{Limit: 10}))
		if err != nil || len(mails) != 1 || fmt.Sprint(mails[0].ID) != id || mails[0].State != store.StateQueued {
			t.Fatalf("%s has mails %v, %v", number, mails, err)
		}
		again, err := postKeyed(db, key)
		if err != nil || !again.Replayed || again.Ticket.Number != number {
			t.Fatalf("%s posted again became %s, %v", number, again.Ticket.Number, err)
		}
	}
}
