package staff

import (
	"errors"
	"strings"
	"testing"
)

func TestAPasswordIsItsHashsAlone(t *testing.T) {
	t.Parallel()
	hash := HashPassword("correct horse")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || hash == HashPassword("correct horse") {
		t.Errorf("the hash is %s", hash)
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false} {
		if got, err := samePassword(hash, password); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
}

// TestAHashFromElsewhereIsReadByItsOwnParameters takes the vector that the
// reference implementation prints for these.
func TestAHashFromElsewhereIsReadByItsOwnParameters(t *testing.T) {
	t.Parallel()
	if same, err := samePassword(cheap, "password"); err != nil || !same {
		t.Errorf("%v, %v", same, err)
	}
}

func TestABrokenOrCostlyHashIsRefused(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{
		"", "demo", "$2b$12$abc", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$!$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	} {
		if same, err := samePassword(hash, ""); same || !errors.Is(err, errHash) {
			t.Errorf("%q: %v, %v", hash, same, err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		HashPassword("correct horse")
	}
}
