// Package configtest holds what tests of a configuration need: Secrets are the
// variables that make the example configuration whole. A secret that the example comes
// to ask for is added there.
package configtest

import "encoding/base64"

// Secrets are the variables, one NAME=value each, that the example configuration needs.
func Secrets() []string {
	return []string{
		"SIGNPOST_SECRET=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"SIGNPOST_SMTP__PASSWORD=one",
		"SIGNPOST_MAILBOX__US__PASSWORD=two",
		"SIGNPOST_MAILBOX__INTL__PASSWORD=three",
	}
}
