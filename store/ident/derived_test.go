package ident

import (
	"bytes"
	"testing"
)

func TestKeysDerivedForAPurposeOutliveAChangedSecret(t *testing.T) {
	t.Parallel()
	old, fresh := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("f"), 32)
	before, err := New(old)
	if err != nil {
		t.Fatal(err)
	}
	after, err := New(fresh, old)
	if err != nil {
		t.Fatal(err)
	}
	was, is := before.Derived("form"), after.Derived("form")
	if len(was) != 1 || len(is) != 2 || !bytes.Equal(was[0], is[1]) || bytes.Equal(is[0], is[1]) {
		t.Errorf("the new secret mints and the old one still verifies: %x then %x", was, is)
	}
	if bytes.Equal(before.Derived("other")[0], was[0]) {
		t.Error("two purposes share a key")
	}
}
