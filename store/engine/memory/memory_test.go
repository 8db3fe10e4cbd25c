package memory_test

import (
	"bytes"
	"io"
	"testing"

	"signpost/store/engine"
	"signpost/store/engine/enginetest"
	"signpost/store/engine/memory"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t testing.TB, snapshot []byte) engine.Engine {
		var from io.Reader
		if snapshot != nil {
			from = bytes.NewReader(snapshot)
		}
		e, err := memory.Open(enginetest.Layouts(), memory.Options{Snapshot: from})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func TestASnapshotOfOtherBucketsIsRefused(t *testing.T) {
	t.Parallel()
	e, err := memory.Open(enginetest.Layouts()[:1], memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var snapshot bytes.Buffer
	if _, err := e.Snapshot(&snapshot); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{snapshot.String(), "not a snapshot", ""} {
		if _, err := memory.Open(enginetest.Layouts(), memory.Options{Snapshot: bytes.NewBufferString(text)}); err == nil {
			t.Errorf("a snapshot of %d bytes was opened", len(text))
		}
	}
}
