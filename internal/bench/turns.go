package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Floors among results; hubs are named by their modes.
const (
	floorName = "floor"
	bareName  = "bare net/http"
)

// turn is one of several loads that are compared.
type turn struct {
	name   string
	server *process // whose CPU time is taken, if anybody's
	load   func() (result, error)
}

// results are those of all rounds, by the names of turns.
type results map[string][]result

// takeTurns makes all loads in each round, so that what disturbs one disturbs its neighbours too.
func takeTurns(rounds int, turns []turn) (results, error) {
	all := make(results)
	for range rounds {
		for _, t := range turns {
			before := t.server.cpu()
			r, err := t.load()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			r.cpu = t.server.cpu() - before
			all[t.name] = append(all[t.name], r)
		}
	}
	return all, nil
}

// ratio is the median of the rounds' ratios: how many times better one is than the other.
func (r results) ratio(our, their string, of figure) float64 {
	var ratios []float64
	for i := range r[our] {
		ratios = append(ratios, of.ratio(r[our][i].figures(), r[their][i].figures()))
	}
	return median(ratios)
}

// of returns the figures of the round that is the median by its rate.
func (r results) of(name string) figures {
	sorted := slices.SortedFunc(slices.Values(r[name]), func(a, b result) int { return cmp.Compare(a.perSecond(), b.perSecond()) })
	return sorted[len(sorted)/2].figures()
}

// than returns what one is compared with.
func (r results) than(their, our string, of figure) *other {
	return &other{Name: their, figures: r.of(their), Ratio: r.ratio(our, their, of), Of: of}
}

func (r results) has(name string) bool { return len(r[name]) > 0 }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T time.Duration | float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
