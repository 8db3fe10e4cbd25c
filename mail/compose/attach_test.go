package compose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signpost/store"
)

// shelf is a blob store in memory; a content of nil cannot be read.
type shelf map[store.BlobHash][]byte

type closing struct{ *bytes.Reader }

func (closing) Close() error { return nil }

func (s shelf) Open(_ context.Context, hash store.BlobHash) (io.ReadSeekCloser, int64, error) {
	content, ok := s[hash]
	switch {
	case !ok:
		return nil, 0, store.ErrNotFound
	case content == nil:
		return nil, 0, errors.New("the disk is broken")
	}
	return closing{bytes.NewReader(content)}, int64(len(content)), nil
}

// puts is a file of a reply, with its content on the shelf.
func (s shelf) puts(name, mediaType, content string) store.File {
	hash := store.BlobHash(name)
	s[hash] = []byte(content)
	return store.File{Name: name, Type: mediaType, Size: int64(len(content)), Hash: hash}
}

// written is a reply with files as the store has it.
type written []store.File

func (w written) ReplyOf(context.Context, store.OutboundID, int) (store.Entry, []store.Entry, error) {
	e := store.Entry{Kind: store.EntryReply, Body: agentsAnswer, Files: w}
	e.Change.StatusTo = store.StatusPending
	return e, nil, nil
}

func attachedRow(tag string) store.Outbound {
	row := replyRow(tag)
	row.Proven, row.Attached = true, true
	return row
}

func readReply(t testing.TB, blobs Blobs, row store.Outbound, files ...store.File) Reply {
	t.Helper()
	r, err := ReadReply(context.Background(), written(files), blobs, row)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFilesGoAlongWhereTheyAreAttached(t *testing.T) {
	t.Parallel()
	c, s := composer(t), shelf{}
	files := []store.File{
		s.puts("report.pdf", "application/pdf", "%PDF-1.7\r\n.."),
		s.puts("page \"1\\2\"\r\nX: y.html", "text/html", "<script>"),
		s.puts("\u062a\u0642\u0631\u064a\u0631.csv", "text/csv; charset=utf-8", "a,b"),
		s.puts("empty.exe", "application/x-msdownload", ""),
	}
	m := mustReply(t, c, attachedRow("en"), readReply(t, s, attachedRow("en"), files...))
	checkWire(t, m)
	checkKept(t, "reply.attached.en", m)
	parts := attachments(t, m.Bytes)
	want := []string{"application/pdf report.pdf %PDF-1.7\r\n..",
		`application/octet-stream page "1\2" X: y.html <script>`, "text/csv \u062a\u0642\u0631\u064a\u0631.csv a,b",
		"application/octet-stream empty.exe "}
	if strings.Join(parts, "|") != strings.Join(want, "|") {
		t.Errorf("the attachments are %q, want %q", parts, want)
	}
	mail := open(t, m.Bytes)
	for part, body := range map[string]string{"text": mail.text, "HTML": mail.html} {
		if !strings.Contains(body, "Attached files") || !strings.Contains(body, "report.pdf") {
			t.Errorf("the %s part does not tell of the files:\n%s", part, body)
		}
	}
	row := attachedRow("en")
	row.Attached = false
	mail = open(t, mustReply(t, c, row, readReply(t, s, row, files...)).Bytes)
	if strings.Contains(mail.text, "Attached files") || !strings.Contains(mail.text, "report.pdf (") {
		t.Errorf("as links:\n%s", mail.text)
	}
}

// A file that is gone from the disk keeps no answer from its reader; one that cannot be
// read now may be at the next try.
func TestAFileThatIsGoneMakesLinksOfAll(t *testing.T) {
	t.Parallel()
	c, s, row := composer(t), shelf{}, attachedRow("en")
	kept, gone := s.puts("kept.txt", "text/plain", "kept"), s.puts("gone.txt", "text/plain", "gone")
	delete(s, gone.Hash)
	m := mustReply(t, c, row, readReply(t, s, row, kept, gone))
	mail := open(t, m.Bytes)
	if bytes.Contains(m.Bytes, []byte("multipart/mixed")) || strings.Contains(mail.text, "Attached") ||
		!strings.Contains(mail.text, "gone.txt") || !strings.Contains(mail.text, "kept.txt") {
		t.Errorf("with a file gone:\n%s", mail.text)
	}
	s[gone.Hash] = nil
	if _, err := ReadReply(context.Background(), written{kept, gone}, s, row); !errors.Is(err, ErrUnread) {
		t.Errorf("a file that cannot be read: %v", err)
	}
	s[gone.Hash] = []byte("got shorter"[:3])
	if _, err := c.Reply(row, readReply(t, s, row, kept, gone)); !errors.Is(err, ErrUnread) {
		t.Errorf("a file cut off: %v", err)
	}
}

func TestAMailThatIsOnlyShownLeavesTheContentsOut(t *testing.T) {
	t.Parallel()
	c, s, row := composer(t), shelf{}, attachedRow("en")
	f := s.puts("report.pdf", "application/pdf", "content")
	m := mustReply(t, c, row, readReply(t, nil, row, f))
	parts := attachments(t, m.Bytes)
	if len(parts) != 1 || parts[0] != "application/pdf report.pdf " ||
		!strings.Contains(open(t, m.Bytes).text, "Attached") {
		t.Errorf("shown: %q", parts)
	}
}

// The largest mail is made in one piece of memory, also where it is signed, and its
// signature holds.
func TestTheLargestMailIsMadeInOnePiece(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	content := make([]byte, store.MaxAttached)
	random.Read(content)
	s := shelf{}
	f := s.puts("film.mp4", "video/mp4", string(content))
	rsaKey, edKey := keys(t)
	signers := []Signer{{"example.com", "r1", rsaKey}, {"example.com", "e1", edKey}}
	c := composer(t, func(conf *Config) { conf.Signers = signers })
	row := attachedRow("en")
	m := mustReply(t, c, row, readReply(t, s, row, f))
	if room := cap(m.Bytes) - len(m.Bytes); room > 32<<10 { // it grew on the way: the former piece was another
		t.Errorf("a mail of %d bytes was made in one of %d", len(m.Bytes), cap(m.Bytes))
	}
	found := verify(t, m.Bytes, signers...)
	if len(found) != 2 || found[0].Err != nil || found[1].Err != nil {
		t.Errorf("%d signatures: %+v", len(found), found)
	}
	parts := attachments(t, m.Bytes)
	want := "application/octet-stream film.mp4 " + string(content)
	if len(parts) != 1 || sha256.Sum256([]byte(parts[0])) != sha256.Sum256([]byte(want)) {
		t.Error("the file did not arrive as it was")
	}
}

// Whatever a file is called, its name arrives and its lines stay within what SMTP carries.
func TestAnyFileNameArrives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := clean(rapid.String().Draw(t, "name"), maxName)
		field := "attachment" + filename(name)
		for line := range strings.SplitSeq(field, "\r\n") {
			if len(line) > 2*maxName+20 || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("a line of %d bytes: %q", len(line), line)
			}
		}
		_, params, err := mime.ParseMediaType(field)
		if err != nil || params["filename"] != name {
			t.Fatalf("%q came as %q, %v:\n%s", name, params["filename"], err, field)
		}
	})
}
