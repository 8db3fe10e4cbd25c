package config

import (
	"reflect"
	"strings"
)

// Redacted is the configuration as it may be logged: secrets shown only as set
// or not.
func (c Config) Redacted() Config {
	hide := func(s *string) {
		if *s != "" {
			*s = "(set)"
		}
	}
	hide(&c.Service.Secret)
	hide(&c.SMTP.Password)
	hide(&c.Alarm.Webhook)
	boxes := map[string]Mailbox{}
	for id, m := range c.Mailbox {
		hide(&m.Password)
		boxes[id] = m
	}
	c.Mailbox = boxes
	accounts := map[string]OAuth{}
	for id, o := range c.OAuth {
		hide(&o.ClientSecret)
		hide(&o.RefreshToken)
		accounts[id] = o
	}
	c.OAuth = accounts
	return c
}

// SecretFiles are the files that the configuration names for its secrets, by key:
// all settings that end in _file.
func (c Config) SecretFiles() map[string]string {
	files := map[string]string{}
	addSecretFiles(files, "", reflect.ValueOf(c))
	return files
}

func addSecretFiles(files map[string]string, key string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Map:
		for _, id := range v.MapKeys() {
			addSecretFiles(files, key+id.String()+".", v.MapIndex(id))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("toml")
			if name == "" {
				continue
			}
			if path, ok := v.Field(i).Interface().(string); ok && strings.HasSuffix(name, "_file") && path != "" {
				files[key+name] = path
			}
			addSecretFiles(files, key+name+".", v.Field(i))
		}
	}
}
