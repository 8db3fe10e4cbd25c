package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Fault is one thing wrong with the configuration.
type Fault struct {
	File string // or the variable that holds the key
	Line int    // 0 when no line holds the key (it is missing)
	Key  string // "region.us.hours"
	What string
	Hint string

	lack lack
}

// lack tells a secret that is not at hand from what is wrong: a service gets its
// secrets from whoever starts it, and the shell of an operator who runs a
// subcommand has not all of them.
type lack int

const (
	lacksNothing lack = iota
	lacksSecret       // that the service signs with
	lacksLogin        // at a mail host
)

func (f Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	text := where + ": "
	if f.Key != "" {
		text += f.Key + ": "
	}
	text += f.What
	if f.Hint != "" {
		text += "\n    " + f.Hint
	}
	return text
}

// Faults are all of them, in the order of the file.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// besides are the faults of all who can do without what is lacking: nil when
// there are none.
func (fs Faults) besides(lacking ...lack) error {
	var rest Faults
	for _, f := range fs {
		if !slices.Contains(lacking, f.lack) {
			rest = append(rest, f)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// Bytes is a size, written "20 MiB", "512 KiB", "1 GiB" or as a plain number.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	unit := int64(1)
	for suffix, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(rest), factor
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return noValue("%q is no size; write it like 20 MiB", text)
	}
	*b = Bytes(n * unit)
	return nil
}

// loadConfig reads the file and the environment over the defaults. The error is
// Faults, every one of them, whenever the file could be read.
func loadConfig(path string, environ []string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w; make one with: signpost init %s", err, path)
	}
	return parseConfig(path, raw, environ)
}

// loadWithoutLogins is loadConfig for subcommands that log in nowhere.
func loadWithoutLogins(path string, environ []string) (Config, error) {
	return loadBesides(path, environ, lacksLogin)
}

// loadBesides is loadConfig for a subcommand that does without some secrets.
func loadBesides(path string, environ []string, lacks ...lack) (Config, error) {
	cfg, err := loadConfig(path, environ)
	if faults := (Faults)(nil); errors.As(err, &faults) {
		err = faults.besides(lacks...)
	}
	return cfg, err
}

func parseConfig(path string, raw []byte, environ []string) (Config, error) {
	var written map[string]any
	if err := toml.Unmarshal(raw, &written); err != nil {
		return Config{}, syntaxFault(path, raw, err)
	}
	lines, order, _ := keyLines(raw)
	faults := collector{file: path, lines: lines, variables: map[string]string{}}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(written, ""), nil); err != nil {
		return Config{}, err
	}
	faults.secretsInFile(k.Keys())
	if err := k.Load(confmap.Provider(faults.fromEnviron(environ, written), "."), nil); err != nil {
		return Config{}, err
	}
	cfg := defaultConfig()
	faults.decode("", k.Raw(), reflect.ValueOf(&cfg).Elem())
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
	f := Fault{File: path, What: strings.TrimPrefix(err.Error(), "toml: "), Hint: "The file is TOML: key = \"value\" lines under [table] headings."}
	if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
		f.Line, _ = d.Position()
	} else {
		_, _, f.Line = keyLines(raw)
	}
	return Faults{f}
}

// collector gathers faults and knows where every key stands.
type collector struct {
	file      string
	lines     map[string]int
	variables map[string]string // by key, of those that the environment sets
	faults    Faults
}

func (c *collector) add(key, what, hint string) { c.lacking(lacksNothing, key, what, hint) }

// lacking adds a fault that not every subcommand minds.
func (c *collector) lacking(l lack, key, what, hint string) {
	f := Fault{File: c.file, Line: c.line(key), Key: key, What: what, Hint: hint, lack: l}
	if variable, ok := c.variables[key]; ok {
		f.File, f.Line = variable, 0
	}
	c.faults = append(c.faults, f)
}

// line is the key's own line, or that of the nearest table above it.
func (c *collector) line(key string) int {
	for key != "" {
		if n, ok := c.lines[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	return 0
}

func (c *collector) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	sort.SliceStable(c.faults, func(i, j int) bool { return c.faults[i].Line < c.faults[j].Line })
	return c.faults
}

// decode fills a struct, key by key, so that one bad value hides no other, and
// notes every key of a wrong type and every unknown one.
func (c *collector) decode(table string, values map[string]any, into reflect.Value) {
	for _, name := range sortedKeys(values) {
		key := strings.TrimPrefix(table+"."+name, ".")
		field, ok := taggedField(into.Type(), name)
		if !ok {
			c.add(key, "unknown key", nearestKey(key))
			continue
		}
		c.decodeField(key, values[name], into.FieldByIndex(field.Index))
	}
}

func (c *collector) decodeField(key string, value any, field reflect.Value) {
	below, isTable := value.(map[string]any)
	switch {
	case isTable && field.Kind() == reflect.Struct:
		c.decode(key, below, field)
	case isTable && field.Kind() == reflect.Map:
		c.decodeTables(key, below, field)
	default:
		_, set := c.variables[key] // and so is text, whatever the key holds
		if err := decodeValue(value, field.Addr().Interface(), set); err != nil {
			c.add(key, err.Error(), "")
		}
	}
}

// decodeTables fills a map of tables, [region.us] and its like.
func (c *collector) decodeTables(key string, tables map[string]any, field reflect.Value) {
	field.Set(reflect.MakeMap(field.Type()))
	for _, id := range sortedKeys(tables) {
		one := reflect.New(field.Type().Elem()).Elem()
		if values, ok := tables[id].(map[string]any); ok {
			c.decode(key+"."+id, values, one)
		} else {
			c.add(key+"."+id, "is not a table", "Write ["+key+"."+id+"] on a line of its own, its keys below.")
		}
		field.SetMapIndex(reflect.ValueOf(id), one)
	}
}

// decodeValue fills one value, which text may stand for; an error says what was
// expected in plain words.
func decodeValue(value, into any, text bool) error {
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: into, WeaklyTypedInput: text,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(wholeNumbers, textToDuration, numberToBytes, textToPrefix, mapstructure.TextUnmarshallerHookFunc()),
	})
	if err != nil {
		return err
	}
	if err = decoder.Decode(value); err == nil {
		return nil
	}
	if ours := valueFault(""); errors.As(err, &ours) {
		return ours
	}
	return noValue("is not %s", expected(reflect.TypeOf(into).Elem()))
}

// valueFault says in our own words what is wrong with a value.
type valueFault string

func (f valueFault) Error() string { return string(f) }

func noValue(format string, args ...any) error { return valueFault(fmt.Sprintf(format, args...)) }

// expected names what a key of a type holds.
func expected(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration, such as \"24h\""
	case t == reflect.TypeFor[Bytes]():
		return "a size, such as \"20 MiB\""
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list, such as [\"one\", \"two\"]"
	case t.Kind() == reflect.String:
		return "a text, such as \"one\""
	}
	return "a table: its keys belong below a [heading]"
}

// wholeNumbers drops no fraction.
func wholeNumbers(from, to reflect.Type, v any) (any, error) {
	if from.Kind() == reflect.Float64 && to.Kind() != reflect.Float64 {
		return nil, noValue("is not %s", expected(to))
	}
	return v, nil
}

func textToDuration(_, to reflect.Type, v any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() {
		return v, nil
	}
	text, ok := v.(string)
	if !ok { // a bare number would count nanoseconds
		return nil, noValue("is not %s", expected(to))
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, noValue("%q is no duration; write it like 24h, 90m or 3s", text)
	}
	return d, nil
}

func numberToBytes(from, to reflect.Type, v any) (any, error) {
	if to == reflect.TypeFor[Bytes]() && from.Kind() == reflect.Int64 {
		return strconv.FormatInt(v.(int64), 10), nil
	}
	return v, nil
}

func textToPrefix(from, to reflect.Type, v any) (any, error) {
	text, ok := v.(string)
	if !ok || to != reflect.TypeFor[netip.Prefix]() {
		return v, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, noValue("%q is no network; write it like 10.0.0.0/8", text)
	}
	return p, nil
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
