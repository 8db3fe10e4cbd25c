package triage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkClassify tells what one mail costs, by what it is.
func BenchmarkClassify(b *testing.B) {
	files, err := filepath.Glob("testdata/mail/*/*.eml")
	if err != nil {
		b.Fatal(err)
	}
	mails := map[string][]byte{
		"letter":      []byte(person),
		"long-letter": []byte(person + strings.Repeat("\r\nThe invoice of our last order shows a wrong address; could you please mend it before the shipment?", 40)),
	}
	mails["weighed-letter"] = []byte(person + strings.Repeat("\r\nWe were closed on Friday; the invoice of our last order shows a wrong address.", 36))
	for _, name := range []string{"bounce/postfix-unknown-user", "bounce/exim-two-recipients", "auto/away-es", "list/newsletter"} {
		for _, file := range files {
			if filepath.ToSlash(file) == "testdata/mail/"+name+".eml" {
				if mails[name], err = os.ReadFile(file); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for name, raw := range mails {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				Classify(raw, envelope())
			}
		})
	}
}
