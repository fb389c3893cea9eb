package config

import (
	"reflect"
	"strconv"
	"strings"
)

// leaf reports whether a type is one value of the file rather than a table.
func leaf(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Duration](), reflect.TypeFor[Size]():
		return true
	}
	return t.Kind() != reflect.Struct && !tables(t)
}

// tables reports whether a type is an array of tables.
func tables(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// walk visits every value of a table in the order of its declaration. Paths are written as in
// "app[0].stream.api_key".
func walk(v reflect.Value, prefix string, visit func(path string, f reflect.StructField, v reflect.Value)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("toml")
		if name == "-" || name == "" {
			continue
		}
		path := name
		if prefix != "" {
			path = prefix + "." + name
		}
		fv := v.Field(i)
		switch {
		case leaf(f.Type):
			visit(path, f, fv)
		case tables(f.Type):
			for j := range fv.Len() {
				walk(fv.Index(j), path+"["+strconv.Itoa(j)+"]", visit)
			}
		default:
			walk(fv, path, visit)
		}
	}
}

// tableOf finds the type of the table that the keys lead to, ignoring array positions.
func tableOf(t reflect.Type, keys []string) (reflect.Type, bool) {
	for _, k := range keys {
		f, ok := fieldOf(t, k)
		if !ok || leaf(f.Type) {
			return nil, false
		}
		if t = f.Type; tables(t) {
			t = t.Elem()
		}
	}
	return t, true
}

// fieldOf finds the field of a table by its key.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("toml") == key && key != "-" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// names lists the keys of a table.
func names(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if n := t.Field(i).Tag.Get("toml"); n != "-" && n != "" {
			out = append(out, n)
		}
	}
	return out
}

// enum is the list of values a text may have, or nil.
func enum(f reflect.StructField) []string {
	if s := f.Tag.Get("enum"); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}
