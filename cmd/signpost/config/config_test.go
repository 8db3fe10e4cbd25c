package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"signpost/cmd/signpost/config/configtest"
)

func TestTheExampleHasNoFault(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("signpost.toml", []byte(Example), configtest.Secrets())
	if err != nil {
		t.Fatalf("the configuration that init writes has faults:\n%v", err)
	}
	if got := cfg.Regions(); len(got) != 2 || got[0].ID != "us" || got[1].ID != "intl" {
		t.Errorf("regions are %v, want us and intl in the order of the file", got)
	}
	if cfg.Form.MaxFile != 20<<20 || cfg.SMTP.Password != "one" || cfg.Mailbox["intl"].Password != "three" {
		t.Errorf("max_file %d, SMTP password %q, mailbox password %q", cfg.Form.MaxFile, cfg.SMTP.Password,
			cfg.Mailbox["intl"].Password)
	}
}

// TestEveryFaultIsNamedWithItsLine breaks many things at once: a
// person who mends a configuration wants the whole list.
func TestEveryFaultIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	file := `[service]
base_url = "help.example.com"
lisen = "127.0.0.1:8080"
data = "/tmp/x"

[region.us]
prefix = "us"
address = "Support <a@example.com>"
name = "Support"
countries = ["US", "usa"]
zone = "America/Nowhere"
hours = "Mon-Fri 9 to 5"
first_response = "a day"
mailbox = "none"
attach_files = "20 MiB"

[smtp]
address = "smtp.example.com"
password = "hunter2"
sessions = 0

[form]
max_file = "20 MB"
`
	_, err := Parse("f.toml", []byte(file), nil)
	faults, ok := err.(Faults)
	if !ok {
		t.Fatalf("got %v, want faults", err)
	}
	want := []string{
		"f.toml:2: service.base_url:", "f.toml:3: service.lisen: unknown key\n    Did you mean listen?",
		"f.toml:1: service.secret_file: no installation secret",
		"f.toml:7: region.us.prefix:", "f.toml:8: region.us.address:", "f.toml:10: region.us.countries:",
		"f.toml:11: region.us.zone:", "f.toml:12: region.us.hours:", "f.toml:13: region.us.first_response:",
		"f.toml:14: region.us.mailbox:",
		"f.toml:15: region.us.attach_files: 20 MiB are too much for a mail\n    Write 10 MiB",
		"f.toml:18: smtp.address:", "f.toml:19: smtp.password: a secret does not belong",
		"f.toml:20: smtp.sessions:", "f.toml:23: form.max_file:",
		"f.toml: region: no region serves the countries that none names",
	}
	text := faults.Error()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no fault begins %q", w)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Error("a secret is printed")
	}
	if t.Failed() {
		t.Logf("faults were:\n%s", text)
	}
}

// A zone that depends on the machine is refused before anything is opened: serve
// would migrate the store and then fail.
func TestAZoneOfTheMachineIsNoZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"", "Local", "America/Nowhere", "../etc/localtime"} {
		file := strings.Replace(string(Example), "zone = \"America/New_York\"", "zone = "+strconv.Quote(zone), 1)
		if file == string(Example) {
			t.Fatal("the example names no zone that could be replaced")
		}
		_, err := Parse("f.toml", []byte(file), []string{"SIGNPOST_SERVICE__SECRET=" + strings.Repeat("x", 44)})
		if err == nil || !strings.Contains(err.Error(), ".zone: unknown time zone "+strconv.Quote(zone)) {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

func TestAFileThatIsNotTOMLNamesTheLine(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"[service]\nbase_url = \"x\nlisten = 1\n":                "f.toml:2: ",
		"[service]\nlisten = \"x\"\n\nlisten = \"y\"\n":          "f.toml:4: key listen is already defined",
		"[smtp]\nsessions = 1\n[form]\n[smtp]\nper_domain = 2\n": "f.toml:4: ",
	} {
		if _, err := Parse("f.toml", []byte(file), nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", file, err, want)
		}
	}
}

// TestAValueOfAnotherKindIsSaidInPlainWords, in those of the person who writes the
// file and not in a programmer's, and without the value: it may be a secret.
func TestAValueOfAnotherKindIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	file := `region = 5
[service]
trusted_proxies = ["10.0.0.0/8", "nearby"]
product = { name = "x" }
[smtp]
sessions = [1, 2]
null_sender = "perhaps"
[alarm]
repeat = [1]
mail = { to = "x" }
[form]
max_file = true
min_fill = 3
max_files = 2.5
categories = "Orders, Payouts"
`
	_, err := Parse("f.toml", []byte(file), nil)
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"f.toml:1: region: is not a table", `f.toml:3: service.trusted_proxies: "nearby" is no network`,
		"f.toml:4: service.product: is not a text",
		"f.toml:6: smtp.sessions: is not a whole number", "f.toml:7: smtp.null_sender: is not true or false",
		"f.toml:9: alarm.repeat: is not a duration", "f.toml:10: alarm.mail: is not a list",
		"f.toml:12: form.max_file: is not a size",
		"f.toml:13: form.min_fill: is not a duration", "f.toml:14: form.max_files: is not a whole number",
		"f.toml:15: form.categories: is not a list",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault says %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(configtest.Secrets()[:1:1], "SIGNPOST_SMTP__PASSWORD_FILE="+path,
		"SIGNPOST_MAILBOX__US__PASSWORD=x", "SIGNPOST_MAILBOX__INTL__PASSWORD=x")
	cfg, err := Parse("signpost.toml", []byte(Example), environ)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.SMTP.Password != "from a file" {
		t.Errorf("password is %q", cfg.SMTP.Password)
	}
	if shown := cfg.Redacted(); shown.SMTP.Password != "(set)" || shown.Mailbox["us"].Password != "(set)" ||
		cfg.Mailbox["us"].Password != "x" {
		t.Error("Redacted shows a secret, or changed the configuration")
	}
}

// TestFaultsOfMailboxes: what would loop, or leave mail unanswered for ever.
func TestFaultsOfMailboxes(t *testing.T) {
	t.Parallel()
	file := strings.Replace(Example, `folders = { answered = "", bounces = "", automatic = "", unclear = "" }`,
		`folders = { answered = "inbox", bounces = "Bounces" }`, 1)
	file = strings.Replace(file, "mailbox = \"intl\"",
		"mailbox = \"bounces\"\nbounce_address = \"a-name-that-is-too-long-to-be-tagged@example.com\"", 1)
	file = strings.Replace(file, "partner-us.support@example.com\"\nname", "support@bücher.example\"\nname", 1)
	file = strings.Replace(file, "partner.support@example.com\"\nname", "desk%support@example.com\"\nname", 1)
	file += "\n[mailbox.bounces]\nbounces = true\naddress = \"imap.example.com:143\"\ntls = \"none\"\nusername = " +
		"\"bounces@example.com\"\npassword_file = \"/dev/null\"\n"
	_, err := Parse("f.toml", []byte(file), configtest.Secrets())
	for _, want := range []string{
		`mailbox.us.folders.answered: "inbox" is the folder that is watched`,
		"region.intl.mailbox: mailbox bounces is for bounces",
		"region.intl.bounce_address: the part before the @ is too long", "mailbox.bounces.password_file: no password",
		`region.us.address: "support@bücher.example" has a domain beyond ASCII`,
		"Write it as it stands in the DNS: xn--bcher-kva.example",
		`region.intl.address: "desk%support@example.com" is no plain mail address: it names a way through another server`,
		"mailbox.bounces.tls: the password, and all mail, would cross the network in the clear",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault begins %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}

// TestFaultsOfAlarmsAndTheCanary: alarms that would reach no person, a canary that would
// answer itself, and a role that there is not.
func TestFaultsOfAlarmsAndTheCanary(t *testing.T) {
	t.Parallel()
	file := strings.Replace(Example, "\nmail = []",
		"\n"+`mail = ["partner.support@example.com", "Ops <ops@example.com>", "ops!night@relay.example"]`, 1)
	file = strings.Replace(file, `disk_fills_within = "12h"`, `disk_fills_within = "-1s"`, 1)
	file = strings.Replace(file, "on = false",
		"on = true\naddress = \"partner-us.support@example.com\"\nmailbox = \"us\"", 1)
	file = strings.Replace(file, `every = "30m"`, `every = "1s"`, 1)
	file = strings.Replace(file, `limit = "10m"`, `limit = "2h"`, 1)
	file = strings.Replace(file, `webhook = ""`, `webhook = "hooks.example.com/x"`, 1)
	file = strings.Replace(file, `repeat = "1h"`, `repeat = "1s"`, 1)
	file = strings.Replace(file, "[region.intl]", "[region.signpost]", 1)
	file = strings.Replace(file, `require_factor = ["ops"`, `require_factor = ["root"`, 1)
	file = strings.Replace(file, `prefix = "US"`, `prefix = "CANARY"`, 1)
	_, err := Parse("f.toml", []byte(file), configtest.Secrets())
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"alarm.mail: partner.support@example.com is one of our own addresses",
		`alarm.mail: "Ops <ops@example.com>" is no plain mail address`,
		`alarm.mail: "ops!night@relay.example" is no plain mail address: it names a way through another server`,
		"alarm.disk_fills_within: -1s is out of range", "canary.mailbox: mailbox us is that of region.us",
		"canary.every: 1s is too often", "canary.limit: 2h0m0s is out of range",
		"alarm.webhook: not the address of a web service", "alarm.repeat: 1s is too often",
		"canary.address: partner-us.support@example.com is one of our own addresses", "region.signpost: that id is taken",
		`region.us.prefix: "CANARY" is no prefix`, `staff.require_factor: "root" is no role`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault says %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}

func TestAWholeCanaryIsNoFault(t *testing.T) {
	t.Parallel()
	file := strings.Replace(Example, "on = false", "on = true\naddress = \"canary@example.com\"\nmailbox = \"canary\"",
		1) +
		"\n[mailbox.canary]\naddress = \"imap.example.com:993\"\nusername = \"canary@example.com\"\n"
	cfg, err := Parse("f.toml", []byte(file), append(configtest.Secrets(), "SIGNPOST_MAILBOX__CANARY__PASSWORD=four"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.OwnAddresses()("canary@example.com") || !cfg.IsCanary("canary") || cfg.IsCanary("us") {
		t.Error("the canary is no stranger")
	}
}
