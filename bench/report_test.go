package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
)

func someReport() report {
	steady := pair.Exactly(1)
	return report{
		machine: "some processor, 2 CPUs, linux/amd64", goVersion: "go1.26.8", date: "2026-11-21", commit: "abc123", took: 7 * time.Minute,
		figures: []pair.Figure{
			{Name: "compose/whole-text-template", What: "URL, header, body : text/template", Unit: pair.Speed, Value: pair.Spread{P25: 25, Median: 26.04, P75: 27}, Goal: pair.AtLeast(25), Self: steady, Slack: 0.05, Note: "300 ns : 7.8 µs"},
			{Name: "compose/whole", What: "URL, header, body : appended by hand", Unit: pair.Time, Value: pair.Spread{P25: 1.5, Median: 1.55, P75: 1.6}, Goal: pair.AtMost(1.4), Self: steady, Slack: 0.05, Tries: 2, Note: "1.16 µs : 748 ns"},
			{Name: "compose/allocs-body", What: "body", Unit: pair.Allocs, Value: pair.Exactly(0), Goal: pair.AtMost(0)},
			{Name: "deliver/raw@64-cpu", What: "CPU of the client for a request", Unit: pair.CPU, Value: pair.Exactly(1.36), Self: steady, Slack: 0.1, Note: "33.6 µs : 25.0 µs"},
			{Name: "deliver/naive@64", What: "compose, sign, send : text/template, hmac.New", Unit: pair.Speed, Value: pair.Exactly(1.3), Self: steady, Slack: 0.1},
			{Name: "deliver/raw-deadline@64", What: "compose, sign, send : bare net/http", Unit: pair.Speed, Value: pair.Exactly(0.9), Self: steady, Slack: 0.1},
			{Name: "deliver/gap-fasthttp@64", What: "compose, sign, send : fasthttp", Unit: pair.Speed, Value: pair.Exactly(0.35), Self: steady, Slack: 0.1},
		},
	}
}

func TestReport_Markdown(t *testing.T) {
	t.Parallel()
	got := someReport().markdown()
	for _, want := range []string{
		"| Machine | some processor, 2 CPUs, linux/amd64 |\n",
		"| Result | goals: 2 met, 0 nearly, 1 missed; 4 without a goal, 0 void |\n",
		"\n## deliver\n",
		"\n| compose/whole-text-template | URL, header, body : text/template | 26.0 × as fast | 25 – 27 | 300 ns : 7.8 µs | 1.00 (1.00 – 1.00) | ≥ 25 | met |\n",
		"\n| compose/whole | URL, header, body : appended by hand | 1.55 × the time | 1.50 – 1.60 | 1.16 µs : 748 ns | 1.00 (1.00 – 1.00) | ≤ 1.40 | missed (2) |\n",
		"\n| compose/allocs-body | body | 0 allocs |  |  |  | ≤ 0 | met |\n",
	} {
		require.Contains(t, got, want)
	}
}

func TestReport_SVG(t *testing.T) {
	t.Parallel()
	got := someReport().svg()
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.Equal(t, 1+5, strings.Count(got, "<rect "), "the ground, and a bar for each ratio")
	require.Equal(t, 2, strings.Count(got, `<rect class="fast"`))
	require.Contains(t, got, ">0.65×<", "costs are turned around")
}

func TestWithPerformance(t *testing.T) {
	t.Parallel()
	const head, tail = "# Ringhook\n\n## Performance\n\n" + readmeBegin, readmeEnd + "\n## Compatibility\n"
	want := head +
		"Composing a message takes 1.16 µs; composing, signing and sending it 33.6 µs of CPU. Beside what one would use instead,\n" +
		"measured in turns on some processor, 2 CPUs, linux/amd64, go1.26.8, 2026-11-21:\n\n" +
		"| what Ringhook does | beside | Ringhook is |\n|---|---|---|\n" +
		"| URL, header, body | text/template | 26.0 × as fast |\n" +
		"| URL, header, body | appended by hand | slower: 1.55 × the time |\n" +
		"| compose, sign, send, 64 workers | text/template, hmac.New | 1.30 × as fast |\n" +
		"| compose, sign, send, 64 workers | bare net/http | slower: 0.90 × as fast |\n" +
		"| compose, sign, send, 64 workers | fasthttp | slower: 0.35 × as fast |\n" +
		"\nAll rows, also those where it is slower, and how they are measured: [bench/RESULTS.md](bench/RESULTS.md).\n" + tail
	results := someReport().markdown()
	got, err := withPerformance(head+"old\n"+tail, results)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = withPerformance(got, results)
	require.NoError(t, err)
	require.Equal(t, want, got, "again")

	_, err = withPerformance("# Ringhook\n", results)
	require.ErrorContains(t, err, "the README has no lines")
	_, err = withPerformance(head+tail, "| compose/whole |\n")
	require.EqualError(t, err, "the results have no figures in a row compose/whole")
	none := someReport()
	none.figures = none.figures[1:]
	_, err = withPerformance(head+tail, none.markdown())
	require.EqualError(t, err, "the results have no row compose/whole-text-template")
	void := someReport()
	void.figures[1].Self = pair.Exactly(1.2)
	_, err = withPerformance(head+tail, void.markdown())
	require.EqualError(t, err, "the row compose/whole is void: measure again on a quiet machine")
}
