package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Load reads the file and the environment over the defaults. The error is
// Faults, every one of them, whenever the file could be read.
func Load(path string, environ []string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w; make one with: signpost init %s", err, path)
	}
	return Parse(path, raw, environ)
}

// LoadWithoutLogins is Load for subcommands that log in nowhere.
func LoadWithoutLogins(path string, environ []string) (Config, error) {
	return LoadWithout(path, environ, LacksLogin)
}

// LoadWithout is Load for a subcommand that does without some secrets.
func LoadWithout(path string, environ []string, lacks ...Lack) (Config, error) {
	cfg, err := Load(path, environ)
	if faults := (Faults)(nil); errors.As(err, &faults) {
		err = faults.Besides(lacks...)
	}
	return cfg, err
}

// Parse reads a configuration that is at hand: the text of a file, whose path faults
// name, with the variables of environ ("KEY=value") over it and the defaults under it.
// Its error is a Faults that lists every fault.
func Parse(path string, raw []byte, environ []string) (Config, error) {
	written := map[string]any{}
	if err := toml.Unmarshal(raw, &written); err != nil {
		return Config{}, syntaxFault(path, raw, err)
	}
	lines, order, _ := keyLines(raw)
	faults := collector{file: path, lines: lines, variables: map[string]string{}}
	faults.secretsInFile("", written)
	overlay(written, faults.fromEnviron(environ, written))
	cfg := Default()
	faults.decode("", written, reflect.ValueOf(&cfg).Elem())
	for id, r := range cfg.Region {
		cfg.Region[id] = r.withDefaults()
	}
	for id, m := range cfg.Mailbox {
		cfg.Mailbox[id] = m.withDefaults()
	}
	cfg.regionOrder = tablesUnder("region", order)
	faults.readSecretFiles(&cfg)
	faults.validate(&cfg)
	return cfg, faults.err()
}

// syntaxFault words a file that is not TOML; nothing after the fault can be
// believed, so it is the only one.
func syntaxFault(path string, raw []byte, err error) error {
	f := Fault{File: path, What: strings.TrimPrefix(err.Error(), "toml: "),
		Hint: "The file is TOML: key = \"value\" lines under [table] headings."}
	if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
		f.Line, _ = d.Position()
	} else {
		_, _, f.Line = keyLines(raw)
	}
	return Faults{f}
}

// keyLines maps every key and table of the file to its line, lists the tables in
// order, and tells the line of the first that stands there again.
func keyLines(raw []byte) (lines map[string]int, order []string, again int) {
	lines = map[string]int{}
	note := func(key string, line int) {
		if lines[key] > 0 && again == 0 {
			again = line
		}
		lines[key] = line
	}
	var p unstable.Parser
	p.Reset(raw)
	table := ""
	for p.NextExpression() {
		node := p.Expression()
		key, line := nodeKey(&p, node)
		switch node.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = key + "."
			note(key, line)
			order = append(order, key)
		case unstable.KeyValue:
			note(table+key, line)
		}
	}
	return lines, order, again
}

func nodeKey(p *unstable.Parser, node *unstable.Node) (string, int) {
	var parts []string
	line := 0
	for it := node.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
		if line == 0 {
			line = p.Shape(it.Node().Raw).Start.Line
		}
	}
	return strings.Join(parts, "."), line
}

func tablesUnder(parent string, order []string) []string {
	var ids []string
	for _, key := range order {
		if id, ok := strings.CutPrefix(key, parent+"."); ok && !strings.Contains(id, ".") {
			ids = append(ids, id)
		}
	}
	return ids
}
