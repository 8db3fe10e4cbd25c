package header

import "bytes"

// IsStrict tells a mail in which a strict reader finds as many fields as Read, and the same
// body: one for which only an empty line ends the header and every other line is a field or
// a fold of one. Verifiers of DKIM read so, and take the fields that a signature covers
// from the bottom (RFC 6376 section 5.4.2): a From that only they find would let an old
// signature prove the From above it, which is the only one that Read finds.
func IsStrict(raw []byte) bool {
	fields, rest := 0, raw
	for line := range bytes.Lines(raw) {
		rest = rest[len(line):]
		if len(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))) == 0 {
			h, body := Read(raw)
			return len(h) == fields && len(body) == len(rest)
		}
		if fields == 0 || !isFold(line) {
			fields++
		}
	}
	return false
}
