package config

import (
	"reflect"
	"strings"
)

// nearestKey proposes the known key of the same table that is spelled most like
// the unknown one.
func nearestKey(key string) string {
	table, last := "", key
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		table, last = key[:i], key[i+1:]
	}
	best, distance := "", 3
	for _, known := range knownKeys(table) {
		if d := editDistance(last, known); d < distance {
			best, distance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return "Did you mean " + best + "?"
}

// knownKeys lists the keys a table may hold, or every table of a map of them.
func knownKeys(table string) []string {
	t, _ := typeAt(table)
	if t != nil && t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("toml"); name != "" {
			keys = append(keys, name)
		}
	}
	return keys
}

// editDistance counts the letters to insert, drop or change between two words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
