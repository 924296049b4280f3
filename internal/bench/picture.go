package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"os"
	"slices"
)

// panel is a part of the picture: bars of one figure.
type panel struct {
	title string
	whats []string // whose rows it shows
	of    figure
}

func panels() []panel {
	return []panel{
		{"Who am I, 32 connections: requests a second", []string{"GET /auth/me, 32 connections", "whose session, 32 connections"}, rate},
		{"The same, 8 connections, while 64 log in: p99 in ms, less is better", []string{"whose session, 8 connections, 64 logins in flight"}, p99},
		{"A new token for an old one, 32 connections: requests a second", []string{"refresh, 32 connections", "a new token for an old one, 32 connections"}, rate},
		{"Logins a second, bcrypt at cost 12", []string{"login, bcrypt 12"}, rate},
	}
}

// bar is one of a panel's bars. Kind is its class in the style.
type bar struct {
	kind, name string
	value      float64
}

// bars returns those of a panel. Of several rows of one name the first counts.
func (r report) bars(p panel) (all []bar) {
	add := func(name string, f figures) {
		b := bar{"peer", name, f.PerSecond}
		if p.of == p99 {
			b.value = f.P99
		}
		switch {
		case slices.Contains(allModes(), name):
			b.kind, b.name = "hub", "the hub, "+name
		case slices.Contains([]string{bareName, floorName, rawName}, name):
			b.kind = "floor"
		}
		if !slices.ContainsFunc(all, func(other bar) bool { return other.name == b.name }) {
			all = append(all, b)
		}
	}
	for _, row := range r.Rows {
		if !slices.Contains(p.whats, row.What) {
			continue
		}
		add(row.Mode, row.figures)
		if row.Than != nil {
			add(row.Than.Name, row.Than.figures)
		}
	}
	return all
}

// style has colours that can be read on white and, if the reader prefers that, on black.
const style = `<style>text { font: 13px sans-serif; fill: #1f2328 } .title { font-weight: bold } .hub { fill: #0969da } .floor { fill: #8c959f } .peer { fill: #d4833f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .hub { fill: #4493f8 } .floor { fill: #6e7681 } .peer { fill: #c9803a } }</style>
`

// draw returns the figures as SVG.
func (r report) draw() []byte {
	const left, longest, right, height, gap = 180, 440, 80, 20, 16 // in pixels
	var body bytes.Buffer
	y := 0
	for _, p := range panels() {
		bars := r.bars(p)
		if len(bars) == 0 {
			continue
		}
		y += gap + height
		fmt.Fprintf(&body, `<text class="title" x="0" y="%d">%s</text>`+"\n", y-6, html.EscapeString(p.title))
		most := slices.MaxFunc(bars, func(a, b bar) int { return cmp.Compare(a.value, b.value) }).value
		for _, b := range bars {
			width := longest * share(b.value, most)
			fmt.Fprintf(&body, `<text x="%d" y="%d" text-anchor="end">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/><text x="%.1f" y="%d">%s</text>`+"\n",
				left-8, y+15, html.EscapeString(b.name), b.kind, left, y+2, width, height-4, left+width+6, y+15, number(b.value, ""))
			y += height
		}
	}
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="The hub beside floors and peers">`+"\n%s%s</svg>\n",
		left+longest+right, y+gap, style, body.Bytes())
	return svg.Bytes()
}

// savePicture draws the figures that were committed.
func savePicture(r report, file string) error {
	if len(r.Rows) == 0 {
		return fmt.Errorf("%s has no figures: -save them there first", committed)
	}
	if err := os.WriteFile(file, r.draw(), 0o644); err != nil {
		return fmt.Errorf("save a picture: %w", err)
	}
	return nil
}
