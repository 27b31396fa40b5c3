package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
)

const growthHead = `
## Costs, and what they grow with

What ours costs on this machine, by the size of things: straight lines through the rows above.

`

// growth tells what grows with what. A law with a row that is missing or void is left
// out, and so is one that noise has made fall.
func growth(figures []pair.Figure) string {
	rows := map[string]pair.Figure{}
	for _, f := range figures {
		if f.Verdict() != pair.Void {
			rows[f.Name] = f
		}
	}
	var b strings.Builder
	for _, l := range laws {
		if text, ok := l.state(rows); ok {
			b.WriteString("- " + text + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return growthHead + b.String()
}

// A law is a sentence with numbers made of rows.
type law struct {
	text    string
	rows    []string
	numbers func(f []pair.Figure) []number
}

type number struct {
	value float64
	write func(float64) string
}

func (l law) state(rows map[string]pair.Figure) (string, bool) {
	var figures []pair.Figure
	for _, name := range l.rows {
		f, ok := rows[name]
		if !ok {
			return "", false
		}
		figures = append(figures, f)
	}
	var texts []any
	for _, n := range l.numbers(figures) {
		if n.value <= 0 {
			return "", false
		}
		texts = append(texts, n.write(n.value))
	}
	return fmt.Sprintf(l.text, texts...), true
}

var laws = []law{
	{
		"Composing: %s, and %s a placeholder (values of 4 to 36 bytes); %s a further byte that needs no escape, %s where a third needs one.",
		[]string{"compose/slope-16", "compose/slope-" + strconv.Itoa(webhook.MaxPlaceholders), "compose/value-memmove", "compose/value-escapes"},
		func(f []pair.Figure) []number {
			fixed, each := line(16, f[0].Ours, webhook.MaxPlaceholders, f[1].Ours)
			return []number{{fixed, pair.Seconds}, {each, pair.Seconds}, {f[2].Ours / longValue, pair.Seconds}, {f[3].Ours / longValue, pair.Seconds}}
		},
	},
	{
		"Compose, with what a message has besides (an id, a policy, memory of its own): %s and %s allocations for the template of the documents, of which %s are the text. A webhook with more than a handful of headers has a few allocations more.",
		[]string{"compose/whole", "compose/allocs-whole", "compose/limit"},
		func(f []pair.Figure) []number {
			return []number{{f[0].Ours, pair.Seconds}, {f[1].Value.Median, pair.Number}, {f[2].Ours, pair.Seconds}}
		},
	},
	{
		"Signing: %s for the whole header of HMAC over 200 bytes, and %s a further byte.",
		[]string{"sign/HMAC", "sign/floor-200B", "sign/floor-10KB"},
		func(f []pair.Figure) []number {
			_, each := line(200, f[1].Ours, 10<<10, f[2].Ours)
			return []number{{f[0].Ours, pair.Seconds}, {each, pair.Seconds}}
		},
	},
	{
		"Delivering: %s of CPU for a small body by 64 workers, of which bare net/http has %s; %s for each KB between 10 and 32, the signature's among them. To 1000 hosts in turn it is %s times as fast as to one.",
		[]string{"deliver/raw@64-cpu", "deliver/large-10KB@16-cpu", "deliver/large-32KB@16-cpu", "hosts/growth@64"},
		func(f []pair.Figure) []number {
			_, each := line(10, f[1].Ours, 32, f[2].Ours)
			return []number{{f[0].Ours, pair.Seconds}, {f[0].Ours / f[0].Value.Median, pair.Seconds}, {each, pair.Seconds}, {f[3].Value.Median, pair.Number}}
		},
	},
	{
		"Waiting in memory: %s B a retry beyond its message and id among 10,000, %s B among a million, where handing it out takes %s times the CPU that it takes among a tenth.",
		[]string{"pending/memory-10k", "pending/memory-1M", "pending/cpu-growth"},
		func(f []pair.Figure) []number {
			return []number{{f[0].Value.Median, pair.Number}, {f[1].Value.Median, pair.Number}, {f[2].Value.Median, pair.Number}}
		},
	},
}

// line returns the straight line through two points: what it begins with, and what it
// rises for each.
func line(x1 int, y1 float64, x2 int, y2 float64) (fixed, each float64) {
	each = (y2 - y1) / float64(x2-x1)
	return y1 - float64(x1)*each, each
}
