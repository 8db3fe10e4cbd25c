package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"signpost/store"
)

// recordVersion is the first byte of every record. A record of another version
// is refused, never guessed at; a migration rewrites the old ones.
const recordVersion = 1

// Codings of a text, its first byte.
const (
	textPlain = 0
	textZstd  = 1
)

// maxText bounds what a text may unpack to, whatever the file claims.
const maxText = 16 << 20

// textWindow is as much as the longest text kept in the store needs: the raw
// mail. A larger window would only cost memory.
const textWindow = store.RawInline

// codec turns records and texts into bytes and back. It is safe for concurrent
// use; its compressors are made when first needed.
type codec struct {
	enc  cbor.UserBufferEncMode
	dec  cbor.DecMode
	pack *zstd.Encoder
	open *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err1 := cbor.EncOptions{}.UserBufferEncMode()
	// What was stored must be readable again, also a text that is not UTF-8.
	dec, err2 := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	pack, err3 := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(textWindow))
	open, err4 := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxText))
	return &codec{enc, dec, pack, open}, errors.Join(err1, err2, err3, err4)
}

func (c *codec) close() {
	c.pack.Close()
	c.open.Close()
}

// record encodes a record into memory of its own: the database keeps the slice
// until the commit.
func (c *codec) record(v any) ([]byte, error) {
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

// text packs a text, leaving it plain where packing does not shrink it.
func (c *codec) text(plain []byte) []byte {
	packed := append(make([]byte, 0, len(plain)+1), textZstd)
	packed = c.pack.EncodeAll(plain, packed)
	if len(packed) <= len(plain) {
		return packed
	}
	return append(append(packed[:0], textPlain), plain...)
}

// unpack returns the text in memory of its own.
func (c *codec) unpack(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, errors.New("a text without its coding")
	}
	switch text[0] {
	case textPlain:
		return bytes.Clone(text[1:]), nil
	case textZstd:
		return c.open.DecodeAll(text[1:], nil)
	}
	return nil, fmt.Errorf("a text of the unknown coding %d", text[0])
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
