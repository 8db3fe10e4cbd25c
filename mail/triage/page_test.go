package triage

import (
	"strings"
	"testing"
)

func TestAPageWithoutALabelNamesItsCharset(t *testing.T) {
	t.Parallel()
	raw := "Subject: x\nContent-Type: text/html\n\n<html><head><meta http-equiv=Content-Type content=\"text/html; " +
		"charset=windows-1251\"></head><body>\xcf\xf0\xe8\xe2\xe5\xf2</body></html>"
	if m := read([]byte(raw), &Envelope{}); !strings.Contains(m.text(), "Привет") {
		t.Errorf("%q", m.text())
	}
}
