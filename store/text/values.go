package text

import "reflect"

// Invalid finds the first text in a value that is not as the store should hold it
// (IsValid), among its fields and items at any depth, and names the field of v that it
// stands in; "" when there is none. Bytes are no text. v is a struct, or a pointer to one.
func Invalid(v any) string {
	return walk(reflect.ValueOf(v), func(s reflect.Value) bool { return IsValid(s.String()) })
}

// Clean makes every text in what v points to, at any depth, as the store should hold it
// (Valid), and tells whether one changed. Slices and what pointers lead to are changed in
// place: v must own them.
func Clean(v any) (changed bool) {
	walk(reflect.ValueOf(v), func(s reflect.Value) bool {
		if !IsValid(s.String()) {
			s.SetString(Valid(s.String()))
			changed = true
		}
		return true
	})
	return changed
}

// walk visits the texts of a value until visit returns false, and names the one at which
// it did, "" for none.
func walk(v reflect.Value, visit func(s reflect.Value) bool) (at string) {
	switch v.Kind() {
	case reflect.String:
		if !visit(v) {
			return "the text"
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return walk(v.Elem(), visit)
		}
	case reflect.Struct:
		return walkFields(v, visit)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return ""
		}
		for i := range v.Len() {
			if at := walk(v.Index(i), visit); at != "" {
				return at
			}
		}
	}
	return ""
}

// walkFields visits the texts of a struct's own fields; those that are not exported, as
// time.Time's are not, hold none. A name is made for a fault alone: every write walks.
func walkFields(v reflect.Value, visit func(s reflect.Value) bool) string {
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanInterface() {
			continue
		}
		if walk(f, visit) != "" {
			return v.Type().Field(i).Name
		}
	}
	return ""
}
