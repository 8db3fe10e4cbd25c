package staff

import (
	"strings"
	"testing"
)

// The account whose passwords are checked.
var anas = []string{"Ana Müller-Lopez", "a.mueller@help.example.org", "Signpost Care", "desk.acme.example"}

func TestAPasswordThatIsGuessedFirstIsRefused(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"password123", "Password123!", "P@ssw0rd2024", "pa55w0rd!!!", "passwordpassword", "drowssap12345", "!!!Password!!!",
		"qwerty12345", "Qwertyuiop1", "1q2w3e4r5t", "1qaz2wsx3edc", "zaq12wsxcde", "asdfghjkl1", "qweasdzxc123", "azertyuiop",
		"qwertz123456",
		"1234567890", "0987654321", "1111111111", "121212121212", "2026-11-29", "29.11.2026!", "+491701234567", "!@#$%^&*()",
		"iloveyou2024", "1loveyou!!", "letmein12345", "Football2026", "dragon-monkey", "sunshine.summer", "Welcome2026!",
		"welcome to 2026",
		"abcdefghij", "abcd123456", "aaaaaaaaaaaa", "abcabcabcabc", "Password1!Password1!", "trustno1trustno1", "a1b2c3d4e5",
		"1a2b3c4d5e", "signpost-support", "RealMadrid1", "xy1234567890", "superman99!", "adm1n1strator", "@dministrator1",
		"contraseña1", "MotDePasse2025", "passwort1234", "katasandi123", "bismillah786", "密码密码密码密码密码",
	} {
		if words := CheckPassword(password); !strings.Contains(words, "guessed first") {
			t.Errorf("%q: %q", password, words)
		}
	}
}

func TestThePasswordIsNotTheAccountsOwnWords(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"AnaMullerLopez", "ana.lopez.1984", "Lopez-2026!!", "l0pez.mull3r", "a.mueller2026", "amueller99999", "example2026!",
		"acme-desk-2026", "Signpost2026!", "signpostcare", "signpost4ana", "desk.acme.example", "a.mueller@help.example.org",
		"mueller.acme!",
	} {
		if words := CheckPassword(password, anas...); !strings.Contains(words, "guessed first") {
			t.Errorf("%q: %q", password, words)
		}
	}
	if words := CheckPassword("l0pez.mull3r"); words != "" {
		t.Errorf("the words of another account are refused: %q", words)
	}
}

func TestAFewWordsOrChanceMakeAGoodPassword(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"a new password", "a long password", "correct horse battery", "correct horse", "kettle rain on tuesday",
		"ana likes green kettles",
		"signpost at the rainy crossing", "xkqvzjwpmb", "3f9a27b1c0", "Tr4ub-mixolydian", "93746501928374650183",
		strings.ToLower("JB2QXK5V7HN3MFWD4TZY6RCGPA"),
		"我家的猫喜欢吃鱼和米", "мой кот любит рыбу",
	} {
		if words := CheckPassword(password, anas...); words != "" {
			t.Errorf("%q: %q", password, words)
		}
	}
}

func TestNewPasswordsAreLongEnough(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"": "at least 10", "kettlerai": "at least 10", "kettlerain": "", "我家的猫喜欢吃鱼和": "at least 10",
		strings.Repeat("kettlerain", 52): "at most 512", "\xff\xfe kettle \x00 rain": "",
	} {
		if words := CheckPassword(password); want == "" && words != "" || !strings.Contains(words, want) {
			t.Errorf("%q: %q", password, words)
		}
	}
}

func FuzzAnyPasswordIsChecked(f *testing.F) {
	for _, seed := range []string{"password123", "a new password", "\xff", "İstanbul 2026", strings.Repeat("a1", 255)} {
		f.Add(seed, "Ana")
	}
	f.Fuzz(func(t *testing.T, password, own string) {
		if words := CheckPassword(password, own); words == "" &&
			(len(password) < MinPassword || len(password) > maxPassword) {
			t.Errorf("%q is taken", password)
		}
	})
}
