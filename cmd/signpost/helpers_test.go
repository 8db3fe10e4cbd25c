package main

import (
	"log/slog"
	"os"
	"testing"

	"signpost/cmd/signpost/control"
)

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// flipByte damages a file in its middle.
func flipByte(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// dialControl reaches the service of a data folder; false when none runs.
func dialControl(data string) (*remote, bool) {
	c, ok := control.Dial(data)
	return &remote{c}, ok
}
