package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"signpost/cmd/signpost/config/configtest"
)

// A file without a key, where variables say all: what they set counts, and what is
// missing is listed.
func TestAFileWithoutAKey(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "# all by environment\n"} {
		cfg, err := Parse("f.toml", []byte(file), []string{"SIGNPOST_SMTP__ADDRESS=relay.example.com:465"})
		if _, ok := errors.AsType[Faults](err); !ok || !strings.Contains(err.Error(), "base_url") {
			t.Errorf("file %q: %v, want what is missing", file, err)
		}
		if cfg.SMTP.Address != "relay.example.com:465" {
			t.Errorf("file %q: the variable set %q", file, cfg.SMTP.Address)
		}
	}
}

// TestTheEnvironmentSetsAnyKey: numbers, sizes, lists, tables whose ids no shell
// could spell, and a file that is meant as a file.
func TestTheEnvironmentSetsAnyKey(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	file := Example + "\n[mailbox.eu-west]\naddress = \"imap.example.com:993\"\nusername = \"eu@example.com\"\n"
	cfg, err := Parse("f.toml", []byte(file), append(configtest.Secrets(),
		"SIGNPOST_MAILBOX__EU_WEST__PASSWORD=four",
		"SIGNPOST_REGION__US__COUNTRIES=US, CA",
		"SIGNPOST_SERVICE__TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1",
		"SIGNPOST_FORM__MAX_FILE=10 MiB", "SIGNPOST_FORM__MAX_FILES=3",
		"SIGNPOST_DKIM__MAIN__DOMAIN=example.com", "SIGNPOST_DKIM__MAIN__SELECTOR=s", "SIGNPOST_DKIM__MAIN__KEY_FILE="+key,
		"SIGNPOST_SERVICE_HOST=10.0.0.9", // of another program
	))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Mailbox["eu-west"].Password; got != "four" || len(cfg.Mailbox) != 3 {
		t.Errorf("the password of mailbox eu-west is %q; there are %d mailboxes", got, len(cfg.Mailbox))
	}
	if got := cfg.Region["us"].Countries; !reflect.DeepEqual(got, []string{"US", "CA"}) {
		t.Errorf("countries are %q", got)
	}
	if len(cfg.Service.TrustedProxies) != 2 || cfg.Form.MaxFile != 10<<20 || cfg.Form.MaxFiles != 3 ||
		cfg.DKIM["main"].KeyFile != key {
		t.Errorf("proxies %v, max_file %d, max_files %d, key_file %q", cfg.Service.TrustedProxies, cfg.Form.MaxFile,
			cfg.Form.MaxFiles, cfg.DKIM["main"].KeyFile)
	}
}

// signingKey is the path of a fresh DKIM key.
func signingKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFaultsOfTheEnvironmentNameTheVariable: the file does not hold them.
func TestFaultsOfTheEnvironmentNameTheVariable(t *testing.T) {
	t.Parallel()
	_, err := Parse("f.toml", []byte(Example), append(configtest.Secrets(),
		"SIGNPOST_SMTP__SESIONS=3", "SIGNPOST_SMTP__PER_DOMAIN=1000", "SIGNPOST_SMTP_PASSWORD=x",
		"SIGNPOST_MAILBOX_US_PASSWORD=x",
		"SIGNPOST_OAUTH__MAIL__CLIENT_SECRET_FILE=/nonexistent", "SIGNPOST_REGION__US__COUNTRIES=US,Canada",
	))
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"SIGNPOST_SMTP__SESIONS: smtp.sesions: unknown key\n    Did you mean sessions?",
		"SIGNPOST_SMTP__PER_DOMAIN: smtp.per_domain: 1000 is out of range",
		"SIGNPOST_SMTP_PASSWORD: no key has this name\n    Two underscores part the levels: SIGNPOST_SMTP__PASSWORD",
		"SIGNPOST_MAILBOX_US_PASSWORD: no key has this name\n    Two underscores part the levels: " +
			"SIGNPOST_MAILBOX__US__PASSWORD",
		"SIGNPOST_OAUTH__MAIL__CLIENT_SECRET_FILE: oauth.mail.client_secret: the file cannot be read",
		`SIGNPOST_REGION__US__COUNTRIES: region.us.countries: "Canada" is no country code`,
	} {
		if !strings.Contains("\n"+err.Error(), "\n"+want) {
			t.Errorf("no fault begins %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}

// TestAKeyWithoutAName is no key of ours, nor of any table.
func TestAKeyWithoutAName(t *testing.T) {
	t.Parallel()
	_, err := Parse("f.toml", []byte("\"\" = 5\n"+Example), configtest.Secrets())
	if err == nil || !strings.Contains(err.Error(), "unknown key") {
		t.Errorf("got %v, want an unknown key", err)
	}
}

// TestWhatServeWouldRefuseIsAFault: check reads the same configuration, and must
// not call fine what serve then stumbles over.
func TestWhatServeWouldRefuseIsAFault(t *testing.T) {
	t.Parallel()
	file := Example + "\n[dkim.main]\ndomain = \"example.com\"\nselector = \"s\"\nkey_file = \"/dev/null\"\n"
	for _, change := range [][2]string{
		{`max_file = "20 MiB"`, `max_file = "0"`},
		{`max_total = "50 MiB"`, `max_total = "9999999999 GiB"` + "\n" + `types = ["png"]`},
		{`min_fill = "3s"`, `min_fill = "5m"`},
		{`posts_per_network = 30`, `posts_per_network = -1`},
		{`link_days = 365`, `link_days = 0`},
		{`base_url = "https://help.example.com"`, `base_url = "https://example.com/help"`},
		{`hosts = []`, `hosts = ["signpost:8080"]`},
		{`uploads_at_once = 200`, `uploads_at_once = -1`},
		{`uploads_per_day = "20 GiB"`, `uploads_per_day = "1 KiB"`},
		{`product = "Example Partner Support"`, `product = ""`},
	} {
		file = strings.Replace(file, change[0], change[1], 1)
	}
	_, err := Parse("f.toml", []byte(file), configtest.Secrets())
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"form.max_file: ", `form.max_total: "9999999999 GiB" is no size`, `form.types: "png" is not a media type`,
		"form.min_fill: 5m0s is not between",
		"form.posts_per_network: -1 is out of range", "form.link_days: ", "form.uploads_at_once: -1 is out of range",
		"form.uploads_per_day: ", `service.hosts: "signpost:8080" is no name`, "service.base_url: ", "service.product: ",
		"dkim.main.key_file: ",
	} {
		if !regexp.MustCompile(`(?m)^f\.toml:\d+: ` + regexp.QuoteMeta(want)).MatchString(err.Error()) {
			t.Errorf("no fault with its line says %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}

// TestEveryKeyStandsInTheExample: init's file is all the documentation there is of
// the configuration, so it names every key in its table, some behind a #.
func TestEveryKeyStandsInTheExample(t *testing.T) {
	t.Parallel()
	tables := map[string]string{} // what stands under each, all of a kind together
	heading := regexp.MustCompile(`(?m)^(?:# )?\[(\w+)[^\]]*\]$`)
	starts := heading.FindAllStringSubmatchIndex(Example, -1)
	for i, at := range starts {
		end := len(Example)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		tables[Example[at[2]:at[3]]] += Example[at[1]:end]
	}
	var look func(table string, known reflect.Type)
	look = func(table string, known reflect.Type) {
		for i := range known.NumField() {
			f := known.Field(i)
			key, secret := f.Tag.Get("toml"), f.Tag.Get("secret") != ""
			if key != "" && !secret && !regexp.MustCompile(`(?m)(^|^# |[{,] )`+key+` = `).MatchString(tables[table]) {
				t.Errorf("nothing shows the key %s of [%s]", key, table)
			}
			if f.Type.Kind() == reflect.Struct {
				look(table, f.Type)
			}
		}
	}
	for i, config := 0, reflect.TypeFor[Config](); i < config.NumField(); i++ {
		f := config.Field(i)
		kind := f.Type
		if kind.Kind() == reflect.Map {
			kind = kind.Elem()
		}
		if name := f.Tag.Get("toml"); name != "" {
			look(name, kind)
		}
	}
}

// TestTheEnvironmentIsTextAlone: numbers, truth values and lengths of time are read
// from it, and what is none is a fault of the variable.
func TestTheEnvironmentIsTextAlone(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("f.toml", []byte(Example), append(configtest.Secrets(),
		"SIGNPOST_MAILBOX__US__SILENT=true", "SIGNPOST_SMTP__NULL_SENDER=0", "SIGNPOST_FORM__MIN_FILL=5s",
		"SIGNPOST_CANARY__ON=",
		"SIGNPOST_RESPONDER__PER_DOMAIN_DAY=-1", "SIGNPOST_FORM__PROOF_OF_WORK=", "SIGNPOST_SERVICE__DISK_BUDGET=1048576",
	))
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.Mailbox["us"].Silent || cfg.SMTP.NullSender || cfg.Form.MinFill != 5*time.Second ||
		cfg.Responder.DomainDay != -1 || cfg.Form.ProofOfWork != 0 || cfg.Service.DiskBudget != 1<<20 {
		t.Errorf("read %+v, %+v, %+v, %+v", cfg.Mailbox["us"], cfg.SMTP, cfg.Form, cfg.Service.DiskBudget)
	}
	_, err = Parse("f.toml", []byte(Example), append(configtest.Secrets(),
		"SIGNPOST_SMTP__SESSIONS=four", "SIGNPOST_SMTP__NULL_SENDER=perhaps", "SIGNPOST_FORM__MIN_FILL=5",
		"SIGNPOST_MAILBOX__US__FOLDERS=Done", "SIGNPOST_FORM__MAX_FILES=2.5", "SIGNPOST_SERVICE__TRUSTED_PROXIES=nearby",
	))
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"SIGNPOST_SMTP__SESSIONS: smtp.sessions: is not a whole number",
		"SIGNPOST_SMTP__NULL_SENDER: smtp.null_sender: is not true or false",
		`SIGNPOST_FORM__MIN_FILL: form.min_fill: "5" is no duration`,
		"SIGNPOST_MAILBOX__US__FOLDERS: mailbox.us.folders: is not a table",
		"SIGNPOST_FORM__MAX_FILES: form.max_files: is not a whole number",
		`SIGNPOST_SERVICE__TRUSTED_PROXIES: service.trusted_proxies: "nearby" is no network`,
	} {
		if !strings.Contains("\n"+err.Error(), "\n"+want) {
			t.Errorf("no fault begins %q", want)
		}
	}
	if t.Failed() {
		t.Logf("faults were:\n%v", err)
	}
}
