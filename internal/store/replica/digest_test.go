package replica

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// blank returns an empty record of each kind.
func blank(t *testing.T) map[string]func() hub.Record {
	t.Helper()
	all := make(map[string]func() hub.Record)
	kinds := reflect.TypeFor[hub.Record]()
	for i := range kinds.NumField() {
		f := kinds.Field(i)
		all[f.Name] = func() hub.Record {
			var r hub.Record
			reflect.ValueOf(&r).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
			return r
		}
	}
	return all
}

// changes calls with each leaf below v, changed, and its path; it changes it back.
func changes(t *testing.T, v reflect.Value, path string, with func(path string)) {
	t.Helper()
	was := reflect.New(v.Type()).Elem()
	was.Set(v)
	set := func(value any) {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
		with(path)
		v.Set(was)
	}
	switch v.Interface().(type) {
	case time.Time:
		set(time.UnixMilli(0).UTC()) // which is not "absent"
		set(time.UnixMilli(1).UTC())
		return
	case hub.Secret:
		set(hub.NewSecret("x"))
		return
	case map[string]string:
		set(map[string]string{"a": ""})
		set(map[string]string{"a": "b"})
		set(map[string]string{"ab": ""})
		return
	case []byte:
		set([]byte("x"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		set("x")
	case reflect.Bool:
		set(true)
	case reflect.Int, reflect.Int64, reflect.Uint8:
		set(1)
		set(2)
	case reflect.Struct:
		for i := range v.NumField() {
			changes(t, v.Field(i), path+"."+v.Type().Field(i).Name, with)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		with(path + "[1]")
		changes(t, v.Index(0), path+"[0]", with)
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		with(path + "[2]")
		changes(t, v.Index(1), path+"[1]", with)
		v.Set(was)
	default:
		t.Errorf("%s is of the type %s, which this test does not know", path, v.Type())
	}
}

func TestDigestTellsEveryFieldOfEveryRecordApart(t *testing.T) {
	t.Parallel()
	for kind, newRecord := range blank(t) {
		r := newRecord()
		empty := newRecord()
		seen := map[digest]string{digestOf([]hub.Record{r}): "nothing"}
		changes(t, content(r), kind, func(path string) {
			d := digestOf([]hub.Record{r})
			if other, ok := seen[d]; ok {
				t.Errorf("%s looks like %s", path, other)
			}
			seen[d] = path
			if names := differing(empty, r); len(names) != 1 {
				t.Errorf("%s: the fields %v differ", path, names)
			}
		})
		if len(seen) < 3 {
			t.Errorf("%s has %d fields", kind, len(seen))
		}
	}
}

func TestDigestTellsListsOfRecordsApart(t *testing.T) {
	t.Parallel()
	a, b := hub.Record{User: &hub.User{ID: "a"}}, hub.Record{User: &hub.User{ID: "b"}}
	seen := make(map[digest]string)
	for _, list := range [][]hub.Record{nil, {a}, {b}, {a, b}, {b, a}, {a, a}} {
		d, name := digestOf(list), fmt.Sprint(len(list), list)
		if other, ok := seen[d]; ok {
			t.Errorf("%s looks like %s", name, other)
		}
		seen[d] = name
	}
}

func TestDigestIgnoresWhatMeansTheSame(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := hub.Record{User: &hub.User{CreatedAt: at, Metadata: nil, MailedAt: nil}}
	b := hub.Record{User: &hub.User{CreatedAt: at.In(time.FixedZone("x", 3600)), Metadata: []byte{}, MailedAt: []time.Time{}}}
	if digestOf([]hub.Record{a}) != digestOf([]hub.Record{b}) || len(differing(a, b)) > 0 {
		t.Error("they differ")
	}
	c, d := hub.Record{Event: &hub.Event{}}, hub.Record{Event: &hub.Event{Detail: map[string]string{}}}
	if digestOf([]hub.Record{c}) != digestOf([]hub.Record{d}) {
		t.Error("an empty map is not an absent one")
	}
}

func TestFieldsAreNamedAsTheAPINamesThem(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"FirstName": "firstName", "UserID": "userId", "IP": "ip", "ID": "id", "IsEmailVerified": "isEmailVerified", "TargetID": "targetId",
	} {
		if got := apiName(field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
}
