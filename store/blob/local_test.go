package blob_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/blob"
)

// The folder is a format: a person with a backup in hand finds a file by its
// hash.
func TestAFileLiesUnderItsHash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hash := put(t, local(t, dir), "hello")
	file := filepath.Join(dir, string(hash[:2]), string(hash))
	if content, err := os.ReadFile(file); string(content) != "hello" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := read(t, local(t, dir), hash); got != "hello" {
		t.Errorf("opened again: %q", got)
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	l := local(t, dir)
	hash := hashOf("secret")
	if err := os.WriteFile(filepath.Join(outside, string(hash)), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, string(hash[:2]))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, string(hash[:2]))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Open(t.Context(), hash); err == nil {
		t.Error("opened a file outside of the folder")
	}
}

// An upload may be as large as it likes: it never lies in memory. Not parallel,
// since it counts what the whole process allocates.
func TestAPutStaysOutOfMemory(t *testing.T) {
	l := local(t, t.TempDir())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := l.Put(t.Context(), io.LimitReader(zeros{}, 32*mebibyte), 32*mebibyte); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > mebibyte {
		t.Errorf("putting 32 MiB allocated %d bytes", got)
	}
}

func temps(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// age makes everything in the folder two days old.
func age(t testing.TB, dir string) {
	t.Helper()
	then := time.Now().Add(-48 * time.Hour)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func yesterday() time.Time { return time.Now().Add(-24 * time.Hour) }

// naming answers that exactly these are referenced.
func naming(hashes ...store.BlobHash) func(context.Context, []store.BlobHash) ([]bool, error) {
	return func(_ context.Context, asked []store.BlobHash) ([]bool, error) {
		named := make([]bool, len(asked))
		for i := range asked {
			for _, h := range hashes {
				named[i] = named[i] || asked[i] == h
			}
		}
		return named, nil
	}
}

func TestASweepDeletesWhatNothingNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	var want int64
	for i := range 600 { // more than one question's worth
		content := fmt.Sprintf("abandoned %d", i)
		put(t, l, content)
		want += int64(len(content))
	}
	named := put(t, l, "attached to a ticket")
	age(t, dir)
	young := put(t, l, "its ticket is about to be committed")

	questions := 0
	n, bytes, err := l.Sweep(t.Context(), yesterday(), func(ctx context.Context, asked []store.BlobHash) ([]bool, error) {
		questions += len(asked)
		return naming(named)(ctx, asked)
	})
	if questions != 601 {
		t.Errorf("asked about %d blobs of 601", questions)
	}
	if n != 600 || bytes != want || err != nil {
		t.Errorf("swept %d files, %d bytes, %v; want 600, %d", n, bytes, err, want)
	}
	if left := all(t, l); len(left) != 2 || left[named] == 0 || left[young] == 0 {
		t.Errorf("left: %v", left)
	}
}

func TestASweepAsksAboutNothingYoung(t *testing.T) {
	t.Parallel()
	l := local(t, t.TempDir())
	put(t, l, "young")
	n, _, err := l.Sweep(t.Context(), yesterday(), func(context.Context, []store.BlobHash) ([]bool, error) {
		return nil, errors.New("asked")
	})
	if n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// A partner attaches a file that an abandoned form had uploaded days ago, just
// when the sweep has found that nothing names it.
func TestAFilePutAgainDuringASweepStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	hash, other := put(t, l, "the same logo"), put(t, l, "abandoned")
	age(t, dir)
	n, _, err := l.Sweep(t.Context(), yesterday(), func(ctx context.Context, asked []store.BlobHash) ([]bool, error) {
		put(t, l, "the same logo")
		return make([]bool, len(asked)), nil
	})
	if n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if left := all(t, l); len(left) != 1 || left[hash] == 0 {
		t.Errorf("left: %v without %s", left, other)
	}
}

// A form refused again and again carries its file for longer than any put is
// young.
func TestAFileThatAFormCarriesStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	carried := put(t, l, "carried for days")
	put(t, l, "abandoned")
	age(t, dir)
	if err := l.Renew(t.Context(), carried); err != nil {
		t.Fatal(err)
	}
	n, _, err := l.Sweep(t.Context(), yesterday(), naming())
	if left := all(t, l); n != 1 || err != nil || left[carried] == 0 {
		t.Errorf("swept %d, %v; left %v", n, err, left)
	}
}

func TestASweepThatCannotAskDeletesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	put(t, l, "abandoned")
	age(t, dir)
	down := errors.New("the store is closed")
	for name, answer := range map[string]func(context.Context, []store.BlobHash) ([]bool, error){
		"an error":      func(context.Context, []store.BlobHash) ([]bool, error) { return nil, down },
		"a short reply": func(context.Context, []store.BlobHash) ([]bool, error) { return nil, nil },
	} {
		if n, _, err := l.Sweep(t.Context(), yesterday(), answer); n != 0 || err == nil {
			t.Errorf("%s: swept %d, %v", name, n, err)
		}
	}
	if left := all(t, l); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestASweepGivesWayToABackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	put(t, l, "deleted from the store since the backup began")
	age(t, dir)

	first, second := l.Hold(), l.Hold()
	first()
	first() // releasing twice releases once
	if n, _, err := l.Sweep(t.Context(), yesterday(), naming()); n != 0 || !errors.Is(err, blob.ErrHeld) {
		t.Errorf("while held: %d, %v", n, err)
	}
	put(t, l, "a form posted meanwhile")
	second()
	if n, _, err := l.Sweep(t.Context(), yesterday(), naming()); n != 1 || err != nil {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}

func TestStrangeFilesInTheFolderAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	strange := filepath.Join(dir, "00", "README")
	misplaced := filepath.Join(dir, "00", "ff"+strings.Repeat("0", 62))
	for _, file := range []string{strange, misplaced} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(t, dir)
	if n, _, err := l.Sweep(t.Context(), yesterday(), naming()); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if found := all(t, l); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

// Each partner puts a file that lies there old and unnamed; sweeps run all the
// time; no acknowledged file is missing afterwards.
func TestPutsAndSweepsAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := local(t, dir)
	done := make(chan struct{})
	var sweeper, partners sync.WaitGroup
	var swept int
	sweeper.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			n, _, err := l.Sweep(t.Context(), yesterday(), naming())
			if swept += n; err != nil {
				t.Error(err)
				return
			}
		}
	})
	for partner := range 8 {
		partners.Go(func() {
			for round := range 30 {
				content := fmt.Sprintf("file of %d", partner)
				hash, _, err := l.Put(t.Context(), strings.NewReader(content), 100)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := l.Stat(t.Context(), hash); err != nil {
					t.Errorf("round %d: acknowledged, then %v", round, err)
				}
				then := time.Now().Add(-48 * time.Hour)
				_ = os.Chtimes(filepath.Join(dir, string(hash[:2]), string(hash)), then, then) // may be swept from now on
			}
		})
	}
	partners.Wait()
	close(done)
	sweeper.Wait()
	if swept == 0 {
		t.Error("nothing was swept: the sweep never met a put")
	}
	if left := temps(t, dir); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// crashing is set in the process that TestKilledInTheMiddle kills.
const crashing = "SIGNPOST_TEST_CRASHING_DIR"

func TestKilledInTheMiddle(t *testing.T) {
	if dir := os.Getenv(crashing); dir != "" {
		putUntilKilled(t, dir)
	}
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[store.BlobHash]bool{}
	for round := 0; round < 3 || round < 20 && len(temps(t, dir)) == 0; round++ {
		killAfter(t, dir, 5+20*round, acknowledged)
	}
	l := local(t, dir)
	for hash := range acknowledged {
		if got := hashOf(read(t, l, hash)); got != hash {
			t.Errorf("acknowledged as %s, holds %s", hash, got)
		}
	}
	// What was not finished belongs to no entry, and goes in its time.
	if len(temps(t, dir)) == 0 {
		t.Error("no kill hit a put: the test shows nothing")
	}
	age(t, dir)
	if _, _, err := l.Sweep(t.Context(), yesterday(), func(_ context.Context, asked []store.BlobHash) ([]bool, error) {
		named := make([]bool, len(asked))
		for i, hash := range asked {
			named[i] = acknowledged[hash]
		}
		return named, nil
	}); err != nil {
		t.Fatal(err)
	}
	if left := temps(t, dir); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
	if left := all(t, l); len(left) != len(acknowledged) {
		t.Errorf("%d blobs left of %d acknowledged", len(left), len(acknowledged))
	}
}

// killAfter runs a process that puts blobs, and kills it after so many lines.
func killAfter(t *testing.T, dir string, lines int, acknowledged map[store.BlobHash]bool) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledInTheMiddle$")
	child.Env = append(os.Environ(), crashing+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		acknowledged[store.BlobHash(in.Text())] = true
		if lines--; lines == 0 {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait() // it was killed
	if lines > 0 {
		t.Fatal("the process ended by itself")
	}
}

// putUntilKilled says the hash of every blob that was acknowledged.
func putUntilKilled(t *testing.T, dir string) {
	l := local(t, dir)
	var say sync.Mutex
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				content := strings.Repeat(fmt.Sprintf("%d-%d-%d ", os.Getpid(), w, i), 10_000)
				hash, _, err := l.Put(context.Background(), strings.NewReader(content), mebibyte)
				if err != nil {
					panic(err)
				}
				say.Lock()
				fmt.Println(hash)
				say.Unlock()
			}
		})
	}
	writers.Wait()
}

// BenchmarkPut puts 1 MiB each time, in turn with the least that taking it could
// cost: the same bytes written to a new file, without hash, name or durability.
// "put/bare" is the ratio of the two medians.
func BenchmarkPut(b *testing.B) {
	content := make([]byte, mebibyte)
	l, dir := local(b, b.TempDir()), b.TempDir()
	var puts, bares []time.Duration
	b.SetBytes(2 * mebibyte)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		copy(content, fmt.Sprint(i))
		start := time.Now()
		if _, _, err := l.Put(b.Context(), bytes.NewReader(content), mebibyte); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), content, 0o600); err != nil {
			b.Fatal(err)
		}
		puts, bares = append(puts, middle.Sub(start)), append(bares, time.Since(middle))
	}
	slices.Sort(puts)
	slices.Sort(bares)
	b.ReportMetric(float64(puts[len(puts)/2])/float64(bares[len(bares)/2]), "put/bare")
	b.ReportMetric(float64(puts[len(puts)/2].Microseconds()), "put-µs")
	b.ReportMetric(float64(puts[len(puts)*99/100].Microseconds()), "put-p99-µs")
}

// BenchmarkOpen opens a folder that has its shards.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	local(b, dir)
	for b.Loop() {
		l, err := blob.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
