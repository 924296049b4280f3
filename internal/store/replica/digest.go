package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/a64core/hub"
)

// digest is the SHA-256 of all fields of all records, in order.
type digest [sha256.Size]byte

func digestOf(records []hub.Record) digest {
	h := sha256.New()
	var buf []byte
	for _, r := range records {
		buf = appendValue(buf[:0], content(r))
		_, _ = h.Write(buf) // never fails
	}
	return digest(h.Sum(nil))
}

// content returns the struct in which the record's fields are.
func content(r hub.Record) reflect.Value {
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsNil() {
			return f.Elem()
		}
	}
	return reflect.Value{}
}

// differing returns the API's names of the fields in which two records of one kind differ.
func differing(a, b hub.Record) []string {
	left, right := content(a), content(b)
	var names []string
	for i := range left.NumField() {
		if !slices.Equal(appendValue(nil, left.Field(i)), appendValue(nil, right.Field(i))) {
			names = append(names, apiName(left.Type().Field(i).Name))
		}
	}
	return names
}

// apiName spells the name of a field as the API does: userId for UserID.
func apiName(field string) string {
	name := strings.NewReplacer("ID", "Id", "IP", "Ip").Replace(field)
	return strings.ToLower(name[:1]) + name[1:]
}

// appendValue appends a value so that different values never look alike, and those do that mean the same: an absent slice
// or map and an empty one, a time in two zones.
func appendValue(buf []byte, v reflect.Value) []byte {
	switch value := v.Interface().(type) {
	case time.Time:
		if value.IsZero() {
			return append(buf, 0)
		}
		return binary.AppendVarint(append(buf, 1), value.UnixMilli())
	case hub.Secret:
		return appendText(buf, value.Reveal())
	case []byte:
		return appendText(buf, string(value))
	case map[string]string:
		buf = binary.AppendUvarint(buf, uint64(len(value)))
		for _, name := range slices.Sorted(maps.Keys(value)) {
			buf = appendText(appendText(buf, name), value[name])
		}
		return buf
	}
	switch v.Kind() {
	case reflect.String:
		return appendText(buf, v.String())
	case reflect.Bool:
		if v.Bool() {
			return append(buf, 1)
		}
		return append(buf, 0)
	case reflect.Int, reflect.Int64:
		return binary.AppendVarint(buf, v.Int())
	case reflect.Uint8:
		return binary.AppendUvarint(buf, v.Uint())
	case reflect.Struct:
		for i := range v.NumField() {
			buf = appendValue(buf, v.Field(i))
		}
		return buf
	case reflect.Slice:
		buf = binary.AppendUvarint(buf, uint64(v.Len()))
		for i := range v.Len() {
			buf = appendValue(buf, v.Index(i))
		}
		return buf
	}
	panic(fmt.Sprintf("a record has a field of the type %s, which cannot be compared", v.Type())) // a test covers every field
}

func appendText(buf []byte, text string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}
