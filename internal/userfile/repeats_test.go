package userfile

import (
	"fmt"
	"maps"
	"os"
	"testing"
)

func TestRepeatsAreFoundInAnyNumberOfShares(t *testing.T) {
	t.Parallel()
	for _, share := range []int{1, 7, 1000, keysAtOnce} {
		r, err := NewRepeats()
		if err != nil {
			t.Fatal(err)
		}
		r.share = share
		want := make(map[int]int)
		for line := 1; line <= 100; line++ {
			if err := r.Add(line, fmt.Sprint(line%40)); err != nil {
				t.Fatal(err)
			}
			if first := (line-1)%40 + 1; first != line {
				want[line] = first
			}
		}
		got := make(map[int]int)
		err = r.Find(func(line, first int) error { got[line] = first; return nil })
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%d at a time: %v, %v", share, got, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(r.file.Name()); !os.IsNotExist(err) {
			t.Errorf("the file is left: %v", err)
		}
	}
}
