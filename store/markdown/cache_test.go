package markdown_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"signpost/store/markdown"
)

// Two agents and a partner look at one thread whose pictures lie elsewhere for each.
func TestATextIsReadOnceForAllWhoSeeItAlike(t *testing.T) {
	t.Parallel()
	kept := markdown.NewCache(1 << 20)
	for range 2 {
		for base, shown := range map[string]bool{"/desk/tickets/US-1": true, "/t/token": false} {
			asked := 0
			images := func(name string) (string, bool) { asked++; return base + "/" + name, shown }
			source := "See ![the shot](shot.png) and **this**."
			if got, want := kept.HTML(source, images), markdown.HTML(source, images); got != want {
				t.Errorf("at %s it reads %q, not %q", base, got, want)
			}
			if asked == 0 {
				t.Error("nothing asked where the picture lies")
			}
		}
		if got, want := kept.HTML("![a](b.png)", nil), markdown.HTML("![a](b.png)", nil); got != want {
			t.Errorf("without pictures it reads %q, not %q", got, want)
		}
	}
	here := func(string) (string, bool) { return "/b.png", true }
	if got := kept.HTML("![a](b.png)", here); got != markdown.HTML("![a](b.png)", here) {
		t.Errorf("a picture that came later is not shown: %q", got)
	}
}

// Many people look at more than is kept.
func TestWhatIsKeptStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	kept := markdown.NewCache(64 << 10)
	var readers sync.WaitGroup
	for reader := range 8 {
		readers.Go(func() {
			for i := range 200 {
				source := fmt.Sprintf("Order **%d** of %d", i, reader%2)
				if i%50 == 0 {
					source = strings.Repeat(source, 1000)
				}
				if kept.HTML(source, nil) != markdown.HTML(source, nil) {
					t.Errorf("a text reads otherwise when it is kept: %.40q", source)
				}
				if size := kept.Size(); size > 64<<10 {
					t.Errorf("%d bytes are kept", size)
				}
			}
		})
	}
	readers.Wait()
	if kept.Size() == 0 {
		t.Error("nothing is kept")
	}
}

// BenchmarkCache reads one reply, anew and kept.
func BenchmarkCache(b *testing.B) {
	source := "Looked at **order 12** again.\n\n- it is paid\n- it has not left"
	for name, kept := range map[string]*markdown.Cache{"anew": nil, "kept": markdown.NewCache(1 << 20)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				kept.HTML(source, nil)
			}
		})
	}
}
