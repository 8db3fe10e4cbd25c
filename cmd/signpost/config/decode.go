package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// decode fills a struct, key by key, so that one bad value hides no other, and
// notes every key of a wrong type and every unknown one.
func (c *collector) decode(table string, values map[string]any, into reflect.Value) {
	for _, name := range sorted(values) {
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
		if err := decodeValue(value, field, set); err != nil {
			c.add(key, err.Error(), "")
		}
	}
}

// decodeTables fills a map of tables, [region.us] and its like.
func (c *collector) decodeTables(key string, tables map[string]any, field reflect.Value) {
	field.Set(reflect.MakeMap(field.Type()))
	for _, id := range sorted(tables) {
		one := reflect.New(field.Type().Elem()).Elem()
		if values, ok := tables[id].(map[string]any); ok {
			c.decode(key+"."+id, values, one)
		} else {
			c.add(key+"."+id, "is not a table", "Write ["+key+"."+id+"] on a line of its own, its keys below.")
		}
		field.SetMapIndex(reflect.ValueOf(id), one)
	}
}

// decodeValue fills one value, for which text may stand where the environment sets
// it; an error says what was expected in plain words.
func decodeValue(value any, into reflect.Value, text bool) error {
	if list, ok := value.([]any); ok && into.Kind() == reflect.Slice {
		return decodeList(list, into, text)
	}
	wrong := wrongKind(expected(into.Type()))
	switch to := into.Addr().Interface().(type) {
	case *time.Duration:
		return decodeText(value, to, parseDuration, wrong)
	case *netip.Prefix:
		return decodeText(value, to, parseNetwork, wrong)
	case *Bytes:
		if n, ok := value.(int64); ok { // a size may be a plain number
			value = strconv.FormatInt(n, 10)
		}
		return decodeText(value, to, parseBytes, wrong)
	}
	if text {
		value = meant(value, into.Kind())
	}
	from := reflect.ValueOf(value)
	if !from.IsValid() || !plain(from.Kind(), into.Kind()) {
		return wrong
	}
	into.Set(from.Convert(into.Type()))
	return nil
}

// plain tells kinds that stand for one another as they are.
func plain(from, into reflect.Kind) bool {
	switch into {
	case reflect.String, reflect.Bool:
		return from == into
	case reflect.Int:
		return from == reflect.Int64
	}
	return false
}

// meant is the number or truth value for which text stands, and what is neither as
// it is; "" is the zero one.
func meant(value any, kind reflect.Kind) any {
	s, ok := value.(string)
	switch {
	case ok && kind == reflect.Int:
		if n, err := strconv.ParseInt(cmp.Or(s, "0"), 0, strconv.IntSize); err == nil {
			return n
		}
	case ok && kind == reflect.Bool:
		if b, err := strconv.ParseBool(s); err == nil || s == "" {
			return b
		}
	}
	return value
}

// decodeList fills a list, which keeps an item for each that is at fault: one that
// comes out empty could mean something else.
func decodeList(list []any, into reflect.Value, text bool) error {
	all := reflect.MakeSlice(into.Type(), len(list), len(list))
	into.Set(all)
	for i, item := range list {
		err := decodeValue(item, all.Index(i), text)
		if _, ok := err.(wrongKind); ok { // said of the list as a whole
			return wrongKind(expected(into.Type()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeText parses a text; wrong is the error of what is no text. A value that is at
// fault changes nothing.
func decodeText[T any](value any, into *T, parse func(string) (T, error), wrong error) error {
	s, ok := value.(string)
	if !ok {
		return wrong
	}
	v, err := parse(s)
	if err == nil {
		*into = v
	}
	return err
}

// wrongKind is the error of a value of another kind than the one it names.
type wrongKind string

func (k wrongKind) Error() string { return "is not " + string(k) }

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

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil { // a bare number would count nanoseconds
		return 0, fmt.Errorf("%q is no duration; write it like 24h, 90m or 3s", text)
	}
	return d, nil
}

// parseNetwork reads a network, or an address as the network of it alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no network; write it like 10.0.0.0/8", text)
	}
	return p, nil
}
