package main

import (
	"fmt"
	"strconv"
)

// row is one line of the table: what was measured of a hub, and of what it is compared with.
type row struct {
	Mode string `json:"mode"`
	What string `json:"what"`
	figures
	Than  *other `json:"comparedWith,omitempty"`
	Note  string `json:"note,omitempty"`
	Goals []goal `json:"goals,omitempty"`
}

// other is what took turns with a hub.
type other struct {
	Name string `json:"name"`
	figures
	Ratio float64 `json:"ratio"` // how many times better the hub is: above 1 is good, whatever the figure
	Of    figure  `json:"ratioOf"`
}

// figures are what was measured of one program. What does not apply, and what the system does not tell, is 0.
type figures struct {
	PerSecond float64     `json:"perSecond,omitempty"`
	P50       float64     `json:"p50Ms,omitempty"`
	P99       float64     `json:"p99Ms,omitempty"`
	CPU       float64     `json:"cpuMicrosecondsPerRequest,omitempty"` // of the server's process
	Memory    float64     `json:"memoryMiB,omitempty"`
	Size      float64     `json:"sizeMB,omitempty"`
	Statuses  map[int]int `json:"statuses,omitempty"` // if there were several
}

// figure names the one of the figures that is compared.
type figure string

const (
	rate   figure = "rate"
	p50    figure = "p50"
	p99    figure = "p99"
	memory figure = "memory"
)

// ratio returns how many times better our figures are than others.
func (f figure) ratio(our, their figures) float64 {
	switch f {
	case p50:
		return share(their.P50, our.P50)
	case p99:
		return share(their.P99, our.P99)
	case memory:
		return share(their.Memory, our.Memory)
	default:
		return share(our.PerSecond, their.PerSecond)
	}
}

// share returns 0 of what was not measured.
func share(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// goal is what a row has to reach.
type goal struct {
	Text string `json:"goal"`
	Met  bool   `json:"met"`
}

func atLeast(measured, least float64, of string) goal {
	return goal{fmt.Sprintf(">= %g %s", least, of), measured >= least}
}

// atMost is not met by what was not measured.
func atMost(measured, most float64, of string) goal {
	return goal{fmt.Sprintf("<= %g %s", most, of), measured > 0 && measured <= most}
}

// add adds a row with its goals, if it has any.
func (b *bench) add(r row, goals ...goal) {
	r.Goals = goals
	b.rows = append(b.rows, r)
}

// leaveOut adds a row that says why there is nothing in it.
func (b *bench) leaveOut(mode, what, why string) {
	b.add(row{Mode: mode, What: what, Note: "left out: " + why})
}

// rounded has as many digits as mean something.
func (f figures) rounded() figures {
	for _, x := range []*float64{&f.PerSecond, &f.P50, &f.P99, &f.CPU, &f.Memory, &f.Size} {
		*x = rounded(*x)
	}
	return f
}

// rounded returns x with four significant digits.
func rounded(x float64) float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64) // reads what the other wrote
	return short
}
