package password

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// A stored hash is either read whole or not at all, and what is read the bcrypt library reads alike.
func FuzzParseStored(f *testing.F) {
	made, err := newHash("kX7!vPqz", bcrypt.MinCost)
	if err != nil {
		f.Fatal(err)
	}
	long, err := newHash(strings.Repeat("k", 100), bcrypt.MinCost)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"", made, long, "$2y$" + made[4:], made[:59], long[:60], "$2a$31$" + made[7:], preHashed} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseStored(text)
		if !ok {
			if s.bcrypt != "" || s.salt != nil {
				t.Error("refused, yet something was returned")
			}
			return
		}
		if cost, err := bcrypt.Cost([]byte(s.bcrypt)); err != nil || cost != s.cost || cost > maxCost {
			t.Errorf("cost is %d, bcrypt says %d, %v", s.cost, cost, err)
		}
		if (s.salt != nil) != strings.HasPrefix(text, preHashed) {
			t.Error("the salt was taken for something else")
		}
	})
}

// Go's bcrypt refuses a malformed hash in no time at all; the dummy must not be one.
func TestDummyHashIsWellFormed(t *testing.T) {
	t.Parallel()
	for cost := bcrypt.MinCost; cost <= maxCost; cost++ {
		if got, ok := bcryptCost(dummyHash(cost).bcrypt); !ok || got != cost {
			t.Errorf("cost %d: read as %d, %v", cost, got, ok)
		}
	}
	err := bcrypt.CompareHashAndPassword([]byte(dummyHash(bcrypt.MinCost).bcrypt), []byte("x"))
	if !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("comparing gives %v", err)
	}
}

// The list would miss a word for ever that is not in the form in which it is looked up.
func TestWellKnownWordsAreInOrder(t *testing.T) {
	t.Parallel()
	before, count := "", 0
	for line := range strings.Lines(wellKnownText) {
		word := strings.TrimSuffix(line, "\n")
		if word <= before || word != strings.ToLower(word) || len(word) < 4 {
			t.Errorf("%q after %q", word, before)
		}
		before = word
		count++
	}
	if count < 40_000 {
		t.Errorf("%d words", count)
	}
}
