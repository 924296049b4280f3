package storetest_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
)

func openFaulty(t *testing.T) *storetest.Faulty {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	f := storetest.NewFaulty(s)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestFaultyIsAStoreUntilToldToFail(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store { return openFaulty(t) })
}

// TestFaultyFailsInEveryMethod calls each method of a store with zero values.
func TestFaultyFailsInEveryMethod(t *testing.T) {
	t.Parallel()
	want := errors.New("on cue")
	f := storetest.NewFaultyDatabase(nil) // a call that gets through finds no database
	store := reflect.TypeFor[hub.Database]()
	for i := range store.NumMethod() {
		method := store.Method(i)
		if method.Name == "Pool" { // asks no database, and so cannot fail
			continue
		}
		f.FailNext(method.Name, 1, want, false)
		var args []reflect.Value
		for j := range method.Type.NumIn() {
			if method.Type.IsVariadic() && j == method.Type.NumIn()-1 {
				continue
			}
			if in := method.Type.In(j); in == reflect.TypeFor[context.Context]() {
				args = append(args, reflect.ValueOf(t.Context()))
			} else {
				args = append(args, reflect.Zero(in))
			}
		}
		results := reflect.ValueOf(f).MethodByName(method.Name).Call(args)
		if err, _ := results[len(results)-1].Interface().(error); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", method.Name, err, want)
		}
	}
	if n := f.Unspent(); n != 0 {
		t.Errorf("%d failures did not happen", n)
	}
}

func TestFaultyFailsBeforeOrAfter(t *testing.T) {
	t.Parallel()
	ctx, f := t.Context(), openFaulty(t)
	l := hub.Lockout{Key: "k", Failures: 3}
	for _, tt := range []struct {
		after bool
		want  int64 // stored version
	}{{false, 0}, {true, 1}} {
		f.FailNext("PutLockout", 1, hub.ErrUnavailable, tt.after)
		if err := f.PutLockout(ctx, l, nil); !errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("after %v: error %v", tt.after, err)
		}
		got, err := f.LockoutByKey(ctx, "k")
		if err != nil || got.Version != tt.want {
			t.Errorf("after %v: version %d, %v, want %d", tt.after, got.Version, err, tt.want)
		}
	}
	f.FailNext("LockoutByKey", 2, hub.ErrUnavailable, true)
	for i := range 3 {
		got, err := f.LockoutByKey(ctx, "k")
		if fails := i < 2; fails != errors.Is(err, hub.ErrUnavailable) || fails != (got == hub.Lockout{}) {
			t.Errorf("call %d: %v, %v", i, got, err)
		}
	}
	f.FailNext("PutLockuot", 1, hub.ErrUnavailable, false)
	if n := f.Unspent(); n != 1 {
		t.Errorf("a misspelt method: %d failures left, want 1", n)
	}
}
