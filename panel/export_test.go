package panel

import (
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/ringhook/webhook/durable"
)

// A Route is one of the table.
type Route struct {
	API             bool
	Method, Pattern string
	Right           Right
}

// Routes returns the table.
func Routes() []Route {
	var all []Route
	for _, r := range routes {
		all = append(all, Route{r.kind == kindAPI, r.method, r.pattern, r.right})
	}
	return all
}

// English returns the catalogue.
func English() map[string]string { return maps.Clone(english) }

// Templates are the files of templates.
var Templates fs.FS = templateFiles

// Chart returns what the whole height of a chart means, and of each bar where the two parts
// begin, from the top, and how high they are: delivered, then failed.
func Chart(tallies []durable.Tally, from time.Time, step time.Duration, steps int) (most int, bars [][4]int) {
	c := newChart(tallies, from, step, steps)
	for _, b := range c.Bars {
		bars = append(bars, [4]int{b.GoodY, b.Good, b.BadY, b.Bad})
	}
	return c.Most, bars
}

// Codes are those of all errors.
func Codes() []string {
	var codes []string
	for code := range english {
		if name, ok := strings.CutPrefix(code, "error."); ok && strings.HasSuffix(name, ".title") {
			codes = append(codes, strings.TrimSuffix(name, ".title"))
		}
	}
	return codes
}
