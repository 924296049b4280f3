package main

import (
	"fmt"
	"slices"
	"time"
)

// floorName names the floor among results; hubs are named by their modes.
const floorName = "floor"

// turn is one of several loads that are compared.
type turn struct {
	name string
	load func() (result, error)
}

// results are those of all rounds, by the names of turns.
type results map[string][]result

// takeTurns makes all loads in each round, so that what disturbs one disturbs its neighbours too.
func takeTurns(rounds int, turns []turn) (results, error) {
	all := make(results)
	for range rounds {
		for _, t := range turns {
			r, err := t.load()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			all[t.name] = append(all[t.name], r)
		}
	}
	return all, nil
}

// ratio is the median of the rounds' ratios.
func (r results) ratio(of, to string, figure func(result) float64) float64 {
	var ratios []float64
	for i := range r[of] {
		ratios = append(ratios, figure(r[of][i])/figure(r[to][i]))
	}
	return median(ratios)
}

// of returns the round that is the median by its rate.
func (r results) of(name string) result {
	sorted := slices.SortedFunc(slices.Values(r[name]), func(a, b result) int { return int(a.perSecond() - b.perSecond()) })
	return sorted[len(sorted)/2]
}

func (r results) has(name string) bool { return len(r[name]) > 0 }

func rate(r result) float64 { return r.perSecond() }
func p50(r result) float64  { return float64(r.percentile(.5)) }
func p99(r result) float64  { return float64(r.percentile(.99)) }
func tail(r result) float64 { return float64(r.percentile(.99)) / float64(r.percentile(.5)) }

func describe(r result) string {
	text := fmt.Sprintf("%.0f/s, p50 %.2f ms, p99 %.1f ms", r.perSecond(), ms(r.percentile(.5)), ms(r.percentile(.99)))
	if len(r.statuses) > 1 {
		text += fmt.Sprintf(", statuses %v", r.statuses)
	}
	return text
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T time.Duration | float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
