package config

import (
	"os"
	"reflect"
	"strings"
)

// fromEnviron reads SIGNPOST_TABLE__KEY=value variables: two underscores part
// the levels, commas the items of a list, and a name ending in _FILE behind that
// of a secret holds the path of a file with it, for secrets that are mounted.
// SIGNPOST_SECRET is service.secret. Where the file has a table whose id holds a
// dash, an underscore stands for it: no shell sets a variable with one.
func (c *collector) fromEnviron(environ []string, file map[string]any) map[string]any {
	values := map[string]any{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		path, ok := strings.CutPrefix(name, "SIGNPOST_")
		if path == "SECRET" || path == "SECRET_FILE" {
			path = "SERVICE__" + path
		}
		if !ok {
			continue
		}
		if !strings.Contains(path, "__") {
			c.oneUnderscore(name, strings.ToLower(path))
			continue
		}
		key := keyInFile(strings.Split(strings.ToLower(path), "__"), file)
		plain, isFile := strings.CutSuffix(key, "_file")
		if _, secret := typeAt(plain); isFile && secret {
			c.variables[plain] = name
			values[plain] = c.secretFrom(plain, value)
			continue
		}
		c.variables[key] = name
		values[key] = listed(key, value)
	}
	return values
}

// keyInFile joins the levels of a variable's name to a key, with the id that the
// file spells.
func keyInFile(levels []string, file map[string]any) string {
	if tables, ok := file[levels[0]].(map[string]any); ok && len(levels) > 1 {
		for _, id := range sorted(tables) {
			if _, isTable := tables[id].(map[string]any); isTable && strings.ReplaceAll(id, "-", "_") == levels[1] {
				levels[1] = id
			}
		}
	}
	return strings.Join(levels, ".")
}

// listed parts the value of a key that is a list.
func listed(key, value string) any {
	if t, _ := typeAt(key); t == nil || t.Kind() != reflect.Slice {
		return value
	}
	items := []any{}
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// secretFrom reads the secret that a variable names by path.
func (c *collector) secretFrom(key, path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		c.lacking(lackOf(key), key, "the file cannot be read: "+err.Error(), "")
	}
	return strings.TrimRight(string(raw), "\r\n")
}

// lackOf is what a subcommand cannot do without the secret of a key.
func lackOf(key string) Lack {
	if key == "service.secret" {
		return LacksSecret
	}
	return LacksLogin
}

// oneUnderscore refuses the name that a key would have if one underscore parted
// the levels, which would have no effect. Others belong to other programs: Kubernetes,
// for one, sets SIGNPOST_SERVICE_HOST beside a service of that name.
func (c *collector) oneUnderscore(name, path string) {
	table, rest, _ := strings.Cut(path, "_")
	t, _ := typeAt(table)
	for _, key := range knownKeys(table) {
		meant := key
		if t.Kind() == reflect.Map {
			id, _ := strings.CutSuffix(rest, "_"+key)
			meant = id + "." + key
		}
		if rest == strings.ReplaceAll(meant, ".", "_") {
			c.faults = append(c.faults, Fault{File: name, What: "no key has this name",
				Hint: "Two underscores part the levels: " + variableOf(table+"."+meant)})
			return
		}
	}
}

// overlay lays values over the tables of the file, by key. Those of keys that hold no
// value go last: where another variable disagrees it is they that are told of.
func overlay(tables, values map[string]any) {
	for _, holdValues := range []bool{true, false} {
		for _, key := range sorted(values) {
			t, _ := typeAt(key)
			holds := t != nil && t.Kind() != reflect.Struct && t.Kind() != reflect.Map
			if holds == holdValues {
				put(tables, strings.Split(key, "."), values[key])
			}
		}
	}
}

// put sets a key, whose levels these are, in nested tables; it takes the place of
// what is no table.
func put(tables map[string]any, levels []string, value any) {
	if len(levels) == 1 {
		tables[levels[0]] = value
		return
	}
	below, ok := tables[levels[0]].(map[string]any)
	if !ok {
		below = map[string]any{}
		tables[levels[0]] = below
	}
	put(below, levels[1:], value)
}

// variableOf is the variable that sets a key.
func variableOf(key string) string {
	if key == "service.secret" {
		return "SIGNPOST_SECRET"
	}
	return "SIGNPOST_" + strings.ToUpper(strings.NewReplacer(".", "__", "-", "_").Replace(key))
}

// typeAt is what a key or a table holds, and whether it is a secret; nil where
// Config has no such key.
func typeAt(key string) (t reflect.Type, secret bool) {
	t = reflect.TypeFor[Config]()
	if key == "" {
		return t, false
	}
	for part := range strings.SplitSeq(key, ".") {
		switch t.Kind() {
		case reflect.Map:
			t, secret = t.Elem(), false
		case reflect.Struct:
			field, ok := taggedField(t, part)
			if !ok {
				return nil, false
			}
			t, secret = field.Type, field.Tag.Get("secret") != ""
		default:
			return nil, false
		}
	}
	return t, secret
}

func taggedField(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); name != "" && f.Tag.Get("toml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// secretsInFile refuses secrets written into the file, which ends in backups
// and version control.
func (c *collector) secretsInFile(table string, values map[string]any) {
	for _, name := range sorted(values) {
		key := strings.TrimPrefix(table+"."+name, ".")
		if below, isTable := values[name].(map[string]any); isTable {
			c.secretsInFile(key, below)
		} else if _, secret := typeAt(key); secret {
			c.add(key, "a secret does not belong in this file", "Set "+variableOf(key)+" in the environment, or "+name+
				"_file here to the path of a file that only Signpost may read.")
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
		c.lacking(LacksLogin, key, err.Error(), "")
		return
	}
	*into = strings.TrimRight(string(raw), "\r\n")
}
