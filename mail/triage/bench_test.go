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
	long := "\r\nThe invoice of our last order shows a wrong address; could you please mend it before the shipment?"
	weighed := "\r\nWe were closed on Friday; the invoice of our last order shows a wrong address."
	mails := map[string][]byte{
		"letter":         []byte(person),
		"long-letter":    []byte(person + strings.Repeat(long, 40)),
		"weighed-letter": []byte(person + strings.Repeat(weighed, 36)),
	}
	stories := []string{
		"bounce/postfix-unknown-user", "bounce/exim-two-recipients", "auto/away-es", "list/newsletter",
	}
	for _, name := range stories {
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
