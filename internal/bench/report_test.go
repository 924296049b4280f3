package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentiles(t *testing.T) {
	t.Parallel()
	var r result
	for i := range 200 {
		r.latencies = append(r.latencies, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[float64]float64{0: 0, .5: 100, .99: 198, 1: 199} {
		if got := r.percentile(p); ms(got) != want {
			t.Errorf("percentile %g is %v", p, got)
		}
	}
	if got := (result{}).percentile(.5); got != 0 {
		t.Errorf("of nothing it is %v", got)
	}
}

func TestProcessorTimeIsReadWhateverAProgramIsCalled(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]time.Duration{
		"7 (a) b 9 ) S 1 7 7 0 -1 4194560 2 0 0 0 120 45 0 0 20 0 8 0 123 1 2": 1650 * time.Millisecond,
		"7 (hub) S 1 7": 0,
		"":              0,
	} {
		if got := cpuOf(stat); got != want {
			t.Errorf("%q: %v instead of %v", stat, got, want)
		}
	}
}

func TestRatiosAreMediansOfRounds(t *testing.T) {
	t.Parallel()
	round := func(answers int, latency time.Duration) result {
		r := result{took: time.Second, statuses: map[int]int{200: answers}, cpu: 100 * time.Millisecond}
		for range answers {
			r.latencies = append(r.latencies, latency)
		}
		return r
	}
	r := results{
		sqlite:    {round(10, 4*time.Millisecond), round(30, time.Millisecond), round(20, 2*time.Millisecond)},
		floorName: {round(20, time.Millisecond), round(40, time.Millisecond), round(20, time.Millisecond)},
	}
	want := &other{floorName, figures{PerSecond: 20, P50: 1, P99: 1, CPU: 5000}, .75, rate}
	if diff := cmp.Diff(want, r.than(floorName, sqlite, rate), cmp.AllowUnexported(other{})); diff != "" {
		t.Error(diff)
	}
	if got := r.ratio(sqlite, floorName, p99); got != .5 { // latencies are better if they are lower
		t.Errorf("by p99 it is %g", got)
	}
	if want := (figures{PerSecond: 20, P50: 2, P99: 2, CPU: 5000}); !cmp.Equal(r.of(sqlite), want) {
		t.Errorf("the median round is %+v", r.of(sqlite))
	}
}

// example returns a report with these ratios of rates.
func example(sqliteRatio, mysqlRatio float64) report {
	of := func(mode string, ratio float64, goals ...goal) row {
		return row{
			Mode: mode, What: "GET /auth/me, 32 connections", figures: figures{PerSecond: 1000 * ratio, P50: 1.5},
			Than: &other{floorName, figures{PerSecond: 1000}, ratio, rate}, Goals: goals,
		}
	}
	return report{Commit: "abc1234", Rows: []row{
		of(sqlite, sqliteRatio, atLeast(sqliteRatio, .65, "of the floor"), atMost(1.5, 2, "ms p50")), of(mysql, mysqlRatio),
		{Mode: sqlite, What: "binary", figures: figures{Size: 38.5}, Note: "<&>"},
	}}
}

func TestWhatFellSinceTheCommittedFiguresIsMarked(t *testing.T) {
	t.Parallel()
	before := example(.7, .5)
	now := example(.6, .46)
	for i, want := range []string{"-14 % FELL", "-8 %", ""} {
		if got := before.change(now.Rows[i]); got != want {
			t.Errorf("%s: %q instead of %q", now.Rows[i].What, got, want)
		}
	}
	elsewhere := now.Rows[0]
	elsewhere.Mode = dual
	if got := before.change(elsewhere); got != "" {
		t.Errorf("of a row that was not there: %q", got)
	}
	var table bytes.Buffer
	if err := printTable(&table, now.Rows, before); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SINCE abc1234", "floor: 1,000/s", "-14 % FELL", "MISSED >= 0.65 of the floor; ok <= 2 ms p50", "38.5 MB"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("there is no %q in %s", want, table.String())
		}
	}
}

func TestReportsAreReadAsTheyWereSaved(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	if empty, err := readReport(file); err != nil || empty.Rows != nil {
		t.Errorf("before: %v, %v", empty, err)
	}
	want := (&bench{products: map[string]string{sqlite: "SQLite 3"}, rows: example(2./3, .5).Rows, rounds: 3, duration: time.Second}).report(t.Context())
	if err := want.save(file); err != nil {
		t.Fatal(err)
	}
	got, err := readReport(file)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{}, other{})); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if ratio := got.Rows[0].Than.Ratio; ratio != .6667 {
		t.Errorf("the ratio is %v", ratio)
	}
	if text, err := json.Marshal(got.Rows[2]); err != nil || string(text) != `{"mode":"sqlite","what":"binary","sizeMB":38.5,"note":"\u003c\u0026\u003e"}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestThePictureIsWellFormed(t *testing.T) {
	t.Parallel()
	r := example(.7, .5)
	r.Rows = append(r.Rows, row{Mode: sqlite, What: "whose session, 32 connections", Than: &other{Name: "A & <B>", figures: figures{PerSecond: 1}}})
	bars := 0
	d := xml.NewDecoder(bytes.NewReader(r.draw()))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 4 { // two modes, the floor, the peer
		t.Errorf("%d bars", bars)
	}
}
