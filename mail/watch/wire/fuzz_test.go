package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// library is a client of the library at the end of the layer, to which the server
// says text once the first command was sent.
func library(text []byte, sent chan struct{}) (*imapclient.Client, *Conn) {
	c := New(&script{in: io.MultiReader(waiting(sent), bytes.NewReader(text))}, true)
	return imapclient.New(c, nil), c
}

// waiting is empty, once the channel is closed.
type waiting chan struct{}

func (w waiting) Read([]byte) (int, error) { <-w; return 0, io.EOF }

// Whatever a server says, the library can read what is passed on: it stops for no
// other reason than that the server does, or that the layer says why.
func FuzzServer(f *testing.F) {
	for _, m := range manners {
		f.Add([]byte(m.says))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		sent := make(chan struct{})
		client, c := library(says, sent)
		cmd := client.Fetch(imap.UIDSetNum(7, 8), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true,
			BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		close(sent)
		passed := 0
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			for item := msg.Next(); item != nil; item = msg.Next() {
				if body, ok := item.(imapclient.FetchItemDataBodySection); ok && body.Literal != nil {
					text, _ := io.ReadAll(body.Literal)
					passed += len(text)
				}
			}
		}
		if passed > len(says) {
			t.Errorf("%d bytes of text came out of %d", passed, len(says))
		}
		cmd.Close()
		<-client.Closed()
		switch err := client.Close(); {
		case err == nil, c.Said() != "", errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
			errors.Is(err, net.ErrClosed):
		case strings.Contains(err.Error(), "EOF"):
		default:
			t.Errorf("the library cannot read what was passed on: %v", err)
		}
	})
}

// No byte of a text is lost or changed, whatever stands around it in whatever order.
func FuzzText(f *testing.F) {
	f.Add([]byte("From: a@b.test\r\n\r\n)\r\nT1 OK\r\n* 3 FETCH (UID 8 BODY[] {2}\r\n"), []byte{0, 1, 2, 3, 4})
	f.Add([]byte("{5}\r\n"), []byte{4, 0})
	f.Add([]byte(""), []byte{0, 4, 3, 3})
	f.Fuzz(func(t *testing.T, text, order []byte) {
		items, told := []string{}, false
		for _, b := range order[:min(len(order), 20)] {
			item := []string{"", "RFC822.SIZE 5", `INTERNALDATE "00-Jan-0000 00:00:00 +0000"`,
				`FLAGS (\Seen a]b "x (y )z {5} %)`, "UID 7", "X-GM-LABELS (\"\\\\Inbox\" {2}\r\n)( [x)"}[b%6]
			if item == "" && !told {
				told = true
				item = fmt.Sprintf("BODY[]<0> {%d}\r\n%s", len(text), text)
			}
			if item != "" {
				items = append(items, item)
			}
		}
		if !told || !strings.Contains(strings.Join(items, " ")+" ", "UID 7") {
			return
		}
		sent := make(chan struct{})
		client, _ := library([]byte("* 3 FETCH ("+strings.Join(items, " ")+")\r\n"), sent)
		cmd := client.Fetch(imap.UIDSetNum(7),
			&imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		close(sent)
		var got []byte
		if msg := cmd.Next(); msg != nil {
			buffer, err := msg.Collect()
			if err != nil || len(buffer.BodySection) != 1 || buffer.UID != 7 {
				t.Fatalf("%d texts of mail %d, error %v", len(buffer.BodySection), buffer.UID, err)
			}
			got = buffer.BodySection[0].Bytes
		} else {
			t.Fatalf("no mail came of %q", items)
		}
		cmd.Close()
		client.Close()
		if !bytes.Equal(got, text) {
			t.Errorf("%d bytes came of %d", len(got), len(text))
		}
	})
}
