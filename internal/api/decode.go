package api

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

// bodyPlan says how to decode a request body into a struct. Bodies are flat: each field is a string, a secret, a boolean or
// a JSON object kept as it is. A field that is no pointer is required. A pointer is optional: nil if the field was left
// out, and, where the tag `nullable:"true"` allows null, a pointer to the zero value for null.
type bodyPlan struct {
	fields   []bodyField
	known    string // the names
	optional bool   // an absent body is as good as an empty object
}

type bodyField struct {
	name   string
	index  []int
	schema *huma.Schema // length and nullability
	enum   []string
}

// planBody makes the plan for the struct type t from its tags.
func planBody(t reflect.Type, schema *huma.Schema) (bodyPlan, error) {
	var p bodyPlan
	var names []string
	p.optional = true
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch reflect.New(f.Type).Interface().(type) {
		case *string, *bool, *hub.Secret:
			p.optional = false
		case **string, **bool, **hub.Secret, **jsontext.Value:
		default:
			return bodyPlan{}, fmt.Errorf("field %s of %s: a body cannot hold %s", f.Name, t, f.Type)
		}
		s := schema.Properties[name]
		if s == nil {
			return bodyPlan{}, fmt.Errorf("field %s of %s has no schema", f.Name, t)
		}
		var enum []string
		for _, v := range s.Enum {
			enum = append(enum, fmt.Sprint(v))
		}
		p.fields = append(p.fields, bodyField{name, f.Index, s, enum})
		names = append(names, name)
	}
	p.known = strings.Join(names, ", ")
	return p, nil
}

// decode reads the body of r into the struct to. VALIDATION_ERROR names every field that is missing or wrong; the other
// errors are those of readBody and parseObject.
func (p *bodyPlan) decode(w http.ResponseWriter, r *http.Request, to reflect.Value) error {
	body, err := readBody(w, r, p.optional)
	if err != nil || (body == nil && p.optional) {
		return err
	}
	members, err := parseObject(body)
	if err != nil {
		return err
	}
	var wrong []hub.FieldError
	known := 0
	for _, f := range p.fields {
		raw, given := members[f.name]
		message := ""
		switch target := to.FieldByIndex(f.index); {
		case given:
			known++
			message = f.decode(raw, target)
		case target.Kind() != reflect.Pointer:
			message = "is required"
		}
		if message != "" {
			wrong = append(wrong, hub.FieldError{Location: f.name, Message: message})
		}
	}
	if known < len(members) { // their names are not repeated: a secret pasted in the wrong place would be one
		wrong = append(wrong, hub.FieldError{Message: "has an unknown field; the known ones, spelled exactly so, are " + p.known})
	}
	if len(wrong) > 0 {
		return hub.Invalid(wrong...)
	}
	return nil
}

// decode writes a value into its field, or returns what is wrong with it.
func (f *bodyField) decode(raw jsontext.Value, to reflect.Value) string {
	isPointer := to.Kind() == reflect.Pointer
	if raw.Kind() == 'n' && !(isPointer && f.schema.Nullable) {
		return "must not be null"
	}
	if isPointer {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	if raw.Kind() == 'n' {
		return ""
	}
	switch p := to.Addr().Interface().(type) {
	case *string:
		text, message := f.text(raw)
		*p = text
		return message
	case *hub.Secret:
		text, message := f.text(raw)
		*p = hub.NewSecret(text)
		return message
	case *bool:
		*p = raw.Kind() == 't'
		if !*p && raw.Kind() != 'f' {
			return "must be true or false"
		}
	case *jsontext.Value:
		*p = raw
		if raw.Kind() != '{' {
			return "must be an object"
		}
	}
	return ""
}

func (f *bodyField) text(raw jsontext.Value) (value, message string) {
	if raw.Kind() != '"' {
		return "", "must be a string"
	}
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return "", "must not hold half a surrogate pair"
	}
	value = string(unquoted)
	length := utf8.RuneCountInString(value)
	switch s := f.schema; {
	case s.MinLength != nil && length == 0:
		return "", "must not be empty"
	case s.MinLength != nil && length < *s.MinLength:
		return "", fmt.Sprintf("must have at least %d characters", *s.MinLength)
	case s.MaxLength != nil && length > *s.MaxLength:
		return "", fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	case f.enum != nil && !slices.Contains(f.enum, value):
		return "", "must be one of " + strings.Join(f.enum, ", ")
	}
	return value, ""
}
