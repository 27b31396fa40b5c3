package main

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// The measures of the picture, in pixels.
const (
	svgWidth  = 960
	svgLabels = 250 // left of the bars
	svgValues = 90  // right of them
	svgRow    = 20
	svgBar    = 11
	svgGroup  = 30 // a heading
	svgTop    = 82
	svgBottom = 34
)

// The picture has a ground of its own, so that its colours are legible on whatever page
// it is.
const svgStyle = `<style>
.page { fill: #ffffff }
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600 }
.group { font-weight: 600 }
.name { text-anchor: end }
.tick { text-anchor: middle; font-size: 11px }
.grid { stroke: #8c959f; stroke-opacity: .3 }
.one { stroke: #8c959f; stroke-width: 1.5 }
.fast { fill: #2b8a9e }
.slow { fill: #d0722b }
.void { fill: #8c959f; fill-opacity: .7 }
.spread { stroke: #57606a; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 }
  text { fill: #c9d1d9 }
  .spread { stroke: #f0f6fc }
  .fast { fill: #39a9c0 }
  .slow { fill: #e68a45 }
}
</style>
`

// svg draws how fast we are relative to each reference: to the right of 1 faster, to
// the left slower.
func (r report) svg() string {
	var shown []pair.Figure
	low, high := 0.5, 2.0
	for _, f := range r.figures {
		if s, ok := f.Relative(); ok && drawn(f.Name) {
			shown = append(shown, f)
			low, high = min(low, s.P25), max(high, s.P75)
		}
	}
	x := func(v float64) float64 {
		return svgLabels + (svgWidth-svgLabels-svgValues)*math.Log(v/low)/math.Log(high/low)
	}

	var rows strings.Builder
	y, last := float64(svgTop), ""
	for _, f := range shown {
		group, name, _ := strings.Cut(f.Name, "/")
		if group != last {
			last = group
			y += svgGroup
			fmt.Fprintf(&rows, "<text class=\"group\" x=\"12\" y=\"%.0f\">%s</text>\n", y-9, html.EscapeString(group))
		}
		drawBar(&rows, f, name, x, y)
		y += svgRow
	}

	var b strings.Builder
	height := y + svgBottom
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"Speed relative to the references\">\n", svgWidth, height)
	b.WriteString(svgStyle)
	b.WriteString("<rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n")
	fmt.Fprintf(&b, "<text class=\"title\" x=\"12\" y=\"24\">How many times as fast as the reference (logarithmic; the line is the quartiles)</text>\n")
	b.WriteString("<text x=\"12\" y=\"44\">Right of 1× we are faster, left of it slower; pale is void. Deliveries are those by 64 workers, large ones by 16.</text>\n")
	fmt.Fprintf(&b, "<text x=\"12\" y=\"62\">%s, %s, %s</text>\n",
		html.EscapeString(r.machine), html.EscapeString(r.goVersion), html.EscapeString(r.date))
	for _, v := range ticks(low, high) {
		class := "grid"
		if v == 1 {
			class = "one"
		}
		fmt.Fprintf(&b, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.0f\"/>\n", class, x(v), x(v), svgTop, y+6)
		fmt.Fprintf(&b, "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\">%s×</text>\n", x(v), y+22, pair.Number(v))
	}
	b.WriteString(rows.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// drawn picks one of several numbers of workers.
func drawn(name string) bool {
	what, workers, ok := strings.Cut(name, "@")
	return !ok || workers == "64" || strings.HasPrefix(what, "deliver/large")
}

// ticks are 1, 2 and 5 of each decade.
func ticks(low, high float64) []float64 {
	var all []float64
	for decade := math.Floor(math.Log10(low)); decade <= math.Log10(high); decade++ {
		for _, digit := range []float64{1, 2, 5} {
			if v := digit * math.Pow(10, decade); v >= low && v <= high {
				all = append(all, v)
			}
		}
	}
	return all
}

// drawBar draws a bar from 1 to the median, the line of the quartiles, and the number.
func drawBar(b *strings.Builder, f pair.Figure, name string, x func(float64) float64, y float64) {
	s, _ := f.Relative()
	class := "fast"
	switch {
	case f.Void():
		class = "void"
	case s.Median < 1:
		class = "slow"
	}
	from, to, middle := x(min(s.Median, 1)), x(max(s.Median, 1)), y+svgRow/2
	fmt.Fprintf(b, "<text class=\"name\" x=\"%d\" y=\"%.1f\">%s</text>\n", svgLabels-10, middle+4, html.EscapeString(name))
	fmt.Fprintf(b, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>%s</title></rect>\n",
		class, from, middle-svgBar/2.0, max(to-from, 1), svgBar, html.EscapeString(f.What))
	fmt.Fprintf(b, "<line class=\"spread\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", x(s.P25), x(s.P75), middle, middle)
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\">%s×</text>\n", max(to, x(s.P75))+6, middle+4, pair.Number(s.Median))
}
