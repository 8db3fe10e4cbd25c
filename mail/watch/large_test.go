package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"signpost/mail/triage"
	"signpost/store"
	"signpost/store/blob"
)

func sized(from, id string, size int) string {
	raw := letter(from, id)
	line := strings.Repeat("x", 76) + "\r\n"
	raw += strings.Repeat(line, (size-len(raw))/len(line)+1)
	return raw[:size]
}

func TestLargeMailsAreKeptOutsideTheStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size             int
		inBlob, truncate bool
	}{
		"as large as the store keeps": {size: store.RawInline},
		"one byte more":               {size: store.RawInline + 1, inBlob: true},
		"a whole number of ranges":    {size: store.RawInline + 2*rangeBytes, inBlob: true},
		"3 MB":                        {size: 3_000_000, inBlob: true},
		"too large":                   {size: MaxMail + 1, truncate: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newLineServer(sized("ann@partner.test", "big@partner.test", c.size), numbered(2))
				h := newBadHouse(t, s)
				blobs := h.keepBlobs()
				h.start()
				time.Sleep(time.Minute)
				h.decided(2, 2)
				row := h.rows()[0]
				if row.Truncated != c.truncate || (row.Blob != "") != c.inBlob || row.Size != int64(c.size) {
					t.Errorf("truncated %v, blob %q, size %d", row.Truncated, row.Blob, row.Size)
				}
				if !c.inBlob {
					return
				}
				r, _, err := blobs.Open(context.Background(), row.Blob)
				h.must(err)
				defer r.Close()
				got, err := io.ReadAll(r)
				h.must(err)
				if string(got) != s.mail(1) || row.Hash != sha256.Sum256(got) {
					t.Error("the blob is not the mail byte for byte")
				}
			})
		})
	}
}

// RFC822.SIZE is an estimate on some servers, and a lie on others.
func TestASizeThatIsALie(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(sized("ann@partner.test", "big@partner.test", MaxMail+rangeBytes), numbered(2))
		s.answers = func(a answer) string { return a.proper(a.number(), "RFC822.SIZE 10", a.date(), a.body()) }
		h := newBadHouse(t, s)
		h.keepBlobs()
		h.start()
		time.Sleep(time.Minute)
		h.decided(2, 2)
		if !h.rows()[0].Truncated {
			t.Error("a mail beyond the bound was kept whole")
		}
	})
}

// A large mail that was recorded before a crash is judged from the blob store.
func TestALargeMailIsJudgedAfterACrash(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(sized("ann@partner.test", "big@partner.test", 1_000_000))
		h := newBadHouse(t, s)
		h.keepBlobs()
		m := &mortal{Ledger: h.ledger}
		m.left.Store(5) // dies at DecideInbound
		h.deps.Ledger = m
		_, stop := h.start()
		time.Sleep(time.Minute)
		stop()
		if row := h.rows()[0]; row.State != store.InboundStored {
			t.Fatalf("the mail is %s before the crash, want stored", row.State)
		}
		s.remove(1)
		h.deps.Ledger = h.ledger
		h.start()
		time.Sleep(time.Minute)
		h.decided(1, 1)
	})
}

func (h *house) keepBlobs() *blob.Local {
	h.t.Helper()
	blobs, err := blob.Open(h.t.TempDir())
	h.must(err)
	h.t.Cleanup(func() { blobs.Close() })
	h.deps.Blobs = blobs
	return blobs
}

// Fetching holds no more than the bound whatever the mails are: the ranges are
// let go one by one.
func TestRangesEndWhereTheMailEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		raw := sized("ann@partner.test", "x@partner.test", store.RawInline+3*rangeBytes)
		s := newLineServer(raw)
		h := newBadHouse(t, s)
		session, err := New(h.box, h.deps).connect(context.Background())
		h.must(err)
		defer session.close()
		_, err = session.selectFolder(context.Background(), nil)
		h.must(err)
		r := &ranges{s: session, ctx: context.Background(), listed: listed{uid: 1}, offset: store.RawInline}
		rest, err := io.ReadAll(r)
		h.must(err)
		if !bytes.Equal(rest, []byte(raw[store.RawInline:])) {
			t.Errorf("%d bytes, want %d", len(rest), len(raw)-store.RawInline)
		}
		if n := s.sent("UID FETCH"); n != 4 {
			t.Errorf("%d ranges were asked for, want 3 and one that is empty", n)
		}
	})
}

// hostile is a literal that must not be read.
type hostile struct{ t *testing.T }

func (h hostile) Size() int64 { return 200 << 20 }

func (h hostile) Read([]byte) (int, error) {
	h.t.Error("the literal was read")
	return 0, io.EOF
}

// A server that refuses the middle of a mail has not come to its end.
func TestTheRestOfALargeMailIsRefusedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer(sized("ann@partner.test", "big@partner.test", 3_000_000))
		refused := false
		s.instead = func(c *lineConn, tag, command string) bool {
			if !refused && strings.Contains(command, "BODY.PEEK[]<262144.") {
				refused = true
				c.say("%s NO exceeded bandwidth limits", tag)
				return true
			}
			return false
		}
		h := newBadHouse(t, s)
		h.keepBlobs()
		h.start()
		time.Sleep(10 * time.Minute)
		h.decided(1, 1)
		if row := h.rows()[0]; !refused || row.Truncated || row.Size != 3_000_000 {
			t.Errorf("refused %v; truncated %v, %d bytes kept of 3,000,000", refused, row.Truncated, row.Size)
		}
	})
}

func TestALiteralThatWasNotAskedForIsNotRead(t *testing.T) {
	t.Parallel()
	if _, err := readLiteral(hostile{t}, store.RawInline+1); err == nil || !strings.Contains(err.Error(), "announces") {
		t.Errorf("error %v", err)
	}
}

// A hundred mails that are each far larger than announced do not all come into
// memory at once.
func TestAChunkThatIsALie(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newLineServer()
		for i := range 70 {
			s.put(uint32(i+1), sized(fmt.Sprintf("ann@partner%d.test", i), fmt.Sprintf("m%d@partner.test", i), store.RawInline))
		}
		var largest atomic.Int64
		s.instead = func(c *lineConn, tag, command string) bool {
			if !strings.HasPrefix(command, "UID FETCH") {
				return false
			}
			sent := int64(0)
			for _, uid := range s.uids(strings.Fields(command)[2]) {
				a := s.about(uid, command)
				n, err := c.Write([]byte(a.proper(a.number(), "RFC822.SIZE 10", a.date(), a.body())))
				sent += int64(n)
				largest.Store(max(largest.Load(), sent))
				if err != nil {
					return true
				}
			}
			c.say("%s OK done", tag)
			return true
		}
		h := newBadHouse(t, s)
		h.deps.Classify = func(raw []byte, e triage.Envelope) triage.Result { return triage.Classify(raw[:2000], e) }
		h.start()
		time.Sleep(10 * time.Minute)
		h.decided(70, 70)
		if n := largest.Load(); n > 3*chunkBytes {
			t.Errorf("%d bytes were taken in one go", n)
		}
	})
}
