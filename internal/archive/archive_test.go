package archive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/archive"
)

var update = flag.Bool("update", false, "write the golden file")

var begun = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// samples returns a record of each kind in which every field is set, whatever fields there are.
func samples(t testing.TB) []hub.Record {
	t.Helper()
	var all []hub.Record
	for field := range reflect.TypeFor[hub.Record]().Fields() {
		var r hub.Record
		v := reflect.New(field.Type.Elem())
		fill(t, v.Elem(), field.Name)
		reflect.ValueOf(&r).Elem().FieldByIndex(field.Index).Set(v)
		all = append(all, r)
	}
	return all
}

func fill(t testing.TB, v reflect.Value, name string) {
	t.Helper()
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		*value = begun
		return
	case *hub.Secret:
		*value = hub.NewSecret("$2a$12$" + name)
		return
	case *hub.Role:
		*value = hub.RoleModerator
		return
	case *[]byte:
		*value = []byte(`{"b": 1, "a": [true, null, "ü"]}`)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name + " <é> \"\n")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1<<53 + 1) // which no float holds
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), name)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"to": "admin", "from": "user"}))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("%s: no sample of a %s", name, v.Type())
	}
}

// pack writes records into an archive.
func pack(t testing.TB, records ...hub.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, archive.Header{Hub: "1.2.3", Engine: "sqlite", Product: "SQLite 3", Schema: 1, Begun: begun, AtOneMoment: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(records...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(begun.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpack reads an archive to its end.
func unpack(r io.Reader, keys archive.Keys) (all []hub.Record, in *archive.Reader, err error) {
	in, err = archive.Open(r, keys)
	if err != nil {
		return nil, nil, err
	}
	for {
		some, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all, in, nil
		}
		if err != nil {
			return all, in, err
		}
		all = append(all, some...)
	}
}

func wantSame(t *testing.T, got, want []hub.Record) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b hub.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestEveryFieldOfEveryKindTravels(t *testing.T) {
	t.Parallel()
	want := samples(t)
	want = append(want, hub.Record{User: &hub.User{ID: "bare"}}, hub.Record{Event: &hub.Event{ID: "bare"}})
	got, in, err := unpack(bytes.NewReader(pack(t, want...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
	if h := in.Header(); h.Hub != "1.2.3" || !h.Begun.Equal(begun) || !h.AtOneMoment {
		t.Errorf("header %+v", h)
	}
	if tr := in.Trailer(); tr.Records[hub.RecordUser] != 2 || tr.Records[hub.RecordMail] != 1 || !tr.Ended.Equal(begun.Add(time.Second)) {
		t.Errorf("trailer %+v", tr)
	}
	if !strings.HasSuffix(fmt.Sprintf("%x", pack(t, want...)), in.Sum()) {
		t.Error("the sum is not what the file ends with")
	}
}

// TestTheFormatIsWhatItWas reads an archive that was written when the format got its number. If it fails because a record has
// changed, the format needs a new number, and a reader of the former one.
func TestTheFormatIsWhatItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "format1.a64")
	if *update {
		if err := os.WriteFile(path, pack(t, samples(t)...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, _, err := unpack(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, samples(t))
}

func TestManyRecordsGoInManyChunks(t *testing.T) {
	t.Parallel()
	want := make([]hub.Record, 5000)
	for i := range want {
		want[i].Event = &hub.Event{ID: fmt.Sprint(i), Kind: hub.EventUserCreated, At: begun, UserAgent: strings.Repeat("x", i%500)}
	}
	packed := pack(t, want...)
	if n := bytes.Count(packed, []byte("R\x00")); n < 3 || len(packed) > 1<<18 {
		t.Errorf("%d chunks in %d bytes", n, len(packed))
	}
	got, _, err := unpack(bytes.NewReader(packed), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}

func TestAnyDamageIsFound(t *testing.T) {
	t.Parallel()
	whole := pack(t, samples(t)...)
	for at := range whole {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		if _, _, err := unpack(bytes.NewReader(flipped), nil); !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrNewerFormat) {
			t.Errorf("byte %d of %d was changed: %v", at, len(whole), err)
		}
		if _, _, err := unpack(bytes.NewReader(whole[:at]), nil); !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("cut after %d of %d bytes: %v", at, len(whole), err)
		}
	}
	if _, _, err := unpack(bytes.NewReader(append(bytes.Clone(whole), 0)), nil); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("something follows: %v", err)
	}
}

// chunks returns where the chunks of an archive begin, and its end.
func chunks(packed []byte) (at []int) {
	for i := bytes.IndexByte(packed, '\n') + 1; i < len(packed); {
		at = append(at, i)
		i += 5 + int(binary.BigEndian.Uint32(packed[i+1:])) + 32
	}
	return append(at, len(packed))
}

func TestChunksThatAreLostDoubledOrMovedAreFound(t *testing.T) {
	t.Parallel()
	events := make([]hub.Record, 3000)
	for i := range events {
		events[i].Event = &hub.Event{ID: fmt.Sprint(i), UserAgent: strings.Repeat("x", 300)}
	}
	whole := pack(t, events...)
	at := chunks(whole)
	if len(at) < 6 {
		t.Fatalf("only %d chunks", len(at)-1)
	}
	head, second, third, rest := whole[:at[2]], whole[at[2]:at[3]], whole[at[3]:at[4]], whole[at[4]:]
	for name, parts := range map[string][][]byte{
		"lost": {head, third, rest}, "doubled": {head, second, second, third, rest}, "moved": {head, third, second, rest},
		"no end": {head, second}, "twice": {whole, whole},
	} {
		if _, _, err := unpack(bytes.NewReader(bytes.Join(parts, nil)), nil); !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := unpack(bytes.NewReader(bytes.Join([][]byte{head, second, third, rest}, nil)), nil); err != nil {
		t.Errorf("put together again: %v", err)
	}
}

func TestOtherFilesAndNewerFormatsAreRefused(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]error{
		"": archive.ErrNotAnArchive, "SQLite format 3\x00 and more": archive.ErrNotAnArchive, "a64core archive x\n": archive.ErrDamaged,
		"a64core archive 2\nwhatever": archive.ErrNewerFormat, "a64core archive 0\n": archive.ErrDamaged,
		"age-encryption.org/v1\n": archive.ErrEncrypted,
	} {
		if _, _, err := unpack(strings.NewReader(content), nil); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", content, err, want)
		}
	}
}

func TestOnlyItsKeyOpensALockedArchive(t *testing.T) {
	t.Parallel()
	right, wrong := newIdentity(t), newIdentity(t)
	locks, err := archive.ParseLocks([]string{right.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	plain := pack(t, samples(t)...)
	locked := lock(t, plain, locks)
	if bytes.Contains(locked, []byte("sqlite")) {
		t.Error("the archive is readable")
	}
	keys, err := archive.ParseKeys(strings.NewReader("# a comment\n" + right.String() + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := unpack(bytes.NewReader(locked), keys)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, samples(t))
	if _, _, err := unpack(bytes.NewReader(plain), keys); err != nil {
		t.Errorf("in the clear, with a key: %v", err)
	}
	for name, keys := range map[string]archive.Keys{"another key": {wrong}, "a passphrase": passphrase(t, "open sesame")} {
		if _, _, err := unpack(bytes.NewReader(locked), keys); !errors.Is(err, archive.ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for at := 0; at < len(locked); at += 7 {
		flipped := bytes.Clone(locked)
		flipped[at] ^= 1
		if _, _, err := unpack(bytes.NewReader(flipped), keys); err == nil {
			t.Errorf("byte %d of %d was changed, and nobody noticed", at, len(locked))
		}
		if _, _, err := unpack(bytes.NewReader(locked[:at]), keys); err == nil {
			t.Errorf("cut after %d of %d bytes, and nobody noticed", at, len(locked))
		}
	}
}

func TestPassphrases(t *testing.T) {
	t.Parallel()
	locks, err := archive.PassphraseLock(hub.NewSecret("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	locked := lock(t, pack(t, samples(t)...), locks)
	if _, _, err := unpack(bytes.NewReader(locked), passphrase(t, "open sesame")); err != nil {
		t.Error(err)
	}
	if _, _, err := unpack(bytes.NewReader(locked), passphrase(t, "open barley")); !errors.Is(err, archive.ErrWrongKey) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := archive.PassphraseLock(hub.Secret{}); err == nil {
		t.Error("an empty passphrase locks")
	}
	if _, err := archive.ParseKeys(strings.NewReader("AGE-SECRET-KEY-CANARY")); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a key that is none: %v", err)
	}
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func passphrase(t *testing.T, text string) archive.Keys {
	t.Helper()
	keys, err := archive.PassphraseKey(hub.NewSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func lock(t *testing.T, plain []byte, locks archive.Locks) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := archive.Lock(&b, locks)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
