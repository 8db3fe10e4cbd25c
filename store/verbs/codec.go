package verbs

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/s2"

	"signpost/store/text"
)

// recordVersion is the first byte of every record. A record of another version
// is refused, never guessed at; a migration rewrites the old ones.
const recordVersion = 1

// Codings of a text, its first byte.
const (
	textPlain = 0
	textS2    = 1
)

// maxText bounds what a text may unpack to, whatever the file claims.
const maxText = 16 << 20

// codec turns records and texts into bytes and back. It is safe for concurrent
// use. Texts are packed with S2: a partner waits for it, and it takes a fifth of
// the time of zstd's fastest level for a third more bytes.
type codec struct {
	enc cbor.UserBufferEncMode
	dec cbor.DecMode
}

func newCodec() (*codec, error) {
	enc, err1 := cbor.EncOptions{}.UserBufferEncMode()
	// What was stored must be readable again, also a text that is not UTF-8.
	dec, err2 := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	return &codec{enc, dec}, errors.Join(err1, err2)
}

// record encodes a record into memory of its own: the database keeps the slice
// until the commit. It is the one place at which every text that is written passes, but
// for bodies (words): ErrInvalid for one that is no valid UTF-8 or holds NUL.
func (c *codec) record(v any) ([]byte, error) {
	if at := text.Invalid(v); at != "" {
		return nil, invalid(notText + at)
	}
	var b bytes.Buffer
	b.Grow(512)
	b.WriteByte(recordVersion)
	if err := c.enc.MarshalToBuffer(v, &b); err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	return b.Bytes(), nil
}

func (c *codec) read(data []byte, v any) error {
	if len(data) == 0 || data[0] != recordVersion {
		return errors.New("a record of an unknown version")
	}
	return c.dec.Unmarshal(data[1:], v)
}

const notText = "no valid UTF-8, or with NUL: "

// words packs a text that people read; ErrInvalid as for record.
func (c *codec) words(s string) ([]byte, error) {
	if !text.IsValid(s) {
		return nil, invalid(notText + "the body")
	}
	return c.text([]byte(s)), nil
}

// text packs bytes, leaving it plain where packing does not shrink it.
func (c *codec) text(plain []byte) []byte {
	packed := make([]byte, 1+max(s2.MaxEncodedLen(len(plain)), len(plain)))
	packed[0] = textS2
	if n := len(s2.Encode(packed[1:], plain)); n < len(plain) {
		return packed[:1+n]
	}
	return append(append(packed[:0], textPlain), plain...)
}

// unpack returns the text in memory of its own.
func (c *codec) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errors.New("a text without its coding")
	}
	switch packed[0] {
	case textPlain:
		return bytes.Clone(packed[1:]), nil
	case textS2:
		if n, err := s2.DecodedLen(packed[1:]); err != nil || n > maxText {
			return nil, fmt.Errorf("a text of %d bytes: %w", n, errors.Join(err, s2.ErrCorrupt))
		}
		return s2.Decode(nil, packed[1:])
	}
	return nil, fmt.Errorf("a text of the unknown coding %d", packed[0])
}

// micros is how a record keeps an instant; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
