package main

import (
	"log/slog"
	"os"
	"testing"
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
