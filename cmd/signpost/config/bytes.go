package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size, written "20 MiB", "512 KiB", "1 GiB" or as a plain number.
type Bytes int64

func parseBytes(text string) (Bytes, error) {
	s, unit := strings.TrimSpace(text), int64(1)
	for suffix, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(rest), factor
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size; write it like 20 MiB", text)
	}
	return Bytes(n * unit), nil
}

// Words are the size as a person reads it.
func (b Bytes) Words() string {
	switch {
	case b >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(b)/(1<<30))
	case b >= 1<<20:
		return fmt.Sprintf("%d MiB", b>>20)
	}
	return fmt.Sprintf("%d KiB", b>>10)
}
