package main

import (
	"fmt"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
)

const growthHead = `
## Growth

What ours costs by the size of things: straight lines through the rows above, on this machine.

`

// growth tells what grows with what. A line of which a row is missing, or void, is left out.
func growth(figures []pair.Figure) string {
	rows := map[string]pair.Figure{}
	for _, f := range figures {
		if f.Verdict() != pair.Void {
			rows[f.Name] = f
		}
	}
	var b strings.Builder
	law := func(format string, value func(f []pair.Figure) []any, names ...string) {
		var found []pair.Figure
		for _, name := range names {
			f, ok := rows[name]
			if !ok {
				return
			}
			found = append(found, f)
		}
		fmt.Fprintf(&b, "- "+format+"\n", value(found)...)
	}
	few, many := 16, webhook.MaxPlaceholders
	law("Composing: %s and %s a placeholder of some 25 bytes; %s a clean byte of a long value.",
		func(f []pair.Figure) []any {
			fixed, each := line(few, f[0].Ours, many, f[1].Ours)
			return []any{pair.Seconds(fixed), pair.Seconds(each), pair.Seconds(f[2].Ours / (64 << 10))}
		}, fmt.Sprintf("compose/slope-%d", few), fmt.Sprintf("compose/slope-%d", many), "compose/value-memmove")
	law("Signing: %s and %s a byte of the body.",
		func(f []pair.Figure) []any {
			fixed, each := line(200, f[0].Ours, 10<<10, f[1].Ours)
			return []any{pair.Seconds(fixed), pair.Seconds(each)}
		}, "sign/floor-200B", "sign/floor-10KB")
	law("Delivering: %s of CPU for a small body, and by 16 workers %s longer for each KB beyond 10; to 1000 endpoints in turn %s times as fast as to one.",
		func(f []pair.Figure) []any {
			_, each := line(10, f[1].Ours, 32, f[2].Ours)
			return []any{pair.Seconds(f[0].Ours), pair.Seconds(each), pair.Number(f[3].Value.Median)}
		}, "deliver/raw@64-cpu", "deliver/large-10KB@16", "deliver/large-32KB@16", "hosts/growth@64")
	law("Waiting in memory: %s B a retry beyond its message and id, whatever their number; handing it out takes %s times the CPU when there are ten times as many.",
		func(f []pair.Figure) []any {
			return []any{pair.Number(f[0].Value.Median), pair.Number(f[1].Value.Median)}
		}, "pending/memory-1M", "pending/cpu-growth")
	if b.Len() == 0 {
		return ""
	}
	return growthHead + b.String()
}

// line returns the straight line through two points: what it begins with, and what it rises for each.
func line(x1 int, y1 float64, x2 int, y2 float64) (fixed, each float64) {
	each = (y2 - y1) / float64(x2-x1)
	return y1 - float64(x1)*each, each
}
