package config

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// SecretFile is service.secret_file: the installation's secrets, the newest first, each on a
// line of its own. Lines that begin with "# " are notes of signpost secret.
type SecretFile struct {
	Lines []SecretLine
	// Instance names the installation when the secret that named it is gone; see
	// Service.Instance.
	Instance string
	// Rotating: a rotation has begun and not ended, one that revokes where Revoking is set.
	Rotating, Revoking bool
}

// SecretLine is one secret as it is written.
type SecretLine struct {
	Text  string
	Since time.Time // it is the newest, or became it; zero where that is not known
}

// ParseSecretFile reads the text of the file.
func ParseSecretFile(text string) (f SecretFile) {
	var since time.Time
	for line := range strings.Lines(text) {
		if note, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
			name, value, _ := strings.Cut(note, " ")
			switch name {
			case "since":
				since, _ = time.Parse(time.RFC3339, value) // a note that does not read is none
			case "instance":
				f.Instance = value
			case "rotating":
				f.Rotating = true
			case "revoking":
				f.Rotating, f.Revoking = true, true
			}
			continue
		}
		for secret := range strings.FieldsSeq(line) {
			f.Lines = append(f.Lines, SecretLine{secret, since})
			since = time.Time{}
		}
	}
	return f
}

// String is the text of the file.
func (f SecretFile) String() string {
	var b strings.Builder
	if f.Instance != "" {
		fmt.Fprintf(&b, "# instance %s\n", f.Instance)
	}
	switch {
	case f.Revoking:
		b.WriteString("# revoking\n")
	case f.Rotating:
		b.WriteString("# rotating\n")
	}
	for _, l := range f.Lines {
		if !l.Since.IsZero() {
			fmt.Fprintf(&b, "# since %s\n", l.Since.UTC().Format(time.RFC3339))
		}
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

// Secrets are the secrets in bytes: base64 or plain text.
func (f SecretFile) Secrets() (all [][]byte) {
	for _, l := range f.Lines {
		raw, err := base64.StdEncoding.DecodeString(l.Text)
		if err != nil || len(raw) < 32 {
			raw = []byte(l.Text)
		}
		all = append(all, raw)
	}
	return all
}
