package header

import "encoding/base64"

// Base64 decodes base64 (RFC 2045 section 6.8) to at most limit bytes: characters of no
// meaning are passed over, and a text cut off gives what it holds.
func Base64(b []byte, limit int) []byte {
	b = b[:min(len(b), limit*3/2)]
	kept := make([]byte, 0, len(b))
	for _, c := range b {
		if isBase64(c) {
			kept = append(kept, c)
		}
	}
	if len(kept)%4 == 1 { // a letter that holds no whole byte
		kept = kept[:len(kept)-1]
	}
	n, _ := base64.RawStdEncoding.Decode(kept, kept)
	return kept[:min(n, limit)]
}

// AppendUnquoted appends a line of quoted-printable (RFC 2045 section 6.7) to out, decoded; what
// is no escape stays as it stands.
func AppendUnquoted(out, line []byte) []byte {
	for i := 0; i < len(line); i++ {
		if line[i] == '=' && i+2 < len(line) {
			if hi, lo := Hex(line[i+1]), Hex(line[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, line[i])
	}
	return out
}

// Hex is the value of a hexadecimal digit, -1 for another character.
func Hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= lower(c) && lower(c) <= 'f':
		return int(lower(c)-'a') + 10
	}
	return -1
}
