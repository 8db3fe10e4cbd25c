package main

import (
	"os"
	"reflect"
	"sort"
	"strings"
)

// fromEnviron reads SIGNPOST_TABLE__KEY=value variables: two underscores part
// the levels, and a name ending in _FILE holds the path of a file with the
// value, for secrets that are mounted. SIGNPOST_SECRET is service.secret.
func fromEnviron(environ []string, faults *collector) map[string]any {
	values := map[string]any{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		path, ok := strings.CutPrefix(name, "SIGNPOST_")
		if path == "SECRET" || path == "SECRET_FILE" {
			path = "SERVICE__" + path
		}
		if !ok || !strings.Contains(path, "__") {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(path, "__", "."))
		if plain, isFile := strings.CutSuffix(key, "_file"); isFile {
			raw, err := os.ReadFile(value)
			if err != nil {
				faults.add(plain, "the file named by "+name+" cannot be read: "+err.Error(), "")
				continue
			}
			key, value = plain, strings.TrimRight(string(raw), "\r\n")
		}
		values[key] = value
	}
	return values
}

// secretKeys lists the last names of keys that are secrets, with the variable
// that may carry each.
func secretKeys() map[string]string {
	keys := map[string]string{}
	for _, t := range []reflect.Type{reflect.TypeFor[ServiceConfig](), reflect.TypeFor[MailboxConfig](), reflect.TypeFor[SMTPConfig](), reflect.TypeFor[OAuthConfig]()} {
		for i := range t.NumField() {
			if env := t.Field(i).Tag.Get("secret"); env != "" {
				keys[t.Field(i).Tag.Get("koanf")] = env
			}
		}
	}
	return keys
}

// secretsInFile refuses secrets written into the file, which ends in backups
// and version control.
func (c *collector) secretsInFile(keys []string) {
	secret := secretKeys()
	sort.Strings(keys)
	for _, key := range keys {
		last := key[strings.LastIndexByte(key, '.')+1:]
		if _, ok := secret[last]; ok {
			env := "SIGNPOST_" + strings.ToUpper(strings.ReplaceAll(key, ".", "__"))
			c.add(key, "a secret does not belong in this file", "Set "+env+" in the environment, or "+last+"_file here to the path of a file that only Signpost may read.")
		}
	}
}

// readSecretFiles fills the secrets that the file names by path.
func (c *collector) readSecretFiles(cfg *Config) {
	c.readSecret("smtp.password_file", cfg.SMTP.PasswordFile, &cfg.SMTP.Password)
	for id, m := range cfg.Mailbox {
		c.readSecret("mailbox."+id+".password_file", m.PasswordFile, &m.Password)
		cfg.Mailbox[id] = m
	}
	for id, o := range cfg.OAuth {
		c.readSecret("oauth."+id+".client_secret_file", o.ClientSecretFile, &o.ClientSecret)
		c.readSecret("oauth."+id+".refresh_token_file", o.RefreshTokenFile, &o.RefreshToken)
		cfg.OAuth[id] = o
	}
}

func (c *collector) readSecret(key, path string, into *string) {
	if path == "" || *into != "" {
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		c.add(key, err.Error(), "")
		return
	}
	*into = strings.TrimRight(string(raw), "\r\n")
}

// redacted is the configuration as it may be logged: secrets shown only as set
// or not.
func (c Config) redacted() Config {
	hide := func(s *string) {
		if *s != "" {
			*s = "(set)"
		}
	}
	hide(&c.Service.Secret)
	hide(&c.SMTP.Password)
	hide(&c.Alarm.Webhook)
	boxes := map[string]MailboxConfig{}
	for id, m := range c.Mailbox {
		hide(&m.Password)
		boxes[id] = m
	}
	c.Mailbox = boxes
	accounts := map[string]OAuthConfig{}
	for id, o := range c.OAuth {
		hide(&o.ClientSecret)
		hide(&o.RefreshToken)
		accounts[id] = o
	}
	c.OAuth = accounts
	return c
}
