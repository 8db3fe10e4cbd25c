package staff

import (
	"testing"
	"time"
)

// TestCodesAreTheStandards compares with the vectors of RFC 6238 appendix B
// (SHA-1) and RFC 4226 appendix D.
func TestCodesAreTheStandards(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := codeOf(secret, stepAt(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	for step, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := codeOf(secret, uint64(step), codeDigits); got != want {
			t.Errorf("step %d: %s, want %s", step, got, want)
		}
	}
}

func TestACodeCountsNearItsTimeAndOnce(t *testing.T) {
	t.Parallel()
	secret, now := newSecret(), time.Unix(1_700_000_000, 0)
	at := stepAt(now)
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		step := uint64(int64(at) + off)
		got := checkCode(secret, codeOf(secret, step, codeDigits), now, 0)
		if (got == step) != want {
			t.Errorf("a code of %+d steps: %d", off, got)
		}
	}
	code := codeOf(secret, at, codeDigits)
	if checkCode(secret, code, now, at) != 0 {
		t.Error("a used code was taken again")
	}
	if checkCode(secret, code[:3]+" "+code[3:], now, at-1) != at {
		t.Error("a code typed in two groups was refused")
	}
	for _, typed := range []string{"", "0", code + "0", codeOf(newSecret(), at, codeDigits), "12345a"} {
		if got := checkCode(secret, typed, now, 0); got != 0 && typed != code {
			t.Errorf("%q was taken for step %d", typed, got)
		}
	}
	if checkCode(secret, codeOf(secret, 0, codeDigits), time.Unix(3, 0), 0) != 0 {
		t.Error("step 0, which stands for no code, was taken")
	}
}

func TestASecretIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	got, ok := readSecret(shownSecret(secret))
	if !ok || string(got) != string(secret) {
		t.Errorf("%q read as %x", shownSecret(secret), got)
	}
	for _, wrong := range []string{"", "AAAA", "1111 1111 1111 1111 1111 1111 1111 1111"} {
		if _, ok := readSecret(wrong); ok {
			t.Errorf("%q was read", wrong)
		}
	}
	want := "otpauth://totp/Desk%20&%20Co:a@b.example?issuer=Desk+%26+Co&secret=" + secretText.EncodeToString(secret)
	if got := secretLink("Desk & Co", "a@b.example", secret); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
