package generate

import (
	"reflect"
	"testing"
	"time"

	"signpost/mail/triage"
	"signpost/store"
)

func TestTheSameSeedMakesTheSame(t *testing.T) {
	t.Parallel()
	made := func(seed uint64) (all []Writing) {
		g := New(Deps{}, Shape{Seed: seed, Chars: 300}, time.Now())
		for range 20 {
			all = append(all, g.Writing())
		}
		return all
	}
	if !reflect.DeepEqual(made(3), made(3)) || reflect.DeepEqual(made(3), made(4)) {
		t.Error("what is made up does not hang on the seed alone")
	}
	for _, w := range made(3) {
		if len(w.Body) != 300 || w.Lang == "" || w.Title == "" {
			t.Errorf("%+v", w)
		}
	}
}

// TestEveryShapeIsJudgedAsWhatItIs: pages filled with made-up mail show every kind.
func TestEveryShapeIsJudgedAsWhatItIs(t *testing.T) {
	t.Parallel()
	g := New(Deps{}, Shape{Seed: 1}, time.Now())
	weights := 0
	for _, shape := range mailShapes() {
		weights += shape.weight
		for _, about := range []store.Outbound{{}, {ID: 7, To: "ada@shop1.example.com", MessageID: "m@example.com"}} {
			a := &arrival{
				at: g.now, region: store.Region{Address: "us@example.com"}, from: "bima@shop2.example.com", name: "Bima",
				subject: "The export", about: about,
			}
			raw := g.write(shape, a)
			if got := triage.Classify(raw, triage.Envelope{Now: g.now, InternalDate: g.now}).Kind; got != shape.kind {
				t.Errorf("a mail of kind %s, about %d, is judged as %s:\n%s", shape.kind, about.ID, got, raw)
			}
		}
	}
	if weights != 1000 {
		t.Errorf("the weights come to %d", weights)
	}
}
