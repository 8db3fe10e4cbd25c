package ident

import (
	"bytes"
	"testing"
)

func TestASealedValueOpensWhereItWasSealedAlone(t *testing.T) {
	t.Parallel()
	r, value, here := ringOf(t, 1), []byte("a secret of ours"), []byte("agent 7")
	sealed := r.Seal("totp", value, here)
	if bytes.Contains(sealed, value) || bytes.Equal(sealed, r.Seal("totp", value, here)) {
		t.Error("the sealed value tells what it holds, or that two are the same")
	}
	if plain, newest, ok := r.Unseal("totp", sealed, here); !ok || !newest || !bytes.Equal(plain, value) {
		t.Errorf("it opens as %q, %v, %v", plain, newest, ok)
	}
	for what, open := range map[string]func() ([]byte, bool, bool){
		"another context": func() ([]byte, bool, bool) { return r.Unseal("totp", sealed, []byte("agent 8")) },
		"another purpose": func() ([]byte, bool, bool) { return r.Unseal("key", sealed, here) },
		"another secret":  func() ([]byte, bool, bool) { return ringOf(t, 2).Unseal("totp", sealed, here) },
		"nothing":         func() ([]byte, bool, bool) { return r.Unseal("totp", nil, here) },
		"a plain value":   func() ([]byte, bool, bool) { return r.Unseal("totp", value, here) },
	} {
		if plain, _, ok := open(); ok || plain != nil {
			t.Errorf("%s: it opens as %q", what, plain)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, _, ok := r.Unseal("totp", changed, here); ok {
			t.Errorf("it opens with byte %d changed", i)
		}
		if _, _, ok := r.Unseal("totp", sealed[:i], here); ok {
			t.Errorf("it opens cut to %d bytes", i)
		}
	}
}

func TestAnOlderSecretUnsealsAndSaysSo(t *testing.T) {
	t.Parallel()
	sealed := ringOf(t, 1).Seal("totp", []byte("x"), nil)
	if plain, newest, ok := ringOf(t, 2, 1).Unseal("totp", sealed, nil); !ok || newest || string(plain) != "x" {
		t.Errorf("after a new secret: %q, %v, %v", plain, newest, ok)
	}
}
